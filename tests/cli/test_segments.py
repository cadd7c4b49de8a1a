"""Segments from the command line, on a home of four buyers."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from volano.cli import app, commands
from volano.errors import BadInput

ORDERS = "customer,date,total\n" + "".join(
    f"{customer},2026-0{month}-02,{10 * month}\n"
    for customer in range(1, 5)
    for month in range(1, customer + 2)
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("segments")
    file = folder / "orders.csv"
    file.write_text(ORDERS)
    asked("import", str(file), "--as", "orders", home=folder / "home")
    return folder / "home"


def said(*words: str, home: Path) -> str:
    if not app.registered_commands:
        commands.register(app)
    ran = CliRunner().invoke(app, [*words, "--home", str(home)], catch_exceptions=True)
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return ran.stdout


def asked(*words: str, home: Path) -> Any:
    return json.loads(said(*words, "--json", home=home))


def test_a_rule_is_counted(home: Path) -> None:
    rule = json.dumps({"orders": {"$gte": 4}})
    assert asked("segment", "--rule", rule, "--count", home=home) == {"count": 2}
    assert said("segment", "--rule", rule, "--count", home=home) == "2\n"


def test_a_rule_on_the_past_is_counted_in_the_money_that_the_shop_writes(home: Path) -> None:
    rule = {
        "$did": {"event": "Order Completed", "sum": {"of": "revenue", "$gte": 100}, "since": "2026-01-01"}
    }
    found = asked("segment", "--rule", json.dumps(rule), home=home)
    assert (found["size"], found["people"]) == (2, 4)
    assert "revenue of at least 100" in found["said"]
    assert "2 of 4 people (50.0%)" in said("segment", "--rule", json.dumps(rule), home=home)


def test_a_segment_is_kept_listed_exported_and_dropped(home: Path, tmp_path: Path) -> None:
    rule = json.dumps({"orders": {"$gte": 3}})
    kept = asked("segment", "regulars", "--rule", rule, "--name", "Regulars", "--save", home=home)
    assert kept == {"key": "regulars", "name": "Regulars", "count": 3}
    (listed,) = asked("segments", home=home)
    assert (listed["key"], listed["people"], listed["said"]) == ("regulars", 3, "orders at least 3")
    members = asked("segment", "regulars", "--members", home=home)
    assert {member["known_as"] for member in members} == {"u:2", "u:3", "u:4"}
    told = asked("segment", "regulars", "--export", str(tmp_path / "out.csv"), home=home)
    assert told["people"] == 3
    with (tmp_path / "out.csv").open() as file:
        assert {row["known_as"] for row in csv.DictReader(file)} == {"u:2", "u:3", "u:4"}
    assert said("segment", "regulars", "--export", "-", home=home).startswith("person_id,known_as")
    both = asked("segment", "--rule", json.dumps({"orders": 5}), home=home)
    assert both["overlap"] == [{"segment": "regulars", "name": "Regulars", "size": 3, "both": 1}]
    assert "Regulars" in said("segments", home=home)
    assert asked("segment", "regulars", "--drop", home=home) == {"dropped": "regulars"}
    assert asked("segments", home=home) == []
    assert "--starters" in said("segments", home=home)


def test_starters_come_once(home: Path) -> None:
    found = asked("segments", "--starters", home=home)
    assert len(found) == 16
    assert len(asked("segments", "--starters", home=home)) == 16
    assert asked("segment", "one-time-buyers", "--count", home=home) == {"count": 0}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["segment"], "name a segment"),
        (["segment", "none", "--count"], "there is no segment 'none'"),
        (["segment", "x", "--save"], "there is no segment 'x'"),
        (["segment", "--rule", "{}", "--save"], "name the segment"),
        (["segment", "--rule", "{"], "is not JSON"),
        (["segment", "--rule", '{"order": 1}'], "there is no fact 'order'"),
        (["segment", "--rule", "[]", "--count"], "must be an object"),
    ],
)
def test_what_cannot_be_asked_is_named(words: list[str], told: str, home: Path) -> None:
    with pytest.raises(BadInput, match=told):
        said(*words, home=home)


def test_a_list_from_a_file_is_named_in_rules_and_dropped(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "plans.csv"
    file.write_text("plan\ngold\nsilver\n")
    assert asked("lists", "add", "plans", str(file), "--name", "Plans", home=home)["members"] == 2
    assert [one["key"] for one in asked("lists", home=home)] == ["plans"]
    assert "Plans" in said("lists", home=home)
    rule = json.dumps({"traits.plan": {"$notInGroup": "plans"}})
    assert asked("segment", "--rule", rule, "--count", home=home) == {"count": 4}
    assert asked("lists", "drop", "plans", home=home) == {"dropped": "plans"}
    with pytest.raises(BadInput, match="there is no list 'plans'"):
        said("segment", "--rule", rule, "--count", home=home)
    with pytest.raises(BadInput, match="there is no list 'plans'"):
        said("lists", "drop", "plans", home=home)
    assert "No list yet" in said("lists", home=home)
