"""What a file does not tell is asked about, and a dry run shows what was made out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.flow.brought import NOW, ORDERS, House, bring, house_with, rows
from volano.adapters.table_file import open_table
from volano.errors import BadFile, BadInput
from volano.flow.inspecting import ImportRequest, preview
from volano.settings import Settings


@pytest.fixture(params=["memory", "duckdb"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    return house_with(request.param, tmp_path)


def test_decimal_commas_zones_and_currencies_are_heeded(house: House) -> None:
    text = "cliente;date;total\n1;02.07.2020 00:30;1.234,50\n2;02.07.2020;7,5\n"
    said: dict[str, Any] = {"given": {"person": "cliente"}, "currency": "eur", "timezone": "Europe/Rome"}
    report = bring(house, "orders", text, **said)
    assert (report.revenue_minor, report.currency) == (124_200, "EUR")
    times = sorted(row["time"].isoformat() for row in rows(house))
    assert times == ["2020-07-01T22:00:00+00:00", "2020-07-01T22:30:00+00:00"]


def test_a_file_that_leaves_day_and_month_open_is_asked_about(house: House) -> None:
    text = "user_id,date,total\nann,02/03/2020,5\n" + "bob,04/05/2020,6\n" * 1500
    with pytest.raises(BadFile, match="--dates dmy or --dates mdy"):
        bring(house, "orders", text)
    assert bring(house, "orders", text, dates="mdy").accepted == 1501
    assert min(row["time"].isoformat() for row in rows(house))[:10] == "2020-02-03"


def test_one_late_row_can_tell_day_from_month(house: House) -> None:
    text = "user_id,date,total\n" + "bob,04/05/2020,6\n" * 1500 + "ann,13/05/2020,5\n"
    bring(house, "orders", text)
    assert min(row["time"].isoformat() for row in rows(house))[:10] == "2020-05-04"
    with pytest.raises(BadFile, match="the day first and with the month first"):
        bring(house, "orders", text + "ann,05/13/2020,5\n")


def test_amounts_that_could_mean_either_are_asked_about(house: House) -> None:
    with pytest.raises(BadFile, match="--decimal , or --decimal"):
        bring(house, "orders", "user_id,date,total\nann,2020-01-02,1.234\n")
    assert (
        bring(house, "orders", "user_id,date,total\nann,2020-01-02,1.234\n", decimal=",").revenue_minor
        == 123_400
    )


def test_a_dry_run_shows_mapping_rows_and_refusals(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("user_id,date,total\nann,2020-01-02,5\nbob,never,5\n<script>,2020-01-02,1\nx\n")
    seen = preview(open_table(path), ImportRequest(kind="orders"), Settings(), now=NOW)
    assert [(match.field, match.column) for match in seen.fields] == [
        ("person", "user_id"),
        ("timestamp", "date"),
        ("revenue", "total"),
    ]
    assert (seen.looked_at, seen.refused) == (4, 2)
    assert seen.rows[0] == {
        "person": "ann",
        "time": "2020-01-02T00:00:00+00:00",
        "revenue": 500,
        "currency": "USD",
    }


def test_a_header_alone_is_nothing_to_import(house: House) -> None:
    with pytest.raises(BadFile, match="a header and no rows"):
        bring(house, "orders", "user_id,date,total\n")


@pytest.mark.parametrize(
    ("said", "sentence"), [({"currency": "euro"}, "use three letters"), ({"timezone": "Rome"}, "Europe/Rome")]
)
def test_settings_that_cannot_be_are_named(tmp_path: Path, said: dict[str, str], sentence: str) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(ORDERS)
    with pytest.raises(BadInput, match=sentence):
        preview(open_table(path), ImportRequest(kind="orders", **said), Settings(), now=NOW)  # type: ignore[arg-type]
