"""What frames and files tell of who is who."""

from __future__ import annotations

from itertools import count
from typing import Any

import pyarrow as pa
import pytest

from volano.domain.event import ALIASED, IDENTIFIED, Event, Frame, Intake
from volano.domain.identity import ALIAS, IDENTIFY, SEEN_TOGETHER
from volano.domain.tables import TIME
from volano.observe.claims import claims, claims_of, identities
from volano.observe.event_rows import READ
from volano.observe.identity import identity, illegal, known_as

_numbers = count()


def frame(*events: Event, source: str = "web") -> Frame:
    return Intake(source=source, received_at=99, events=list(events))


def event(user: str, anon: str, time: int = 5, kind: str = "track") -> Event:
    names = {"track": "Seen", "identify": IDENTIFIED, "alias": ALIASED}
    told: dict[str, Any] = {"kind": kind, "message_id": f"m{next(_numbers)}", "time": time}
    return Event(event=names[kind], user_id=user, anonymous_id=anon, **told)


def test_an_event_with_both_ids_claims_that_they_are_one() -> None:
    (one,) = claims([frame(event("ann", "x", kind="identify"), event("ann", ""), event("", "x"))])
    assert (one.known_as, one.claimed_as, one.reason) == ("a:x", "u:ann", IDENTIFY)
    assert (one.alias, one.claimed) == (identity("a:x"), identity("u:ann"))
    assert (one.time, one.told_at, one.origin) == (5, 99, "web")


def test_only_the_earliest_claim_of_a_pair_and_source_is_kept() -> None:
    found = claims(
        [frame(event("ann", "x", 7), event("ann", "x", 6)), frame(event("ann", "x"), source="app")]
    )
    assert {(one.origin, one.time, one.reason) for one in found} == {
        ("web", 6, SEEN_TOGETHER),
        ("app", 5, SEEN_TOGETHER),
    }


def test_an_alias_claims_both_what_its_previous_id_may_be() -> None:
    found = claims([frame(event("ann", "old", kind="alias"))])
    assert {(one.known_as, one.claimed_as, one.reason) for one in found} == {
        ("a:old", "u:ann", ALIAS),
        ("u:old", "u:ann", ALIAS),
    }
    assert len(claims([frame(event("ann", "ann", kind="alias"))])) == 1


NOBODY = [
    "null",
    "undefined",
    "None",
    "nil",
    "NaN",
    "guest",
    "Anonymous",
    "unknown",
    "false",
    "TRUE",
    "0",
    "-1",
]
NOBODY += ["[object Object]", "", "  ", '""', "000", "00000000-0000-0000-0000-000000000000", "'null'", '"0"']
NOBODY += ["0.0", "(null)", "\u200b", "\ufeff null", "\u2060\u00ad"]


@pytest.mark.parametrize("nobody", NOBODY)
def test_illegal_ids_claim_nothing(nobody: str) -> None:
    assert illegal(nobody)
    found = [frame(event("ann", nobody), event(nobody, "x"), event("ann", nobody, kind="alias"))]
    assert claims(found) == []
    assert identities(found) == {identity("u:ann"), identity("a:x")}
    assert known_as(nobody, "x") == "a:x"


@pytest.mark.parametrize(
    "somebody", ["1", "10", "a", "0.1", "nullable", "guest7", "-12", "10000000-0000-0000-0000-0"]
)
def test_other_ids_are_somebodys(somebody: str) -> None:
    assert not illegal(somebody)


def test_a_file_tells_the_same_as_frames() -> None:
    told = [
        event("ann", "x", 7),
        event("ann", "x", 6),
        event("bob", "x", 5, "identify"),
        event("null", "y", 5),
    ]
    columns = {
        "known_as": [known_as(one.user_id, one.anonymous_id) for one in told],
        "beside": [one.anonymous_id for one in told[:3]] + [None],
        "time": pa.array([one.time for one in told], TIME),
        "event": [one.event for one in told],
        "origin": ["web"] * len(told),
    }
    rows = pa.table([columns.get(one.name, pa.nulls(len(told), one.type)) for one in READ], schema=READ)
    key = lambda one: (one.alias, one.claimed)  # noqa: E731
    assert sorted(claims_of(rows, now=99), key=key) == sorted(claims([frame(*told)]), key=key)


def test_a_file_without_both_ids_tells_nothing() -> None:
    assert claims_of(READ.empty_table(), now=9) == []
