"""`volano sources` as people run it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from volano.cli.sources import sources
from volano.domain.account import Source, key_hash
from volano.errors import BadInput, BrokenHome
from volano.flow.sources import first_source
from volano.settings import Settings
from volano.wiring import open_state


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with its first source."""
    first_source(open_state(Settings(home=str(tmp_path))), now=5)
    return tmp_path


def run(home: Path, *words: str, **options: Any) -> None:
    """The command with an action and what it is about."""
    told: dict[str, Any] = dict(zip(("action", "which"), words, strict=False))
    sources(home=str(home), **told, **options)


def said(home: Path, capsys: pytest.CaptureFixture[str], *words: str, **options: Any) -> Any:
    """What the command prints as JSON."""
    run(home, *words, as_json=True, **options)
    return json.loads(capsys.readouterr().out)


def test_a_source_is_added_rotated_changed_and_revoked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    added = said(home, capsys, "add", "Web shop", origins="https://shop.example")
    assert (added["key"], added["origins"], len(added["write_key"])) == (
        "web-shop",
        ["https://shop.example"],
        25,
    )
    rotated = said(home, capsys, "rotate", "web-shop", days=3)
    assert rotated["write_key"] != added["write_key"]
    kept = open_state(Settings(home=str(home))).get(Source, "web-shop")
    assert [one.hash for one in kept.keys] == [key_hash(added["write_key"]), key_hash(rotated["write_key"])]
    assert said(home, capsys, "change", "web-shop", name="Shop", origins="")["name"] == "Shop"
    assert said(home, capsys, "revoke", "web-shop")["revoked_at"] > 0
    listed = said(home, capsys)
    assert [one["key"] for one in listed] == ["web", "web-shop"]
    assert "write_key" not in listed[0]


def test_the_key_is_shown_to_people_and_the_list_only_begins_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(home, "add", "App")
    told = capsys.readouterr().out
    key = next(word for word in told.split() if word.startswith("wk_"))
    assert "not shown again" in told
    run(home)
    listed = capsys.readouterr().out
    assert key not in listed
    assert "App" in listed


def test_what_it_does_not_do_is_one_sentence(home: Path, tmp_path: Path) -> None:
    for words in (("drop", "web"), ("rotate",), ("add",)):
        with pytest.raises(BadInput):
            run(home, *words)
    with pytest.raises(BrokenHome):
        run(tmp_path / "nothing")
