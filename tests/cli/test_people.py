"""`volano people`, as it is run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_home_commands import said, volano
from volano.domain.shop import Shop
from volano.flow.shop import save_shop
from volano.wiring import open_house, read_settings

EVENTS = """user_id,anonymous_id,event,timestamp
,phone,Page Viewed,2026-01-01
ann,phone,Identified,2026-01-02
bob,,Page Viewed,2026-01-03
cid,,Page Viewed,2026-01-04
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Ann with her phone, Bob and Cid."""
    file = tmp_path / "events.csv"
    file.write_text(EVENTS)
    volano("import", str(file), "--as", "events", home=tmp_path / "home")
    return tmp_path / "home"


def test_people_are_found_and_shown_with_why(home: Path) -> None:
    (found,) = said("people", "find", "phone", home=home)
    assert found["identities"] == 2
    page = said("people", "show", "ann", home=home)
    assert [one["known_as"] for one in page["identities"]] == ["u:ann", "a:phone"]
    assert [row["event"] for row in page["timeline"]] == ["Identified", "Page Viewed"]
    assert "identify with u:ann" in volano("people", "show", "ann", home=home).stdout
    assert "nobody is known as 'dan'" in volano("people", "show", "dan", home=home, code=2).stderr


def test_times_are_told_by_the_shops_clock(home: Path) -> None:
    assert "2026-01-01 00:00" in volano("people", "show", "ann", home=home).stdout
    save_shop(
        open_house(read_settings(home=str(home)), make=False).state, Shop(timezone="Asia/Kolkata"), now=1
    )
    told = volano("people", "show", "ann", home=home).stdout
    assert "by the clock of Asia/Kolkata" in told
    assert "2026-01-01 05:30" in told


def test_people_are_joined_and_parted(home: Path) -> None:
    said("people", "merge", "bob", "cid", home=home)
    assert len(said("people", "show", "bob", home=home)["identities"]) == 2
    said("people", "undo", "u:cid", home=home)
    assert len(said("people", "show", "bob", home=home)["identities"]) == 1
    (moved,) = said("people", "unmerge", "a:phone", home=home)
    assert moved["known_as"] == "a:phone"
    assert len(said("people", "show", "ann", home=home)["timeline"]) == 1
    assert "write u:<user id>" in volano("people", "unmerge", "phone", home=home, code=2).stderr
    assert "wants two ids" in volano("people", "merge", "bob", home=home, code=2).stderr


def test_an_export_is_json(home: Path) -> None:
    told = json.loads(volano("people", "export", "ann", home=home).stdout)
    assert len(told["events"]) == 2


def test_people_are_forgotten_by_a_list(home: Path, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("ann\n\nbob\n")
    receipt = said("people", "forget", "--file", str(tmp_path / "ids.txt"), home=home)
    assert receipt["rows"]["events"] == 3
    assert said("people", "find", "ann", home=home) == said("people", "find", "bob", home=home) == []
    assert len(said("people", "find", "cid", home=home)) == 1
    assert "cannot be read" in volano("people", "forget", "--file", "nowhere", home=home, code=2).stderr
