"""A home that is opened again: nothing that was acknowledged is passed over."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.flow.site import NOW, event
from tests.s3 import BUCKET, s3_environment
from volano.domain.event import Intake
from volano.domain.view import View
from volano.errors import BadInput, BrokenHome
from volano.flow.ingest import drain
from volano.settings import Settings
from volano.wiring import open_house

__all__ = ["s3_environment"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a home in which some events have been moved to the lake."""
    made = Settings(home=str(tmp_path / "home"))
    house = open_house(made)
    send(house.journal, "one", "two", "three")
    assert moved(house) == 3
    closed(house)
    return made


def send(journal: Any, *names: str) -> None:
    """A frame for each event."""
    for name in names:
        told = Intake(source="web", received_at=NOW, events=[event(name, user="u")], refusals=[])
        journal.append_now(msgspec.msgpack.encode(told))


def closed(house: Any) -> None:
    """Another may write now."""
    house.journal.close()


def moved(house: Any) -> int:
    """How many events the lake has, after what waited has been moved."""
    while drain(house.journal, house.lake, house.profiles):
        pass
    rows: int = house.lake.read(View()).num_rows
    return rows


def test_a_home_whose_journal_was_lost_goes_on_behind_it(settings: Settings) -> None:
    shutil.rmtree(Path(settings.home) / "journal")
    house = open_house(settings)
    send(house.journal, "four", "five")
    assert moved(house) == 5
    closed(house)
    send(open_house(settings).journal, "six")
    assert moved(open_house(settings)) == 6


def test_a_home_whose_journal_ends_too_early_is_not_opened_until_it_is_moved_aside(
    settings: Settings,
) -> None:
    journal = Path(settings.home) / "journal" / "j0"
    os.truncate(next(journal.glob("*.log")), 20)
    with pytest.raises(BrokenHome, match="move that folder aside"):
        open_house(settings)
    journal.rename(journal.with_name("aside"))
    house = open_house(settings)
    send(house.journal, "four")
    assert moved(house) == 4


def test_a_home_whose_profiles_were_lost_makes_them_anew(settings: Settings) -> None:
    shutil.rmtree(Path(settings.home) / "profiles")
    house = open_house(settings)
    moved(house)
    assert house.profiles.offset("j0") == house.lake.offset("j0") > 0


def test_a_home_may_have_its_lake_in_a_bucket(
    tmp_path: Path, s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings(home=str(tmp_path / "home"), lake=f"s3://{BUCKET}/{tmp_path.name}")
    house = open_house(settings)
    send(house.journal, "one", "two")
    assert moved(house) == 2
    for copy in (tmp_path / "home" / "lake").rglob("*.parquet"):
        copy.unlink()
    assert open_house(settings).lake.read(View()).num_rows == 2


def test_an_address_that_is_no_bucket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="s3://bucket"):
        open_house(Settings(home=str(tmp_path / "home"), lake="gs://x"))
