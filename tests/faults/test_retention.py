"""What is too old goes, from the disk and from what is known of people, whoever dies on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from tests.adapters.test_lake_duckdb import Clock
from tests.faults.homes import caught_up, frame, opened
from tests.flow.site import NOW, event, order
from volano.adapters.disk_budget import used
from volano.adapters.journal_file import FileJournal
from volano.adapters.lake_duckdb import DuckLake
from volano.domain.durations import DAY
from volano.domain.profile import Profile
from volano.domain.work import Work
from volano.errors import Busy
from volano.flow.ingest import rebuild_profiles
from volano.flow.working import Working
from volano.settings import Settings
from volano.web.turning import Turning
from volano.wiring import House, open_house


def accepted(house: House, payload: bytes) -> None:
    cast(FileJournal, house.journal).append_now(payload)


def known(house: House) -> list[Profile]:
    return [profile for _, profile in house.profiles.scan(Profile)]


def orders(house: House) -> list[int]:
    return sorted(profile.orders for profile in known(house))


def kept_for_days(home: Path, days: int) -> House:
    return open_house(Settings(home=str(home), retention_days=days))


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A home with old and new orders, where they are kept for 30 days."""
    house = kept_for_days(tmp_path / "home", 30)
    for number, user in enumerate(["ann", "ann", "ann", "bob", "cid"]):
        age = [50, 30, 10, 90, 2][number]
        accepted(house, frame(order(f"o{number}", user=user, time=NOW - age * DAY)))
    assert caught_up(house) == {}
    return house


def tidied(house: House) -> Turning:
    """What is too old goes."""
    turning = Turning(house, lambda: NOW + 1)
    turning.tidy()
    while turning.work():
        pass
    return turning


def as_a_rebuild_would(house: House) -> bool:
    live = known(house)
    rebuild_profiles(house.lake, house.profiles, now=NOW + 1)
    return live == known(house)


def test_what_expires_leaves_the_profiles_as_a_rebuild_would(house: House) -> None:
    turning = tidied(house)
    assert (orders(house), turning.troubles, turning.jobs) == ([1, 1], {}, ())
    assert as_a_rebuild_would(house)


class Dying(DuckLake):
    """A lake in which what is too old goes, and then the process."""

    def expire(self, before: int) -> dict[int, int]:
        super().expire(before)
        raise OSError("killed")


def test_an_expiry_that_died_before_people_were_made_anew_is_made_good(house: House) -> None:
    lake = Dying(house.home / "lake")
    assert tidied(replace(house, upkeep=lake)).troubles["working through the past"] == "OSError: killed"
    assert orders(house) == [1, 1, 3]
    assert [one.kind for one in house.state.find(Work)] == ["expire", "renew"]
    Working(house, lambda: NOW + 1).finish()
    assert (orders(house), house.state.find(Work)) == ([1, 1], [])
    assert as_a_rebuild_would(house)


def refused(house: House) -> str:
    """Why the intake refuses events, if it does."""
    cast(FileJournal, house.journal).close()  # another process looks at once
    try:
        accepted(open_house(house.settings), frame(event("Seen", user="x")))
    except Busy as error:
        return error.message
    return ""


def test_a_full_budget_ends_by_itself_without_a_new_event(tmp_path: Path) -> None:
    home, clock = tmp_path / "home", Clock(NOW / 1e6)
    house = opened(home)
    lake = DuckLake(home / "lake", keys=house.keys, clock=clock)
    house = replace(house, lake=lake, upkeep=lake, corrections=lake)
    for part in range(4):
        texts = [{"text": "".join(map(str, range(part * 900 + n, part * 900 + n + 99)))} for n in range(300)]
        long = [event("Seen", user="u", time=NOW - 50 * DAY, properties=text) for text in texts]
        accepted(house, frame(*long))
        assert caught_up(house) == {}
    full = used(home)
    house = replace(house, settings=Settings(home=str(home), disk_budget=full - 9_000, retention_days=30))
    tidied(house)
    assert "budget is used up" in refused(house)
    clock.now += 301
    turning = Turning(house, lambda: NOW)
    turning.tidy()
    assert (used(home) < full - 9_000, turning.troubles, refused(house)) == (True, {}, "")
