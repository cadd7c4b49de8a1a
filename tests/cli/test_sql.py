"""`volano sql`: the lake answers, in a table, JSON or CSV, and nothing can be written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_home_commands import said, volano


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sql")
    file = place / "orders.csv"
    file.write_text("customer,date,total\n1,2026-01-02,10.50\n2,2026-01-03,20\n1,2026-02-01,5.25\n")
    volano("import", str(file), "--as", "orders", home=place / "home")
    return place / "home"


SUM = "select count(distinct person_id) people, sum(revenue) money, min(time) as first from events"


def test_a_question_is_answered_in_json(home: Path) -> None:
    assert said("sql", SUM, home=home) == [{"people": 2, "money": 3575, "first": "2026-01-02T00:00:00+00:00"}]


def test_a_question_is_answered_in_csv(home: Path) -> None:
    out = volano("sql", "--csv", "select event, revenue from events order by revenue", home=home).stdout
    assert out == "event,revenue\nOrder Completed,525\nOrder Completed,1050\nOrder Completed,2000\n"


def test_a_question_is_answered_in_a_table(home: Path) -> None:
    assert "3575" in volano("sql", SUM, home=home).stdout.replace(",", "")
    more = volano("sql", "select * from range(300)", home=home)
    assert ("199" in more.stdout, "The first 200 rows" in more.stderr) == (True, True)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("create table x as select 1", "only SELECT"),
        ("copy events to 'out.csv'", "only SELECT"),
        ("explain analyze copy events to 'out.csv'", "only SELECT"),
        ("set memory_limit = '1GB'", "only SELECT"),
        ("select 1; select 2", "2 statements"),
        ("", "0 statements"),
        ("select * from read_csv('/etc/passwd')", "disabled"),
        ("select colour from events", "colour"),
        ("selec 1", "syntax error"),
    ],
)
def test_whatever_is_no_single_select_is_refused_in_one_sentence(home: Path, query: str, words: str) -> None:
    told = volano("sql", query, home=home, code=2).stderr
    assert words in told
    assert len(told.strip().splitlines()) == 1


def typed(home: Path, text: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "volano", "sql", "--csv", "--home", str(home)]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=True)


def test_the_prompt_answers_question_after_question_and_survives_a_wrong_one(home: Path) -> None:
    ran = typed(home, "select 1 a;\n.tables\nselec;\n.what\nselect\n 2 b;\n\nselect 3 c")
    assert ran.stdout == "a\n1\nb\n2\nc\n3\n"
    assert "syntax error" in ran.stderr
    assert "order_lines" in ran.stderr
    assert typed(home, ".quit\nselect 1;\n").stdout == ""


def test_two_ways_of_answering_and_a_prompt_in_json_are_refused(home: Path) -> None:
    assert "choose one" in volano("sql", "select 1", "--csv", "--json", home=home, code=2).stderr
    assert "one question" in volano("sql", "--json", home=home, code=2).stderr


def test_a_home_without_data_is_named(tmp_path: Path) -> None:
    assert "holds no Volano data" in volano("sql", "select 1", home=tmp_path / "no", code=2).stderr


def test_numbers_that_json_has_not_and_large_sums_are_said(home: Path) -> None:
    ran = volano(
        "sql", "--json", "select 'nan'::double n, 1.5::decimal(4,2) d, 2.0::decimal(4,2) i", home=home
    )
    assert json.loads(ran.stdout) == [{"n": None, "d": 1.5, "i": 2}]
