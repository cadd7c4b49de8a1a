"""What every lake promises of taking back, reading anew, growing old and forgetting."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from tests.contracts.lakes import (
    AnyLake,
    People,
    counts,
    delivery,
    event,
    exposure,
    merge,
    people,
    rows_each,
    seen,
    table,
)
from volano.domain.rewritten import Rewritten
from volano.domain.tables import EVENTS
from volano.domain.view import View
from volano.errors import BadInput


def test_what_an_origin_brought_is_taken_back_and_may_come_again(lake: AnyLake) -> None:
    mine = {"events": table([event(1, 1, origin="import"), event(2, 5, origin="import")])}
    lake.append({"events": table([event(3, 1), event(4, 1, origin=None)])})
    assert counts(lake.append(mine)) == {"events": 2}
    assert lake.withdraw("import") == 2
    assert lake.withdraw("import") == 0
    assert sorted(seen(lake, "id")) == [(3,), (4,)]
    assert counts(lake.append(mine)) == {"events": 2}
    assert counts(lake.append({"events": table([event(3, 1)])})) == {"events": 0}


def found(lake: AnyLake) -> list[tuple[Any, ...]]:
    return sorted(seen(lake, "id", "event", "origin"))


def test_what_a_source_told_too_takes_the_place_of_what_an_import_brought(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1, event="a", origin="imp_1"), event(2, 1, origin="imp_1")])})
    told = {"events": table([event(1, 5, event="b"), event(1, 6, event="c"), event(3, 5)])}
    assert counts(lake.append(told)) == {"events": 1}
    assert counts(lake.append(told)) == {"events": 0}
    assert [row[:2] for row in found(lake)] == [(1, "a"), (2, "Page Viewed"), (3, "Page Viewed")]
    lake.compact()
    assert lake.withdraw("imp_1") == 2
    assert found(lake) == [(1, "b", "shop"), (3, "Page Viewed", "shop")]
    assert lake.withdraw("imp_1") == 0
    more = lake.append({"events": table([event(1, 1, origin="imp_2"), event(2, 1, origin="imp_2")])})
    assert counts(more) == {"events": 1}
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


def test_what_grew_old_goes_and_does_not_come_back(lake: AnyLake) -> None:
    told = {"events": table([event(name, name % 5, name) for name in range(20)])}
    lake.append({**told, "merges": table([merge(1, alias=1, person=2)])})
    lake.append({"exposures": table([exposure(1, 3, time=4), exposure(2, 3, time=40)])})
    lake.append({"deliveries": table([delivery(1, 4, time=7), delivery(2, 4, time=8)])})
    assert lake.expire(8) == {0: 2, 2: 4, 3: 2, 4: 2}
    assert seen(lake, "id", tables=("deliveries",)) == [(2,)]
    assert (lake.expire(8), counts(lake.append(told))) == ({}, {"events": 0})
    assert sorted(seen(lake, "id")) == [(name,) for name in range(8, 20)]
    assert lake.tally(View(columns=("id",), tables=("merges", "exposures")), people) == People(
        {2: [1], 3: [2]}
    )


def relabelled(rows: pa.Table) -> Rewritten:
    """Purchases as orders: the row of an order bears another id, and one line of its own."""
    assert rows.schema == EVENTS
    keep = [row for row in rows.to_pylist() if row["product"] != "gone"]
    orders = [
        {
            **event(row["id"] + 100, row["person_id"], row["id"], event="Order Completed"),
            "identity": row["identity"],
        }
        for row in keep
    ]
    lines = [{**event(row["id"] + 200, row["person_id"]), "identity": row["identity"]} for row in keep]
    for line in lines:
        del line["event"]
    old = [row["id"] + 50 for row in rows.to_pylist()]
    made = {"events": table(orders), "order_lines": table(lines)} if keep else {}
    return Rewritten(rows=made, drop={"order_lines": old})


def test_events_are_read_anew_with_what_was_made_of_them(lake: AnyLake) -> None:
    bought = [event(1, 5, 1, event="buy"), event(2, 6, 2, event="buy", product="gone"), event(3, 6, 3)]
    lake.append({"events": table(bought), "exposures": table([exposure(51, 5)])})
    lines = [{**event(name, 5), "order_id": "o"} for name in (51, 52, 60)]
    lake.append({"order_lines": table([{k: v for k, v in line.items() if k != "event"} for line in lines])})
    lake.append({"merges": table([merge(9, alias=5, person=7)]), "events": table([event(101, 8, event="x")])})
    added = lake.rewrite((("event", ("buy",)), ("origin", ("shop",))), relabelled)
    assert counts(added) == {"events": 0, "order_lines": 1}
    assert sorted(seen(lake, "id", "event")) == [(3, "Page Viewed"), (101, "x")]
    assert seen(lake, "id", "person_id", tables=("order_lines",)) == [(60, 7), (201, 7)]
    assert seen(lake, "id", tables=("exposures",)) == [(51,)]
    assert counts(lake.append({"events": table([event(1, 5), event(2, 5)])})) == {"events": 2}
    assert lake.rewrite((("event", ("buy",)),), relabelled) == {}


def test_what_is_read_anew_is_not_lost_to_an_id_of_somebody_forgotten(lake: AnyLake) -> None:
    lake.append({"events": table([event(101, 8), event(1, 5, event="buy")])})
    lake.forget([8], [8])
    assert counts(lake.rewrite((("event", ("buy",)),), relabelled)) == {"events": 1, "order_lines": 1}
    assert seen(lake, "id", "person_id") == [(101, 5)]


def test_an_order_that_is_read_anew_is_there_once(lake: AnyLake) -> None:
    for turn in range(4):
        lake.append({"events": table([event(turn * 10 + at, at, event="buy") for at in range(5)])})
    lake.compact()
    lake.append({"merges": table([merge(1, alias=3, person=2)])})
    added = lake.rewrite((("event", ("buy",)),), relabelled)
    assert counts(added) == {"events": 20, "order_lines": 20}
    whose = {row["person_id"] for row in added["events"].to_pylist()}
    assert (whose, len(seen(lake, "id")), lake.verify()) == ({0, 1, 2, 4}, 20, [])


def one_order(rows: pa.Table) -> Rewritten:
    """All that was bought as one order, told many times."""
    orders = [{**row, "id": 500, "event": "Order Completed"} for row in rows.to_pylist()]
    return Rewritten(rows={"events": table([{**order, "time": 0} for order in orders])})


def test_what_is_told_twice_when_it_is_read_anew_is_there_once(lake: AnyLake) -> None:
    for first in (0, 10):
        lake.append({"events": table([event(first + at, at, event="buy") for at in range(5)])})
    lake.compact()
    lake.append({"events": table([event(20, 1, event="buy"), event(21, 2, event="buy")])})
    assert counts(lake.rewrite((("event", ("buy",)),), one_order)) == {"events": 1}
    assert (seen(lake, "id", "event"), lake.verify()) == ([(500, "Order Completed")], [])
    lake.append({"events": table([event(30, 1, event="buy")])})
    assert counts(lake.rewrite((("event", ("buy",)),), one_order)) == {"events": 0}
    assert seen(lake, "id") == [(500,)]


def test_rows_that_say_nothing_in_a_column_are_not_rewritten(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 5, told="buy"), event(2, 5), event(3, 6, told="look")])})
    assert counts(lake.rewrite((("told", ("buy",)),), relabelled)) == {"events": 1, "order_lines": 1}
    assert sorted(seen(lake, "id")) == [(2,), (3,), (101,)]


def test_a_column_that_events_have_not_selects_nothing_to_rewrite(lake: AnyLake) -> None:
    with pytest.raises(BadInput, match="no column 'colour'"):
        lake.rewrite((("colour", ("red",)),), relabelled)


def test_who_is_forgotten_is_in_no_table_and_does_not_come_back(lake: AnyLake) -> None:
    told = {"events": table([event(name, name % 6, name, origin="imp_1") for name in range(30)])}
    lake.append(told)
    lake.append({"events": table([event(2, 2), event(3, 3), event(4, 4)])})  # they wait behind the import
    lake.append({"exposures": table([exposure(1, 2), exposure(2, 5)])})
    lake.append({"deliveries": table([delivery(1, 4), delivery(2, 3)])})
    lake.map(View(), rows_each, "each")
    lake.append({"merges": table([merge(1, alias=1, person=2), merge(2, alias=4, person=5)])})
    gone = lake.forget([2], [2, 1, 4])
    assert gone == {"events": 15, "exposures": 1, "deliveries": 1, "merges": 2, "each": 3}
    left = View(columns=("id",), tables=("events", "exposures", "deliveries", "each", "merges"))
    assert {row["person_id"] for row in lake.read(left).to_pylist()} == {0, 3, 5}
    assert counts(lake.append(told)) == {"events": 0}
    lake.withdraw("imp_1")
    assert seen(lake, "id") == [(3,)]
    lake.append({"events": table([event(90, 4)])})
    assert sorted(seen(lake, "id", "person_id")) == [(3, 3), (90, 4)]


def test_rows_named_by_their_ids_are_forgotten_too(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 5), event(2, 6)])})
    lake.append({"exposures": table([exposure(1, 7), exposure(2, 6), exposure(3, 8)])})
    gone = lake.forget([5], [], also={"exposures": [1, 2, 77]})
    assert gone == {"events": 1, "exposures": 2}
    assert (seen(lake, "id"), seen(lake, "id", tables=("exposures",))) == ([(2,)], [(3,)])
