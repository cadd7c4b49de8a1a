"""What every lake promises."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from volano.adapters.lake_duckdb import DuckLake
from volano.domain.tables import EVENTS, TIME
from volano.domain.view import Offset, View
from volano.errors import BadInput
from volano.testing.lake_memory import MemoryLake

AnyLake = DuckLake | MemoryLake
TEXT = pa.dictionary(pa.int32(), pa.string())


@pytest.fixture(params=["duck", "memory"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> AnyLake:
    return DuckLake(tmp_path / "lake", buckets=4) if request.param == "duck" else MemoryLake(buckets=4)


def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows with `time` as a number and only the columns that are named."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: pa.array([row.get(name) for row in rows]) for name in names}
    if "time" in columns:
        columns["time"] = columns["time"].cast(pa.int64()).cast(TIME)
    return pa.table(columns)


def event(name: int, person: int, time: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "person_id": person,
        "time": time,
        "id": name,
        "event": "Page Viewed",
        "origin": "shop",
        **more,
    }


def merge(name: int, alias: int, person: int) -> dict[str, Any]:
    return {"person_id": person, "time": 0, "id": name, "alias": alias, "origin": "shop"}


def seen(lake: AnyLake, *columns: str, **view: Any) -> list[tuple[Any, ...]]:
    """The rows of a view as tuples."""
    rows = lake.read(View(columns=columns, **view)).to_pylist()
    return [tuple(row[name] for name in columns) for row in rows]


@dataclass(frozen=True)
class People:
    """Which people were in which block: a tally that fails when a person is in two."""

    rows: dict[int, list[int]] = field(default_factory=dict)

    def __add__(self, other: People) -> People:
        assert not self.rows.keys() & other.rows.keys(), "a person is in two blocks"
        return People({**self.rows, **other.rows})


def people(block: pa.Table) -> People:
    """The ids of the rows of each person, in the order of the block."""
    found: dict[int, list[int]] = {}
    for row in block.to_pylist():
        found.setdefault(row["person_id"], []).append(row["id"])
    assert block.column("person_id").to_pylist() == sorted(block.column("person_id").to_pylist())
    return People(found)


def count(block: pa.Table) -> int:
    return len(block)


def rows_each(block: pa.Table) -> pa.Table:
    """Person, number of rows and the first event."""
    grouped = block.group_by("person_id").aggregate([("event", "count")])
    first = pa.array(["first"] * len(grouped)).dictionary_encode()
    return pa.table({"person_id": grouped["person_id"], "rows": grouped["event_count"], "word": first})


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
    assert (first, again) == ({"events": 2}, {"events": 1, "exposures": 1})
    assert sorted(seen(lake, "id", "event")) == [(1, "a"), (2, "Page Viewed"), (3, "Page Viewed")]


def exposure(name: int, person: int, time: int = 0, campaign: str = "c") -> dict[str, Any]:
    return {
        "person_id": person,
        "time": time,
        "id": name,
        "campaign": campaign,
        "variant": "control",
        "round": 1,
    }


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


def test_what_an_origin_brought_is_taken_back_and_may_come_again(lake: AnyLake) -> None:
    mine = {"events": table([event(1, 1, origin="import"), event(2, 5, origin="import")])}
    lake.append({"events": table([event(3, 1), event(4, 1, origin=None)])})
    assert lake.append(mine) == {"events": 2}
    assert lake.withdraw("import") == 2
    assert lake.withdraw("import") == 0
    assert sorted(seen(lake, "id")) == [(3,), (4,)]
    assert lake.append(mine) == {"events": 2}
    assert lake.append({"events": table([event(3, 1)])}) == {"events": 0}


def found(lake: AnyLake) -> list[tuple[Any, ...]]:
    return sorted(seen(lake, "id", "event", "origin"))


def test_what_a_source_told_too_takes_the_place_of_what_an_import_brought(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1, event="a", origin="imp_1"), event(2, 1, origin="imp_1")])})
    told = {"events": table([event(1, 5, event="b"), event(1, 6, event="c"), event(3, 5)])}
    assert lake.append(told) == {"events": 1}
    assert lake.append(told) == {"events": 0}
    assert [row[:2] for row in found(lake)] == [(1, "a"), (2, "Page Viewed"), (3, "Page Viewed")]
    lake.compact()
    assert lake.withdraw("imp_1") == 2
    assert found(lake) == [(1, "b", "shop"), (3, "Page Viewed", "shop")]
    assert lake.withdraw("imp_1") == 0
    assert lake.append({"events": table([event(1, 1, origin="imp_2"), event(2, 1, origin="imp_2")])}) == {
        "events": 1
    }
    assert lake.withdraw("imp_2") == 1
    assert found(lake) == [(1, "b", "shop"), (3, "Page Viewed", "shop")]


def test_what_another_import_had_too_does_not_come_back(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1, origin="imp_1")])})
    lake.append({"events": table([event(1, 1, origin="imp_2")])})
    assert lake.withdraw("imp_1") == 1
    assert found(lake) == []


def test_a_row_that_waits_behind_an_import_moves_with_its_person_and_goes_with_its_source(
    lake: AnyLake,
) -> None:
    lake.append({"events": table([event(1, 7, origin="imp_1"), event(2, 7, origin="imp_1")])})
    lake.append({"events": table([event(1, 5), event(2, 5, origin="other")])})
    lake.append({"merges": table([merge(9, alias=5, person=6)])})
    lake.withdraw("other")
    lake.withdraw("imp_1")
    assert lake.tally(View(columns=("id",)), people) == People({6: [1]})


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


def test_merges_are_transitive_first_come_and_never_a_circle(lake: AnyLake) -> None:
    lake.append({"events": table([event(person, person) for person in range(1, 6)])})
    lake.append(
        {"merges": table([merge(1, 1, 2), merge(2, 2, 3), merge(3, 3, 1), merge(4, 1, 4), merge(5, 5, 5)])}
    )
    assert lake.tally(View(columns=("id",)), people) == People({3: [1, 2, 3], 4: [4], 5: [5]})


Step = tuple[str, list[tuple[int, int]]]
PERSON = st.integers(0, 9)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("events"), st.lists(st.tuples(PERSON, st.integers(0, 3)), max_size=6)),
        st.tuples(st.just("merges"), st.lists(st.tuples(PERSON, PERSON), min_size=1, max_size=3)),
        st.tuples(st.just("compact"), st.just([])),
        st.tuples(st.just("withdraw"), st.just([])),
    ),
    max_size=8,
)


def play(lake: AnyLake, steps: list[Step]) -> None:
    """Appends, merges and tidies as told; every row has its own id, every other row its own origin."""
    name = 0
    for kind, pairs in steps:
        if kind == "compact":
            lake.compact()
        elif kind == "withdraw":
            lake.withdraw("odd")
        else:
            make: Callable[..., dict[str, Any]] = event if kind == "events" else merge
            rows = []
            for pair in pairs:
                name += 1
                rows.append({**make(name, *pair), "origin": "odd" if name % 2 else "even"})
            if rows:
                lake.append({kind: table(rows)})


@given(steps=STEPS)
@example(steps=[("events", [(0, 1)]), ("events", [(0, 0)]), ("merges", [(0, 1)])])
@settings(max_examples=50, deadline=None)
def test_blocks_hold_whole_people_whatever_is_appended_and_merged(steps: list[Step]) -> None:
    memory = MemoryLake(buckets=2)
    play(memory, steps)
    with tempfile.TemporaryDirectory() as home:
        duck = DuckLake(Path(home), buckets=4)
        play(duck, steps)
        for view in (View(columns=("id",)), View(columns=("id",), tables=("events", "merges"), since=1)):
            assert duck.tally(view, people) == memory.tally(view, people)
        assert duck.verify() == []


def test_the_schema_of_an_empty_lake_is_that_of_the_table(lake: AnyLake) -> None:
    rows = lake.read(View(columns=tuple(EVENTS.names)))
    plain = [kind.value_type if pa.types.is_dictionary(kind) else kind for kind in rows.schema.types]
    assert plain == EVENTS.types
