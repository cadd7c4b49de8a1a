"""What every lake promises of appending and reading."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.contracts.lakes import (
    TEXT,
    AnyLake,
    People,
    counts,
    event,
    exposure,
    merge,
    people,
    rows_each,
    seen,
    table,
)
from tests.s3 import BUCKET, Bucket
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.lake_s3 import S3Files
from volano.domain.tables import EVENTS, TIME
from volano.domain.view import Offset, View
from volano.errors import BadInput
from volano.testing.keys_memory import MemoryKeys
from volano.testing.lake_memory import MemoryLake


def count(block: pa.Table) -> int:
    return len(block)


def refuse(block: pa.Table) -> pa.Table:
    return block.select(["event"])


def test_rows_come_back_sorted_by_person_time_and_id(lake: AnyLake) -> None:
    lake.append({"events": table([event(3, 8, 20), event(2, 8, 10), event(1, 4, 30), event(9, 8, 10)])})
    lake.append({"events": table([event(4, 8, 15), event(0, 4, 40)])})
    assert seen(lake, "id") == [(1,), (0,), (2,), (9,), (4,), (3,)]


def test_columns_that_were_not_given_are_null_and_texts_are_dictionary_encoded(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1)])})
    rows = lake.read(View(columns=("event", "device", "revenue")))
    assert rows.column_names == ["person_id", "time", "event", "device", "revenue"]
    assert [rows.schema.field(name).type for name in rows.column_names] == [
        pa.int64(),
        TIME,
        TEXT,
        TEXT,
        pa.int64(),
    ]
    assert rows.to_pylist()[0]["device"] is None


def test_a_block_has_one_chunk_and_one_dictionary_in_each_column(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 4, event="a")])})
    lake.append({"events": table([event(2, 4, event="b"), event(3, 8, event="a")])})
    assert lake.tally(View(columns=("event",)), chunks) == 1


def chunks(block: pa.Table) -> int:
    return max(int(column.num_chunks) for column in block.columns)


def test_a_row_whose_id_is_known_is_not_added_again(lake: AnyLake) -> None:
    first = lake.append({"events": table([event(1, 1, event="a"), event(1, 2, event="b"), event(2, 1)])})
    again = lake.append({"events": table([event(2, 7), event(3, 1)]), "exposures": table([exposure(1, 1)])})
    assert (counts(first), counts(again)) == ({"events": 2}, {"events": 1, "exposures": 1})
    assert sorted(seen(lake, "id", "event")) == [(1, "a"), (2, "Page Viewed"), (3, "Page Viewed")]


def test_ids_are_known_by_table_though_their_rows_were_forgotten(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1), event(2, 5)])})
    lake.forget([1], [1])
    assert lake.known("events", [1, 2, 3]) == {1, 2}
    assert lake.known("exposures", [1]) == lake.known("events", []) == frozenset()


def test_what_was_added_comes_back_whole_and_under_the_person_of_now(lake: AnyLake) -> None:
    lake.append({"merges": table([merge(1, alias=5, person=6)])})
    added = lake.append({"events": table([event(1, 5, device="phone"), event(1, 5), event(2, 7)])})
    rows = added["events"].sort_by("id").to_pylist()
    assert added["events"].schema == EVENTS
    assert [(row["person_id"], row["identity"], row["id"], row["device"]) for row in rows] == [
        (6, 5, 1, "phone"),
        (7, 7, 2, None),
    ]


def test_the_position_is_committed_with_the_rows(lake: AnyLake) -> None:
    assert lake.offset("j0") == 0
    lake.append({"events": table([event(1, 1)])}, Offset("j0", 70))
    lake.append({}, Offset("j1", 5))
    lake.append({}, Offset("j0", 60))
    assert (lake.offset("j0"), lake.offset("j1")) == (70, 5)


def test_a_call_that_fails_adds_nothing(lake: AnyLake) -> None:
    bad = table([{"person_id": None, "time": 0, "id": 5}])
    with pytest.raises(BadInput, match="lacks 'person_id'"):
        lake.append({"events": table([event(1, 1)]), "exposures": bad}, Offset("j0", 9))
    assert (seen(lake, "id"), lake.offset("j0")) == ([], 0)


def test_a_foreign_table_or_column_is_refused(lake: AnyLake) -> None:
    with pytest.raises(BadInput, match="no table 'evnts'"):
        lake.append({"evnts": table([event(1, 1)])})
    with pytest.raises(BadInput, match="no column 'colour'"):
        lake.append({"events": table([event(1, 1, colour="red")])})


def test_a_window_holds_its_start_and_not_its_end(lake: AnyLake) -> None:
    lake.append({"events": table([event(time, 1, time) for time in range(5)])})
    assert seen(lake, "id", since=1, until=3) == [(1,), (2,)]
    assert seen(lake, "id", since=4) == [(4,)]
    assert seen(lake, "id", since=9) == []


def test_a_filter_keeps_rows_of_tables_without_the_column(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1, event="a"), event(2, 1, event="b"), event(3, 1, event=None)])})
    lake.append({"exposures": table([exposure(1, 1, time=5)])})
    found = seen(lake, "id", "table", tables=("events", "exposures"), only=(("event", ("a", "c")),))
    assert found == [(1, "events"), (1, "exposures")]


def test_a_lake_without_rows_of_a_table_reads_as_before(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1)])})
    assert seen(lake, "id", "receiver", tables=("events", "deliveries")) == [(1, None)]
    assert seen(lake, "id", tables=("deliveries",)) == []


def test_several_tables_are_one_in_order_with_their_name(lake: AnyLake) -> None:
    lake.append({"exposures": table([exposure(7, 1, time=5, campaign="x")])})
    lake.append({"events": table([event(1, 1, 9), event(2, 1, 5, campaign="y"), event(7, 1, 5)])})
    found = seen(lake, "id", "table", "campaign", "event", tables=("exposures", "events"))
    assert found == [
        (2, "events", "y", "Page Viewed"),
        (7, "exposures", "x", None),
        (7, "events", None, "Page Viewed"),
        (1, "events", None, "Page Viewed"),
    ]


def test_nothing_is_tallied_to_none(lake: AnyLake) -> None:
    assert lake.tally(View(), count) is None
    lake.append({"events": table([event(1, 1, 5)])})
    assert lake.tally(View(since=6), count) is None
    assert lake.tally(View(), count) == 1


def test_a_derived_table_replaces_the_one_before(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1), event(2, 1), event(3, 6)])})
    assert lake.map(View(), rows_each, "each") == 2
    lake.append({"events": table([event(4, 6), event(5, 7)])})
    assert lake.map(View(), rows_each, "each") == 3
    found = lake.read(View(tables=("each",), columns=("rows", "word")))
    assert sorted(found.column("rows").to_pylist()) == [1, 2, 2]
    assert (found.column("word").type, found.column("time").null_count) == (TEXT, 3)


def test_a_derived_table_is_read_beside_the_others(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1, 5), event(2, 2, 5)])})
    lake.map(View(), rows_each, "each")
    assert lake.tally(View(tables=("each", "events"), columns=("rows", "table")), count) == 4


def test_a_table_of_what_happened_cannot_be_replaced(lake: AnyLake) -> None:
    with pytest.raises(BadInput, match="append only"):
        lake.map(View(), rows_each, "events")


def test_a_derived_table_without_people_is_refused(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1)])})
    with pytest.raises(BadInput, match="person_id"):
        lake.map(View(), refuse, "each")


def test_an_unknown_table_reads_as_empty(lake: AnyLake) -> None:
    found = lake.read(View(tables=("nowhere",), columns=("x",)))
    assert (found.num_rows, found.column_names) == (0, ["person_id", "time", "x"])


def test_rows_are_found_by_their_ids(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1), event(2, 5), event(-3, 6)])})
    assert seen(lake, "id", only=(("id", ("2", "77", "-3")),)) == [(2,), (-3,)]
    assert seen(lake, "id", only=(("id", ("77",)),)) == []


def test_rows_of_an_alias_belong_to_the_person(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 5, 10), event(2, 6, 20)])})
    lake.append({"merges": table([merge(1, alias=5, person=6)]), "events": table([event(3, 5, 15)])})
    assert lake.tally(View(columns=("id",)), people) == People({6: [1, 3, 2]})
    lake.compact()
    assert lake.tally(View(columns=("id",)), people) == People({6: [1, 3, 2]})


def test_the_last_word_on_an_identity_counts_and_no_chain_is_followed(lake: AnyLake) -> None:
    lake.append({"events": table([event(person, person) for person in range(1, 6)])})
    lake.append({"merges": table([merge(1, 1, 2), merge(2, 2, 3), merge(3, 1, 4), merge(5, 5, 5)])})
    assert lake.tally(View(columns=("id",)), people) == People({3: [2, 3], 4: [1, 4], 5: [5]})


def test_an_identity_that_stands_alone_again_takes_its_rows_along(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 5, 1), event(2, 6, 2)])})
    lake.append({"merges": table([merge(1, alias=5, person=6)]), "events": table([event(3, 5, 3)])})
    lake.compact()
    lake.append({"merges": table([merge(2, alias=5, person=5)]), "events": table([event(4, 5, 4)])})
    for _ in range(2):
        assert lake.tally(View(columns=("id",)), people) == People({5: [1, 3, 4], 6: [2]})
        lake.compact()


def test_a_word_that_came_before_changes_nothing(lake: AnyLake) -> None:
    first, second = (
        {"merges": table([merge(1, alias=5, person=6)])},
        {"merges": table([merge(2, alias=5, person=7)])},
    )
    for told in (first, second, first):
        lake.append(told)
    assert seen(lake, "alias", "person_id", tables=("merges",)) == [(5, 7), (5, 7)]


def test_the_identity_of_a_row_says_whose_it_is_and_not_the_person_it_was_given(lake: AnyLake) -> None:
    lake.append({"merges": table([merge(1, alias=5, person=6)])})
    lake.append({"events": table([event(1, 9, identity=5), event(2, 9, identity=None), event(3, 5)])})
    assert lake.tally(View(columns=("id",)), people) == People({6: [1, 3], 9: [2]})


def test_few_people_are_read_with_all_their_rows(lake: AnyLake) -> None:
    lake.append({"events": table([event(name, name % 7, name) for name in range(70)])})
    lake.append({"merges": table([merge(1, alias=3, person=6), merge(2, alias=0, person=5)])})
    lake.append({"events": table([event(70, 6, 70), event(71, 3, 71)])})
    for _ in range(2):
        found = lake.tally(View(columns=("id",), people=(6, 1, 0)), people)
        wanted = sorted([*range(3, 70, 7), *range(6, 70, 7), 70, 71])
        assert found == People({1: list(range(1, 70, 7)), 6: wanted})
        assert seen(lake, "id", people=()) == []
        lake.compact()


def test_people_who_are_left_out_are_in_no_block(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1), event(2, 2), event(3, 3)])})
    lake.append({"merges": table([merge(1, alias=3, person=2)])})
    assert seen(lake, "id", without=(2,)) == [(1,)]
    assert seen(lake, "id", without=(1, 3), people=(1, 2)) == [(2,), (3,)]


def test_what_no_human_did_is_left_out_on_request(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1, bot="crawler"), event(2, 1), event(3, 2, bot=None)])})
    lake.append({"exposures": table([exposure(4, 1, time=1)])})
    assert sorted(seen(lake, "id")) == [(1,), (2,), (3,)]
    found = seen(lake, "id", humans=True, tables=("events", "exposures"))
    assert sorted(found) == [(2,), (3,), (4,)]


Step = tuple[str, list[tuple[int, int]]]
PERSON = st.integers(0, 9)
WORDS = st.lists(st.tuples(PERSON, PERSON), min_size=1, max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("events"), st.lists(st.tuples(PERSON, st.integers(0, 3)), max_size=6)),
        st.tuples(st.just("merges"), WORDS),
        st.tuples(st.just("merges"), st.lists(PERSON.map(lambda one: (one, one)), min_size=1, max_size=3)),
        st.tuples(st.just("both"), WORDS),
        st.tuples(st.just("compact"), st.just([])),
        st.tuples(st.just("withdraw"), st.just([])),
        st.tuples(st.just("expire"), st.just([])),
        st.tuples(st.just("forget"), st.lists(st.tuples(PERSON, PERSON), min_size=1, max_size=1)),
    ),
    max_size=14,
)


def personal(name: int, person: int) -> dict[str, Any]:
    """What an event tells of somebody, always alike, and which event it is."""
    traits = {"email": f"p{person}@shop.example"} if person % 3 else {}
    return {
        "properties": json.dumps({"n": name} | traits),
        "push_token": f"t{person}" if person % 2 else None,
    }


def told(lake: AnyLake) -> list[tuple[Any, ...]]:
    """All that events tell of people."""
    rows = seen(lake, "person_id", "id", "properties", "push_token")
    return sorted((*row[:2], json.dumps(json.loads(row[2]), sort_keys=True), str(row[3])) for row in rows)


def play(lake: AnyLake, steps: list[Step]) -> dict[int, int]:
    """Appends, merges and tidies as told; who each identity is in the end.

    Every row has its own id, every other row its own origin.
    """
    name = 0
    now: dict[int, int] = {}
    for kind, pairs in steps:
        if kind == "compact":
            lake.compact()
        elif kind == "withdraw":
            lake.withdraw("odd")
        elif kind == "expire":
            lake.expire(1)
        elif kind == "forget":
            lake.forget([pairs[0][0]], [pairs[0][1]])
            now = {one: person for one, person in now.items() if one not in pairs[0]}
        for make, table_name in ((event, "events"), (merge, "merges")):
            rows = []
            for pair in pairs if kind in (table_name, "both") else ():
                name += 1
                told = personal(name, pair[0]) if table_name == "events" else {}
                rows.append({**make(name, *pair), "origin": "odd" if name % 2 else "even", **told})
                now |= {pair[0]: pair[1]} if table_name == "merges" else {}
            if rows:
                lake.append({table_name: table(rows)})
    return now


def strangers(block: pa.Table) -> Strangers:
    """The identities in a block with the persons they are under."""
    pairs = zip(block.column("identity").to_pylist(), block.column("person_id").to_pylist(), strict=True)
    return Strangers(frozenset(pairs))


@dataclass(frozen=True)
class Strangers:
    """Pairs of identity and person: a tally."""

    pairs: frozenset[tuple[int, int]] = frozenset()

    def __add__(self, other: Strangers) -> Strangers:
        return Strangers(self.pairs | other.pairs)


VIEWS = (
    View(columns=("id",)),
    View(columns=("id",), tables=("events", "merges"), since=1),
    View(columns=("id",), people=(0, 3, 4, 9), without=(9,)),
    View(columns=("id",), without=(1, 2)),
)


PLACES: dict[str, Callable[[Path], Path | S3Files]] = {
    "disk": lambda home: home / "lake",
    "bucket": lambda home: S3Files(f"s3://{BUCKET}/lake", home / "lake", Bucket(home)),
}


@pytest.mark.parametrize("place", PLACES)
@given(steps=STEPS)
@example(steps=[("events", [(0, 1)]), ("events", [(0, 0)]), ("merges", [(0, 1)])])
@example(
    steps=[("events", [(0, 0)]), ("merges", [(0, 1)]), ("merges", [(0, 2), (1, 2)]), ("merges", [(0, 0)])]
)
@example(steps=[("both", [(1, 0)]), ("compact", []), ("forget", [(1, 0)])])
@settings(max_examples=40, deadline=None)
def test_blocks_hold_whole_people_whatever_is_appended_and_said(place: str, steps: list[Step]) -> None:
    memory = MemoryLake(buckets=2)
    now = play(memory, steps)
    with tempfile.TemporaryDirectory() as home:
        duck = DuckLake(PLACES[place](Path(home)), buckets=4, keys=MemoryKeys())
        assert play(duck, steps) == now
        assert told(duck) == told(memory)
        for view in VIEWS:
            assert duck.tally(view, people) == memory.tally(view, people)
        found = duck.tally(View(columns=("identity",)), strangers) or Strangers()
        assert found.pairs == {(one, now.get(one, one)) for one, _ in found.pairs}
        assert duck.verify() == []


def test_the_schema_of_an_empty_lake_is_that_of_the_table(lake: AnyLake) -> None:
    rows = lake.read(View(columns=tuple(EVENTS.names)))
    plain = [kind.value_type if pa.types.is_dictionary(kind) else kind for kind in rows.schema.types]
    assert plain == EVENTS.types
