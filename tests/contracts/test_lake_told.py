"""What every lake promises of rows that an event brings into other tables."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.lakes import AnyLake, event, exposure, seen, table


def line(name: int, of: int | None, **more: Any) -> dict[str, Any]:
    return {"person_id": 1, "time": 0, "id": name, "origin": "shop", "event_id": of, "revenue": name, **more}


def test_what_an_event_tells_comes_with_it_or_not_at_all(lake: AnyLake) -> None:
    lake.append({"events": table([event(1, 1)]), "order_lines": table([line(11, 1), line(12, None)])})
    again = {"events": table([event(1, 1), event(2, 1)]), "order_lines": table([line(13, 1), line(21, 2)])}
    assert {name: len(rows) for name, rows in lake.append(again).items()} == {"events": 1, "order_lines": 1}
    lake.append({"exposures": table([{**exposure(5, 1), "event_id": 1}, exposure(6, 1)])})
    assert sorted(seen(lake, "id", tables=("order_lines",))) == [(11,), (12,), (21,)]
    assert seen(lake, "id", tables=("exposures",)) == [(6,)]


@pytest.mark.parametrize("twice", [False, True])
def test_what_is_told_with_an_event_that_an_import_kept_out_waits_with_it(lake: AnyLake, twice: bool) -> None:
    theirs = {"events": table([event(1, 1, origin="imp_1")])}
    lake.append({**theirs, "order_lines": table([line(7, None, origin="imp_1")])})
    for prices in ([11, 12], [11, 13, 14])[: 1 + twice]:
        mine = table([line(price, 1) for price in prices])
        lake.append({"events": table([event(1, 1)]), "order_lines": mine})
    assert seen(lake, "id", tables=("order_lines",)) == [(7,)]
    assert lake.withdraw("imp_1") == 2
    assert sorted(seen(lake, "id", tables=("order_lines",))) == [(11,), (12,)]
    assert seen(lake, "id", "origin") == [(1, "shop")]
