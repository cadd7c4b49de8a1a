"""Deciding for one and for a block: the same arms, and the same rows in the lake."""

from __future__ import annotations

import asyncio

import pyarrow as pa

from tests.act.campaigns import campaign
from volano.act.choose import snapshot
from volano.domain.tables import DECISIONS
from volano.domain.view import View
from volano.flow.decide import Ask, decide_block, decide_one
from volano.flow.ingest import drain
from volano.observe.identity import identity, known_as
from volano.testing.caps_memory import MemoryCaps
from volano.testing.journal_memory import MemoryJournal
from volano.testing.lake_memory import MemoryLake
from volano.testing.profiles_memory import MemoryProfiles

NOW = 1_790_000_000_000_000
EVERYTHING = View(tables=("decisions",), columns=tuple(DECISIONS.names))
READY = snapshot([campaign(audience={"source": "mail / letter"}), campaign(key="second", coverage=0.5)])


def crowd(size: int) -> pa.Table:
    """So many people, every other of them from a letter."""
    known = [known_as("", f"a{number}") for number in range(size)]
    source = ["mail / letter" if number % 2 else "(direct) / (none)" for number in range(size)]
    return pa.table(
        {
            "person_id": [identity(one) for one in known],
            "identity": [identity(one) for one in known],
            "known_as": known,
            "assigned_by": [f"a{number}" for number in range(size)],
            "path": ["/p"] * size,
            "source": source,
        }
    )


def asks(people: pa.Table) -> list[Ask]:
    """The same people asking one by one."""
    return [
        Ask(
            source="web",
            anonymous_id=row["assigned_by"],
            user_id="",
            context={"page": {"path": "/p"}}
            | ({"campaign": {"source": "mail", "medium": "letter"}} if row["source"][0] == "m" else {}),
            now=NOW,
        )
        for row in people.to_pylist()
    ]


def test_a_block_leaves_the_rows_that_its_people_leave_one_by_one() -> None:
    people, journal, profiles = crowd(40), MemoryJournal(), MemoryProfiles()
    one_by_one, at_once = MemoryLake(), MemoryLake()
    for ask in asks(people):
        asyncio.run(decide_one(READY, profiles, MemoryCaps(), journal, ask))
    drain(journal, one_by_one, profiles)
    block = decide_block(READY, people, origin="web", now=NOW)
    at_once.append({"decisions": block.rows})
    expected, found = (lake.read(EVERYTHING).sort_by("id") for lake in (one_by_one, at_once))
    for name in DECISIONS.names:
        assert found[name].to_pylist() == expected[name].to_pylist(), name
    assert 20 < found.num_rows < 40 + 20
    assert {key: int((arms != "").sum()) for key, arms in block.arms.items()}["ten-off"] == 20


def test_rows_of_a_block_may_bring_their_own_time() -> None:
    people = crowd(3)
    times = pa.array([NOW + 1, NOW + 2, NOW + 3], DECISIONS.field("time").type)
    rows = decide_block(snapshot([campaign()]), people.append_column("time", times), origin="web", now=0).rows
    assert rows["time"].to_pylist() == times.to_pylist()
    assert len(set(rows["id"].to_pylist())) == 3


def test_the_id_first_hashed_stays_when_somebody_signs_in_elsewhere() -> None:
    journal, lake, profiles = MemoryJournal(), MemoryLake(), MemoryProfiles()
    ready = snapshot([campaign()])

    def told(anonymous_id: str, user_id: str) -> str:
        ask = Ask(source="web", anonymous_id=anonymous_id, user_id=user_id, context={}, now=NOW)
        answer = asyncio.run(decide_one(ready, profiles, MemoryCaps(), journal, ask))
        drain(journal, lake, profiles)
        return bytes(answer.campaigns[0]).decode()

    first = told("phone", "42")
    for other in range(5):
        later = told(f"laptop{other}", "42")
        assert '"id":"phone"' in later
        assert later.startswith(first[:-1])


def test_nothing_is_written_when_nothing_is_live() -> None:
    journal = MemoryJournal()
    ask = Ask(source="web", anonymous_id="a", user_id="", context={}, now=NOW)
    answer = asyncio.run(decide_one(snapshot([]), MemoryProfiles(), MemoryCaps(), journal, ask))
    assert (answer.id, answer.campaigns, list(journal.read(0, 1))) == ("a", [], [])
