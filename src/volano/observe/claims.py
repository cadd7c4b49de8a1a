"""What frames and files tell of who is who: each telling a claim that two identities are one."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.event import IDENTIFIED, Delivered, Event, Frame, Intake
from volano.domain.identity import ALIAS, IDENTIFY, SEEN_TOGETHER, Claim
from volano.observe.columns import cleaned
from volano.observe.identity import identity, illegal, known_as, message_row

_Pair = tuple[str, str, str, str]  # origin, kind of the identity that is told of, its id, user id
_When = tuple[int, str, int]  # UTC µs of the telling, reason, UTC µs when the house learnt of it


def identities(frames: Iterable[Frame]) -> set[int]:
    """Every legal identity that the frames name as the one who did it or asked."""
    names: set[str] = set()
    for frame in frames:
        if isinstance(frame, Delivered):
            continue
        for one in frame.events if isinstance(frame, Intake) else [frame]:
            if one.user_id:
                names.add(f"u:{one.user_id}")
            if one.anonymous_id:
                names.add(f"a:{one.anonymous_id}")
    return {identity(name) for name in names if not illegal(name[2:])}


def addressees(frames: Iterable[Frame]) -> set[int]:
    """The identities to whom something was delivered."""
    return {one.identity for frame in frames if isinstance(frame, Delivered) for one in frame.deliveries}


def messages(frames: Iterable[Frame]) -> set[int]:
    """The ids of the rows that the events would have by their message ids."""
    return {
        message_row(frame.source, event.message_id) for frame in intakes(frames) for event in frame.events
    }


def times(frames: Iterable[Frame]) -> tuple[int, int]:
    """The first and the last moment (UTC µs) of the events; 0 where there are none."""
    found = [event.time for frame in intakes(frames) for event in frame.events]
    return min(found, default=0), max(found, default=0)


def intakes(frames: Iterable[Frame]) -> Iterator[Intake]:
    """Those that bring events."""
    return (frame for frame in frames if isinstance(frame, Intake))


def repeated(frames: Iterable[Frame], rows: pa.Table) -> set[int]:
    """Which `messages` did not bring the lake's rows (id, identity) of the time of the events.

    Theirs were told by others before, or are gone. Rows that have another id are nobody's message.
    """
    pairs = zip(rows.column("id").to_pylist(), rows.column("identity").to_pylist(), strict=True)
    there, found = set(pairs), set()
    for frame in intakes(frames):
        for event in frame.events:
            row = message_row(frame.source, event.message_id)
            if (row, identity(known_as(event.user_id, event.anonymous_id))) not in there:
                found.add(row)
    return found


def claims(frames: Iterable[Frame], before: Container[int] = ()) -> list[Claim]:
    """What the frames tell of who is who: the earliest claim of each pair of identities and source.

    An event with a user and an anonymous id claims that they are one. An alias claims that its user is the
    anonymous id *and* the user that the previous id may be. Illegal ids claim nothing. Of events with one
    message id the first counts; those whose `messages` are among `before` tell nothing new.
    """
    found: dict[_Pair, _When] = {}
    heard: set[tuple[str, str]] = set()
    for frame in intakes(frames):
        for event in frame.events:
            message = (frame.source, event.message_id)
            if message in heard:
                continue
            heard.add(message)
            if event.user_id and event.anonymous_id and message_row(*message) not in before:
                for pair, reason in _told(frame.source, event):
                    when = (event.time, reason, frame.received_at)
                    if pair not in found or when < found[pair]:
                        found[pair] = when
    bad = {id_ for pair in found for id_ in pair[2:] if illegal(id_)}
    return [_claim(pair, when) for pair, when in found.items() if not bad.intersection(pair[2:])]


def _told(source: str, event: Event) -> Iterator[tuple[_Pair, str]]:
    if event.kind != "alias":
        reason = IDENTIFY if event.kind == "identify" else SEEN_TOGETHER
        yield (source, "a", event.anonymous_id, event.user_id), reason
        return
    yield (source, "a", event.anonymous_id, event.user_id), ALIAS
    if event.anonymous_id != event.user_id:
        yield (source, "u", event.anonymous_id, event.user_id), ALIAS


def _claim(pair: _Pair, when: _When) -> Claim:
    origin, kind, one, user = pair
    time, reason, told_at = when
    name, user_name = f"{kind}:{one}", f"u:{user}"
    return Claim(
        alias=identity(name),
        claimed=identity(user_name),
        time=time,
        reason=reason,
        known_as=name,
        claimed_as=user_name,
        origin=origin,
        told_at=told_at,
    )


def claims_of(events: pa.Table, *, now: int) -> list[Claim]:
    """The same of rows of a file (schema `event_rows.READ`), learnt of at `now` (UTC µs).

    Rows with a user id tell in `beside` which anonymous id came with it. Only the earliest row of a pair is
    looked at one by one.
    """
    both = events.filter(pc.is_valid(events.column("beside")))
    both = both.select(["known_as", "beside", "time", "event", "origin"]).combine_chunks()
    if not both.num_rows:
        return []
    told = pc.if_else(pc.equal(both.column("event").cast(pa.string()), IDENTIFIED), IDENTIFY, SEEN_TOGETHER)
    both = both.append_column("reason", told).set_column(2, "time", both.column("time").cast(pa.int64()))
    pairs = ["known_as", "beside", "origin"]
    first = both.group_by([*pairs, "reason"]).aggregate([("time", "min")])
    found: dict[_Pair, _When] = {}
    for row in zip(*(first.column(name).to_pylist() for name in (*pairs, "reason", "time_min")), strict=True):
        user, one, origin, reason, time = row
        pair, when = (origin or "", "a", one, user.removeprefix("u:")), (time, reason, now)
        if pair not in found or when < found[pair]:
            found[pair] = when
    return [
        _claim(pair, when) for pair, when in found.items() if not illegal(pair[2]) and not illegal(pair[3])
    ]


def lawful(column: pa.Array) -> pa.Array:
    """The ids of a column; null where an id is nobody's.

    >>> lawful(pa.array(["7", "null", None, "guest"])).to_pylist()
    ['7', None, None, None]
    """
    coded = cleaned(column).dictionary_encode()
    good = pa.array([None if illegal(one) else one for one in coded.dictionary.to_pylist()], pa.string())
    return good.take(coded.indices)


def nobody(known: pa.Array, *told: pa.Array) -> pa.Array:
    """Why a row has no person: where `known` is null, because nothing was told or what was told is illegal.

    >>> nobody(pa.array([None, None, "u:7"]), pa.array(["guest", None, "7"])).to_pylist()
    ['the id stands for nobody', 'there is no person', None]
    """
    any_told = pc.is_valid(pc.coalesce(*told))
    why = pc.if_else(any_told, "the id stands for nobody", "there is no person")
    return pc.if_else(pc.is_null(known), why, pa.scalar(None, pa.string()))
