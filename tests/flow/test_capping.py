"""Caps where decisions are made: by person, the same in every arm, and made anew from the lake."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from tests.act.campaigns import always, campaign
from tests.flow.site import MINUTE, NOW, Site, event
from volano.act.choose import snapshot
from volano.domain.campaign import CONTROL, Campaign, Cap
from volano.domain.durations import DAY
from volano.domain.event import IDENTIFIED
from volano.flow.capping import Capping, fill
from volano.flow.decide import Ask, counted_as, decide_block, decide_one, person_of
from volano.observe.identity import identity
from volano.settings import Settings
from volano.testing.caps_memory import MemoryCaps
from volano.testing.state_memory import MemoryState

ONCE = Cap(times=1, days=7)


@dataclass
class Shop(Site):
    """A site that decides, with a counter that is filled unless told otherwise."""

    settings: Settings = field(default_factory=Settings)
    state: MemoryState = field(default_factory=MemoryState)
    caps: MemoryCaps = field(default_factory=MemoryCaps)
    counted: bool = True

    def __post_init__(self) -> None:
        if self.counted:
            self.caps.fill(())

    def journals(self) -> Sequence[Any]:
        """The one journal."""
        return [self.journal]

    def ask(self, anonymous_id: str = "", user_id: str = "", *, now: int = NOW) -> list[str]:
        """The keys of the campaigns that somebody gets."""
        ask = Ask(source="web", anonymous_id=anonymous_id, user_id=user_id, context={}, now=now)
        ready = snapshot(self.state.find(Campaign))
        answer = asyncio.run(decide_one(ready, self.profiles, self.caps, self.journal, ask))
        return [msgspec.json.decode(one)["campaign"] for one in answer.campaigns]


def shop(*live: Campaign, counted: bool = True) -> Shop:
    """One in which these are live."""
    made = Shop(counted=counted)
    made.state.put(*live)
    return made


@pytest.mark.parametrize("arm", [CONTROL, "a"])
def test_a_cap_counts_visits_alike_in_every_arm(arm: str) -> None:
    here = shop(campaign(cap=ONCE, arms=always(arm)), campaign(key="free"))
    for minutes in (0, 20, 40):  # one visit
        assert here.ask("me", now=NOW + minutes * MINUTE) == ["free", "ten-off"]
    assert here.ask("me", now=NOW + DAY) == ["free"]
    assert here.ask("me", now=NOW + 8 * DAY) == ["free", "ten-off"]
    here.drain()
    decided = [row["campaign"] for row in here.rows("decisions") if row["campaign"] == "ten-off"]
    assert len(decided) == 4  # on record as ever


def test_whom_a_campaign_does_not_mean_or_cover_costs_no_visit() -> None:
    here = shop(campaign(cap=ONCE, audience={"path": "/never"}), campaign(key="none", cap=ONCE, coverage=0.0))
    assert here.ask("me") == []
    assert here.caps.visits == {}


def test_a_shop_without_caps_asks_no_counter() -> None:
    class Untouched(MemoryCaps):
        def take(self, *_: object, **__: object) -> frozenset[str]:
            raise AssertionError

    here = shop(campaign())
    here.caps = Untouched()
    assert here.ask("me") == ["ten-off"]


def test_a_new_round_counts_anew() -> None:
    here = shop(campaign(cap=ONCE))
    assert here.ask("me") == ["ten-off"]
    here.state.put(campaign(cap=ONCE, round=2))
    assert here.ask("me", now=NOW + DAY) == ["ten-off"]


def test_who_signs_in_keeps_what_the_browser_was_given_before_and_after_it_is_known() -> None:
    here = shop(campaign(cap=Cap(times=2, days=7)))
    assert here.ask("phone") == ["ten-off"]
    assert here.ask("phone", "ann", now=NOW + DAY) == ["ten-off"]  # nothing says yet that they are one
    here.send(event(IDENTIFIED, kind="identify", user="ann", anon="phone", time=NOW + DAY))
    here.drain()
    assert here.ask("phone", now=NOW + 2 * DAY) == here.ask("laptop", "ann", now=NOW + 2 * DAY) == []
    assert here.ask("tablet", now=NOW + 2 * DAY) == ["ten-off"]


def test_two_devices_that_turn_out_to_be_one_person_share_one_count() -> None:
    here = shop(campaign(cap=Cap(times=2, days=7)))
    for day, browser in enumerate(("phone", "laptop")):
        assert here.ask(browser, now=NOW + day * DAY) == ["ten-off"]
        here.send(event(IDENTIFIED, kind="identify", user="ann", anon=browser, time=NOW + day * DAY))
    here.drain()
    for browser in ("phone", "laptop"):
        assert here.ask(browser, now=NOW + 2 * DAY) == []


def test_a_browser_that_is_known_to_be_somebody_elses_is_not_counted_with() -> None:
    here = shop(campaign(cap=ONCE))
    assert here.ask("kiosk") == ["ten-off"]
    here.send(event(IDENTIFIED, kind="identify", user="ann", anon="kiosk"))
    here.drain()
    asks = [
        Ask(source="web", anonymous_id="kiosk", user_id=who, context={}, now=NOW) for who in ("ann", "bob")
    ]
    ann, bob = (counted_as(here.profiles, ask) for ask in asks)
    assert identity("a:kiosk") in ann
    assert bob == (identity("u:bob"),)
    assert here.ask("kiosk", "ann", now=NOW + DAY) == []
    assert here.ask("kiosk", "bob", now=NOW + DAY) == ["ten-off"]


def test_a_counter_that_was_lost_is_made_anew_from_the_lake() -> None:
    here = shop(campaign(cap=Cap(times=2, days=7)), campaign(key="old", cap=ONCE), campaign(key="free"))
    for day in (-9, 0, 1):
        here.ask("me", now=NOW + day * DAY)
        here.ask("you", now=NOW + DAY)
    here.ask("me", "ann", now=NOW + DAY)
    here.send(event(IDENTIFIED, kind="identify", user="ann", anon="me"))
    here.drain()
    here.state.put(campaign(key="old", cap=ONCE, round=2))  # what it gave before counts no more
    here.caps = MemoryCaps()
    assert here.ask("new", now=NOW + 2 * DAY) == ["free"]  # until it is known
    fill(here, now=NOW + 2 * DAY)
    ann = person_of(here.profiles, identity("u:ann"))
    assert here.caps.visits == {
        ("ten-off.1", ann): (NOW, NOW + DAY),
        ("ten-off.1", identity("a:you")): (NOW + DAY,),
    }
    assert here.ask("laptop", "ann", now=NOW + 2 * DAY) == ["free", "old"]


def test_without_a_campaign_that_has_a_cap_the_lake_is_not_read() -> None:
    here = shop(campaign(), counted=False)
    here.lake = None  # type: ignore[assignment]
    fill(here, now=NOW)
    assert not here.caps.missing


def test_it_is_filled_once_the_lake_has_all_that_was_acknowledged_before() -> None:
    here = shop(campaign(cap=ONCE))
    for who in ("me", "you"):
        here.ask(who)
    here.caps = MemoryCaps()
    keep = Capping(here)
    keep(0, now=NOW + DAY)
    assert here.caps.missing
    here.drain(limit=1)
    here.send(event(anon="later"))  # what comes meanwhile gives nothing that has a cap
    keep(2, now=NOW + DAY)
    assert not here.caps.missing
    assert here.ask("me", now=NOW + DAY) == here.ask("you", now=NOW + DAY) == []
    here.caps.fill(())
    keep(1, now=NOW + DAY)
    assert here.ask("me", now=NOW + DAY) == ["ten-off"]  # it is filled once


def test_what_a_drain_brought_is_made_durable() -> None:
    class Noting(MemoryCaps):
        synced = 0

        def sync(self) -> None:
            self.synced += 1

    here = shop(campaign(cap=ONCE))
    here.caps = Noting()
    keep = Capping(here)
    for moved in (0, 3, 0):
        keep(moved, now=NOW)
    assert here.caps.synced == 1


def test_a_block_counts_like_its_rows_one_by_one() -> None:
    names = ["me", "you", "me", "me", "you", "me"]
    times = [NOW + day * DAY for day in (2, 1, 0, 7, 9, 8)]
    live = [campaign(cap=ONCE), campaign(key="free")]
    here = shop(*live)
    expected = {time: here.ask(who, now=time) for time, who in sorted(zip(times, names, strict=True))}
    people = pa.table(
        {
            "person_id": [identity(f"a:{who}") for who in names],
            "identity": [identity(f"a:{who}") for who in names],
            "known_as": [f"a:{who}" for who in names],
            "assigned_by": names,
            "time": pa.array(times, pa.timestamp("us", tz="UTC")),
        }
    )
    caps = MemoryCaps()
    caps.fill(())
    block = decide_block(snapshot(live), people, origin="web", now=0, caps=caps)
    found = [[key for key in ("free", "ten-off") if block.arms[key][row]] for row in range(people.num_rows)]
    assert found == [expected[time] for time in times]
    assert block.rows.num_rows == sum(map(len, found))
    alone = decide_block(snapshot(live), people, origin="web", now=0)
    assert not alone.arms["ten-off"].astype(bool).any()
    assert alone.arms["free"].astype(bool).all()
