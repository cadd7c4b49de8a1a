"""The command `import`, as somebody types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from volano.cli.bring import bring
from volano.errors import BadInput, VolanoError

APP = typer.Typer()
APP.command()(bring)
ORDERS = "client;date;total\nann;02.07.2020 00:30;1.234,50\nbob;02.07.2020;7,5\ncid;soon;1,0\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.csv"
    path.write_text(ORDERS)
    return path


def typed(*words: str, home: Path) -> Any:
    result = CliRunner().invoke(APP, [*words, "--home", str(home), "--json"])
    if isinstance(result.exception, VolanoError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_file_goes_in_once_is_listed_and_comes_out_again(shop: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = typed(str(shop), "--as", "orders", "--currency", "EUR", "--timezone", "Europe/Rome", home=home)
    asked = {"rows": 3, "accepted": 2, "duplicates": 0, "refused": 1, "people": 2, "revenue_minor": 124_200}
    assert asked.items() <= first.items()
    assert Path(first["refused_file"]).read_text().splitlines()[1].startswith("4,")
    again = typed(str(shop), "--as", "orders", "--currency", "EUR", "--timezone", "Europe/Rome", home=home)
    assert (again["accepted"], again["duplicates"], again["revenue_minor"]) == (0, 2, 0)
    assert [entry["key"] for entry in typed("--list", home=home)] == [again["import_id"], first["import_id"]]
    assert typed("--undo", first["import_id"], home=home)["rows_removed"] == 4


def test_a_dry_run_writes_nothing(shop: Path, tmp_path: Path) -> None:
    seen = typed(str(shop), "--as", "orders", "--map", "product=", "--dry-run", home=tmp_path / "home")
    assert [match["field"] for match in seen["fields"]] == ["person", "timestamp", "revenue"]
    assert (seen["looked_at"], seen["refused"]) == (3, 1)
    assert not (tmp_path / "home").exists()


def test_for_people_it_speaks_in_tables_without_markup(shop: Path, tmp_path: Path) -> None:
    shop.write_text(ORDERS + "[red]eve[/red];03.07.2020;1,0\n")
    for words in (["--as", "orders", str(shop), "--dry-run"], ["--as", "orders", str(shop)], ["--list"]):
        result = CliRunner().invoke(APP, [*words, "--home", str(tmp_path / "home")])
        assert result.exit_code == 0, result.output
        assert "[red]eve" in result.output or "--dry-run" not in words


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "name the file to import"),
        (["{shop}"], "--as orders or --as events"),
        (["{shop}", "--as", "people"], "must be orders or events"),
        (["{shop}", "--as", "orders", "--map", "person"], "is not FIELD=COLUMN"),
        (
            ["{shop}", "--as", "orders", "--map", "person=nobody"],
            "no column 'nobody'; it has client, date, total",
        ),
        (["{shop}", "--as", "orders", "--decimal", "x"], "must be . or ,"),
        (["{shop}", "--as", "orders", "--dates", "ymd"], "must be dmy or mdy"),
        (["{shop}", "--as", "orders", "--delimiter", "two words"], "use comma, semicolon, tab, bar, blank"),
        (["{shop}", "--as", "events"], "no column looks like event; say --map event=COLUMN"),
        (["--undo", "imp_x"], "no import 'imp_x'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    shop: Path, tmp_path: Path, words: list[str], sentence: str
) -> None:
    with pytest.raises(VolanoError) as caught:
        typed(*(word.replace("{shop}", str(shop)) for word in words), home=tmp_path / "home")
    assert sentence in caught.value.message


def test_a_delimiter_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "shop.txt"
    path.write_text("1 2020-01-02 3,50\n2 2020-01-02 4,50\n")
    said = [
        "--as",
        "orders",
        "--delimiter",
        "blank",
        "--map",
        "person=1",
        "--map",
        "timestamp=2",
        "--map",
        "revenue=3",
    ]
    assert typed(str(path), *said, home=tmp_path / "home")["revenue_minor"] == 800
    with pytest.raises(BadInput):
        typed(str(path), "--as", "orders", "--delimiter", '"', home=tmp_path / "home")
