"""The calls that wait for web hooks: put with the moves that cause them, and found again in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import msgspec

from volano.domain.change import Change, Key
from volano.domain.hook import Call, CallNumber, DeadCall, Hook, Standing
from volano.domain.segment import Move
from volano.maths.hashing import hash63
from volano.observe.membership import move_id
from volano.ports import N, Profiles

COUNTED = 10_000  # calls that are counted one by one; beyond it there are just more
_FIRST = -(2**63)

CallKey = tuple[int, int]  # number of the hook, number of the call


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A hook as it stands: calls that wait and that are dead (COUNTED: or more), and since when (UTC µs) the
    oldest waits.
    """

    hook: Hook
    standing: Standing
    waiting: int
    oldest: int
    dead: int


def with_calls(change: Change, hooks: Sequence[Hook], profiles: Profiles) -> Change:
    """The change, with the calls of the moves in it: they are kept together or not at all.

    To be called in a turn of `profiles`, in which the change is put before another one is made.
    """
    moves = [record for _, record in change.puts if isinstance(record, Move)] if hooks else []
    puts: list[tuple[Key, msgspec.Struct]] = []
    for hook in hooks:
        wanted = [move for move in moves if hook.wants(move.segment)]
        if not wanted:
            continue
        which = number_of(hook.key)
        had = profiles.get(CallNumber, which)
        first = had.number if had is not None else 0
        puts += [((which, first + at), _call(hook, move)) for at, move in enumerate(wanted)]
        puts.append((which, CallNumber(number=first + len(wanted))))
    if not puts:
        return change
    return replace(change, puts=(*change.puts, *puts))


def number_of(key: str) -> int:
    """The number under which the records of a hook are kept."""
    return hash63(f"w:{key}") >> 1


def calls_of(profiles: Profiles, kind: type[N], key: str) -> Iterator[tuple[CallKey, N]]:
    """Those of a hook, in their order."""
    which = number_of(key)
    return profiles.scan(kind, (which, _FIRST), (which + 1, _FIRST))  # type: ignore[return-value]


def standing_of(profiles: Profiles, key: str) -> Standing:
    """How it goes with a hook."""
    return profiles.get(Standing, number_of(key)) or Standing()


def seen(profiles: Profiles, hook: Hook) -> Seen:
    """How a hook stands."""
    waiting = list(islice(calls_of(profiles, Call, hook.key), COUNTED))
    return Seen(
        hook=hook,
        standing=standing_of(profiles, hook.key),
        waiting=len(waiting),
        oldest=waiting[0][1].at if waiting else 0,
        dead=sum(1 for _ in islice(calls_of(profiles, DeadCall, hook.key), COUNTED)),
    )


def _call(hook: Hook, move: Move) -> Call:
    return Call(
        hook=hook.key,
        id=f"{hook.key}_{move_id(move):016x}",
        person_id=move.person_id,
        segment=move.segment,
        entered=move.entered,
        at=move.at,
        since=move.at,
    )
