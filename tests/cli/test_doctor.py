"""What the doctor finds in a home: what waits, what was cut, what is damaged, and how full it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.flow.site import NOW
from tests.postgres import Postgres, postgres
from volano.adapters.journal_file import FileJournal
from volano.cli.doctor import Finding, examine
from volano.domain.durations import DAY
from volano.domain.work import Work
from volano.settings import Settings
from volano.wiring import open_house

__all__ = ["postgres"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a home in which three events wait."""
    made = Settings(home=str(tmp_path / "home"))
    journal = FileJournal(open_house(made).home / "journal")
    for _ in range(3):
        journal.append_now(b"x" * 100)
    journal.close()
    return made


def found(settings: Settings, what: str) -> list[Finding]:
    return [finding for finding in examine(settings, now=NOW) if finding.what == what]


def log(settings: Settings) -> Path:
    return next((Path(settings.home) / "journal" / "j0").glob("*.log"))


def test_what_waits_is_told(settings: Settings) -> None:
    assert [(one.state, one.says) for one in found(settings, "journal")] == [
        ("good", "j0: 0.0 MB wait to be stored")
    ]
    assert found(replace(settings, journal_budget=1_000), "journal")[0].state == "warn"


def test_torn_tails_are_counted_and_no_reason_to_worry(settings: Settings) -> None:
    log(settings).write_bytes(log(settings).read_bytes() + b"torn")
    journal = FileJournal(Path(settings.home) / "journal")
    journal.claim()
    journal.close()
    assert "1 torn tails were cut off" in found(settings, "journal")[0].says
    assert found(settings, "journal")[0].state == "good"


def test_a_state_that_is_away_or_damaged_is_told_with_its_mend(
    tmp_path: Path, settings: Settings, postgres: Postgres
) -> None:
    there = Settings(home=str(tmp_path / "there"), state=postgres.database())
    open_house(there)
    (good,) = found(there, "state")
    assert (good.state, good.says.startswith("postgresql://localhost/")) == ("good", True)
    postgres.shut(there.state)
    (bad,) = found(there, "state")
    assert (bad.state, "start its database" in bad.mend, found(there, "contents")) == ("bad", True, [])
    (lost,) = found(replace(there, state=""), "state")
    assert (lost.state, "set VOLANO_STATE to its address" in lost.says) == ("bad", True)
    for path in Path(settings.home).glob("state.db*"):
        path.write_bytes(b"scribble" * 999)
    (broken,) = found(settings, "state")
    assert (broken.state, "file is not a database" in broken.says) == ("bad", True)


def test_damage_is_told_with_its_place(settings: Settings) -> None:
    raw = bytearray(log(settings).read_bytes())
    raw[150] ^= 1
    log(settings).write_bytes(raw)
    assert "journal j0 is damaged before 216" in [one.says for one in found(settings, "contents")]
    damage = found(settings, "journal")[1]
    assert (damage.state, "108 bytes at 108" in damage.says) == ("warn", True)


def test_a_home_near_its_disk_budget_is_warned_of_and_one_over_it_is_bad(settings: Settings) -> None:
    assert found(settings, "disk budget")[0].state == "good"
    used = sum(path.stat().st_blocks for path in Path(settings.home).rglob("*") if path.is_file()) * 512
    assert found(replace(settings, disk_budget=used + 1), "disk budget")[0].state == "warn"
    assert found(replace(settings, disk_budget=used // 2), "disk budget")[0].state == "bad"


def test_a_clock_behind_the_home_is_told(settings: Settings) -> None:
    assert [one.state for one in examine(settings, now=NOW - 10**17) if one.what == "clock"] == ["bad"]


def test_long_work_that_is_not_done_is_told_with_how_far_it_is(settings: Settings) -> None:
    house = open_house(settings)
    house.state.put(Work(key="renew", kind="renew", what="counting days anew", low=2**62, made_at=NOW))
    assert [(one.state, one.says) for one in found(settings, "long work")] == [
        ("good", "counting days anew (50 %) is under way")
    ]
    house.state.put(Work(key="renew", kind="renew", what="counting days anew", made_at=NOW - DAY))
    assert [(one.state, one.says) for one in found(settings, "long work")] == [
        ("warn", "counting days anew is under way")
    ]
