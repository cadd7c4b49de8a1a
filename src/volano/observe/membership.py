"""Who is in which segment: rules made ready, and a person's record settled by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import pyarrow as pa
from msgspec.structs import replace

from volano.domain.event import SEGMENT_ENTERED, SEGMENT_LEFT
from volano.domain.profile import Profile
from volano.domain.rfm import RfmBounds
from volano.domain.segment import Move, Segment
from volano.domain.tables import OURS, TIME, filled
from volano.errors import BadRule
from volano.maths.hashing import hash63
from volano.observe.moments import moments, pruned, united
from volano.observe.traits import FIELDS, TIMED, facts, telling
from volano.observe.traits.given import TRAITS as GIVEN
from volano.observe.traits.lately import turns as lately_turns
from volano.observe.traits.notices import turns as notice_turns
from volano.observe.traits.phones import turns as phone_turns
from volano.observe.traits.rfm import USUAL
from volano.observe.traits.rfm import turns as rfm_turns
from volano.observe.traits.trait import Trait
from volano.rules.change import Change, compile_changes
from volano.rules.compile import DONE, NOW, compile_trees
from volano.rules.lists import check_lists
from volano.rules.nodes import At, Compare, Condition, Test, compares, conditions, fields, leaves
from volano.rules.tree import SEGMENTS, Groups, parse

Turns = Callable[[Profile, int], int | None]  # the next moment after one (both UTC µs)
# Facts of those groups that only events change: who asks for them alone need not be looked at again.
_STEADY = frozenset({"notified", "opened", "rfm_frequency", "rfm_money"})
_NAMING = frozenset({"in", "nin", "all"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """All segments made ready, immutable: made anew when a segment or a campaign changes.

    `levels` decide the segments in turn: one that names others comes after them. `conditions` (by key) are
    all that must be remembered of people, those of campaigns' audiences among them. `told` are the groups of
    facts that the segments ask for. `change` and `turns` tell when time alone may change something. `broken`
    names the segments that were left out and why; `asked` is what it was made of.
    """

    keys: frozenset[str] = frozenset()
    levels: tuple[Callable[[Mapping[str, Any]], list[str]], ...] = ()
    conditions: Mapping[str, Condition]
    change: Change
    told: tuple[Trait, ...] = ()
    turns: tuple[Turns, ...] = ()
    bounds: RfmBounds = USUAL
    broken: tuple[tuple[str, str], ...] = ()
    asked: tuple[Any, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """Compiled rules do not pickle; what they are made of does."""
        return _again, self.asked


def ready(
    segments: Iterable[Segment],
    audiences: Iterable[Any] = (),
    *,
    groups: Groups | None = None,
    bounds: RfmBounds = USUAL,
) -> Ready:
    """The segments made ready, and what the `audiences` (rules of live campaigns) must have remembered.

    A segment whose rule is bad, or that names itself in the end, harms no other. `groups` are saved lists,
    `bounds` those of the RFM types.
    """
    segments, audiences = tuple(segments), tuple(audiences)
    trees: dict[str, Test] = {}
    broken = []
    for segment in segments:
        try:
            trees[segment.key] = tree_of(segment.rule, groups)
        except BadRule as error:
            broken.append((segment.key, error.message))
    levels, circular = _levels(trees)
    broken += [(key, f"segment {key!r} names itself by way of others; take one out") for key in circular]
    asked = []
    for rule in audiences:
        try:
            asked.append(parse(rule, groups))
        except BadRule:  # `act.choose.snapshot` tells of it
            continue
    live = {key: tree for level in levels for key, tree in level.items()}
    names = frozenset().union(*map(fields, live.values()))
    return Ready(
        keys=frozenset(live),
        levels=tuple(map(compile_trees, levels)),
        conditions={one.key: one for one in conditions(*live.values(), *asked)},
        change=compile_changes(live.values(), TIMED),
        told=telling(names),
        turns=_turns(names, bounds),
        bounds=bounds,
        broken=tuple(broken),
        asked=(segments, audiences, groups, bounds),
    )


def _again(
    segments: Sequence[Segment], audiences: Sequence[Any], groups: Groups | None, bounds: RfmBounds
) -> Ready:
    return ready(segments, audiences, groups=groups, bounds=bounds)


def tree_of(rule: Any, groups: Groups | None = None) -> Test:
    """The tree of a segment's rule; BadRule if a segment cannot have it, and if it names a list that is not
    among the `groups`, unless these are None.
    """
    if groups is not None:
        check_lists(rule, groups)
    tree = parse(rule, groups)
    named(tree)
    for condition in conditions(tree):
        for event in (SEGMENT_ENTERED, SEGMENT_LEFT):
            if event in condition.events:
                raise BadRule(f"a segment cannot watch {event!r}; name the segment in the fact `segments`")
    return tree


def named(tree: Test) -> frozenset[str]:
    """The keys of the segments that a rule names; BadRule if it asks for them without a name.

    >>> sorted(named(parse({"segments": {"$in": ["new"]}, "$or": [{"segments": {"$not": {"$all": ["a"]}}}]})))
    ['a', 'new']
    """
    found: set[str] = set()
    for leaf in leaves(tree):
        if not isinstance(leaf, At) or leaf.field != SEGMENTS:
            continue
        tests = compares(leaf.test)
        if not tests or not all(map(_names, tests)):
            raise BadRule('a rule names segments as {"segments": {"$in": ["new"]}} ($in, $nin or $all)')
        found |= {str(each) for test in tests for each in test.constant}
    return frozenset(found)


def strangers(tree: Test) -> list[str]:
    """The names in a rule that are no facts of people.

    >>> strangers(parse({"orders": 1, "order": 2, "traits.plan": "x", "segments": {"$in": ["new"]}}))
    ['order']
    """
    return sorted(name for name in fields(tree) if name not in FIELDS and not name.startswith(GIVEN))


def settled(profile: Profile, ready: Ready, now: int) -> Profile:
    """The person's record at `now` (UTC µs): in which segments they are, and when to look again.

    `due` is when time alone may change it next. What no rule needs to remember is dropped, and so are
    segments that are no more.
    """
    asked = facts(profile, now=now, bounds=ready.bounds, of=ready.told)
    done = pruned(profile.done, ready.conditions, now) if profile.done else profile.done
    asked[NOW], asked[DONE] = now, done
    inside: list[str] = []
    for level in ready.levels:
        asked[SEGMENTS] = inside
        inside = inside + level(asked)
    known = profile.segments
    segments = {key: known.get(key, now) for key in inside}
    due = ready.change(asked, now) or 0
    for turns in ready.turns:
        at = turns(profile, now)
        if at is not None and (at < due or not due):
            due = at
    if due == profile.due and segments == known and done == profile.done:
        return profile
    return replace(profile, done=done, segments=segments, due=due)


def moves(before: Profile, after: Profile, ready: Ready, now: int) -> list[Move]:
    """Which segments a person who was settled entered and left; nothing of segments that are no more."""
    inside, known = after.segments, before.segments
    entered = [(key, True) for key in inside if key not in known]
    left = [(key, False) for key in known if key not in inside and key in ready.keys]
    who = after.person_id
    return [Move(person_id=who, segment=key, entered=came, at=now) for key, came in (*entered, *left)]


def turned(
    profiles: Mapping[int, Profile], added: pa.Table | None, ready: Ready, now: int
) -> tuple[dict[int, Profile], list[Move]]:
    """Profiles that changed, with what the rows of events that were added tell, settled at `now` (UTC µs).

    By person the new profile, and who moved. Rows of people who are not among the profiles are passed over.
    """
    told = (
        {} if added is None or not ready.conditions else moments(added, [*ready.conditions.values()], now=now)
    )
    after: dict[int, Profile] = {}
    moved: list[Move] = []
    for person, known in profiles.items():
        profile = replace(known, done=united(known.done, told[person])) if person in told else known
        one = after[person] = settled(profile, ready, now)
        if one.segments or known.segments:
            moved += moves(known, one, ready, now)
    return after, moved


def move_rows(moves: Sequence[Move]) -> pa.Table:
    """Rows of events that tell of moves; a move has one id, so that it is told once."""
    names = [SEGMENT_ENTERED if move.entered else SEGMENT_LEFT for move in moves]
    told = [msgspec.json.encode({"segment": move.segment}).decode() for move in moves]
    people = pa.array([move.person_id for move in moves], pa.int64())
    columns = {
        "person_id": people,
        "time": pa.array([move.at for move in moves], TIME),
        "id": pa.array(map(move_id, moves), pa.int64()),
        "identity": people,
        "origin": pa.array([OURS] * len(moves), pa.string()),
        "event": pa.array(names, pa.string()),
        "properties": pa.array(told, pa.string()),
    }
    return filled("events", columns)


def move_id(move: Move) -> int:
    """The name of a move, as the id of its row."""
    return hash63(f"v:{move.person_id}:{move.segment}:{int(move.entered)}:{move.at}")


def _turns(names: frozenset[str], bounds: RfmBounds) -> tuple[Turns, ...]:
    """What tells when the facts of these names change by time alone, beside those that only grow."""
    known: dict[str, Turns] = {
        "lately": lately_turns,
        "notices": notice_turns,
        "rfm": partial(rfm_turns, bounds=bounds),
        "phones": phone_turns,
    }
    groups = {FIELDS[name].group for name in names & FIELDS.keys() - _STEADY}
    return tuple(turns for group, turns in known.items() if group in groups)


def _names(test: Compare) -> bool:
    return test.operator in _NAMING and all(isinstance(each, str) for each in test.constant)


def _levels(trees: Mapping[str, Test]) -> tuple[list[dict[str, Test]], list[str]]:
    """The trees in turns such that those named come first, and the keys of those that go round in circles."""
    waiting = {key: named(tree) & trees.keys() for key, tree in trees.items()}
    levels: list[dict[str, Test]] = []
    settled_: set[str] = set()
    while waiting:
        free = [key for key, others in waiting.items() if others <= settled_]
        if not free:
            break
        levels.append({key: trees[key] for key in free})
        settled_ |= set(free)
        waiting = {key: others for key, others in waiting.items() if key not in settled_}
    return levels, list(waiting)
