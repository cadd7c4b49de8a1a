"""What people did: when, how often, and on whose clock."""

from __future__ import annotations

from typing import Any

import pytest

from tests.observe.traits.blocks import DAY, NOW, START, Row, block, row
from volano.domain.profile import Profile
from volano.observe.traits import facts, tally, turns

MINUTE = 1 / 1_440  # days


def profile(*rows: Row, zone: str = "UTC") -> Profile:
    (found,) = tally(block(rows), zone=zone)
    return found


def told(*rows: Row, zone: str = "UTC", now: int = NOW) -> dict[str, Any]:
    return facts(profile(*rows, zone=zone), now=now)


def test_a_person_is_first_and_last_seen_by_what_they_do_themselves() -> None:
    rows = [
        row("Email Delivered", at=-1),
        row(at=2),
        row("Page Viewed", at=5),
        row("Order Refunded", at=9, revenue=-100),
        row("Segment Entered", at=10),
    ]
    found = told(*rows)
    assert (found["first_seen"], found["last_seen"]) == (START + 2 * DAY, START + 5 * DAY)
    assert (found["events"], found["days_since_seen"], found["days_since_first_seen"]) == (2, 95, 98)
    assert (found["refunds"], found["notified"]) == (1, 1)


def test_who_did_nothing_was_never_seen() -> None:
    found = told(row("Email Delivered"))
    assert found["events"] == found["sessions"] == 0
    assert "last_seen" not in found
    assert "days_since_seen" not in found


@pytest.mark.parametrize(
    ("minutes", "sessions"),
    [([0, 30], 1), ([0, 31], 2), ([0, 20, 40, 60], 1), ([0, 20, 60, 91, 122], 4), ([1_430, 1_445], 1)],
)
def test_thirty_idle_minutes_end_a_session(minutes: list[int], sessions: int) -> None:
    assert told(*(row(at=minute * MINUTE) for minute in minutes))["sessions"] == sessions


def test_another_campaign_begins_a_session_and_the_same_one_does_not() -> None:
    mail: dict[str, Any] = {"source": "mail", "medium": "email"}
    ads: dict[str, Any] = {"source": "ads", "medium": "cpc"}
    assert told(row(**mail), row(at=MINUTE), row(at=2 * MINUTE, **mail))["sessions"] == 1
    assert told(row(**mail), row(at=MINUTE, **ads))["sessions"] == 2
    assert told(row(**mail), row(at=MINUTE, utm_campaign="may", **mail))["sessions"] == 2
    midnight = [row(at=1 - MINUTE, **mail), row(at=1 + MINUTE, **mail), row(at=1 + 2 * MINUTE, **ads)]
    assert told(*midnight)["sessions"] == 2


def test_of_long_ago_each_active_day_is_a_session() -> None:
    rows = [row(at=day + hour / 24) for day in range(50) for hour in (1, 5)]
    assert told(*rows)["sessions"] == 32 * 2 + 18


def test_events_of_the_last_days_leave_the_count_as_time_goes() -> None:
    one = profile(row(at=90), row(at=95), row(at=95.5), row(at=99))
    assert [facts(one, now=NOW + day * DAY)["events_7d"] for day in (-1, 0, 1, 2, 5, 6)] == [3, 3, 3, 1, 1, 0]
    assert facts(one, now=NOW)["events_30d"] == 4
    assert turns(one, now=NOW) == START + 102 * DAY
    assert turns(one, now=START + 102 * DAY) == START + 106 * DAY
    assert turns(one, now=START + 200 * DAY) is None


def test_hours_are_those_on_the_clock_of_the_person() -> None:
    assert START // DAY % 7 == 1  # 1970 began on a Thursday: this is a Friday
    found = told(row(at=0.5, timezone="Asia/Tokyo"))
    assert (found["usual_weekday"], found["usual_hour"]) == ("friday", 21)
    found = told(row(at=0.99), zone="Asia/Tokyo")
    assert (found["usual_weekday"], found["usual_hour"]) == ("saturday", 8)
    summer = told(row(at=-60.5), row(at=-53.5), zone="Europe/Berlin")
    assert summer["usual_hour"] == 14
    assert told(row(at=0.5, timezone="Nowhere/Land"), zone="Asia/Tokyo")["usual_hour"] == 21


def test_the_day_clocks_are_changed_has_both_offsets() -> None:
    change = 20_022  # 26 October 2024 in days since 1970; clocks in Berlin change at 01:00 UTC of the next
    rows = [row(at=change + 1 - 20_000 + hour / 24) for hour in (0.5, 1.5)]
    hours = [told(one, zone="Europe/Berlin")["usual_hour"] for one in rows]
    assert hours == [2, 2]


def test_source_is_the_last_told_and_the_first_one_is_kept() -> None:
    found = told(
        row(source="mail", medium="email", at=1),
        row(source="ads", medium="cpc", at=2),
        row(at=3),
        row(source="shop", at=4),
    )
    assert (found["source"], found["first_source"]) == ("shop / (none)", "mail / email")
    assert told(row())["source"] == "(direct) / (none)"


def test_of_what_a_person_uses_the_last_told_counts_each_by_itself() -> None:
    found = told(
        row(device="iphone", os="iOS", country="de", language="de-de", at=1),
        row(device="desktop", browser="Chrome", at=2),
        row("Email Opened", country="at", at=3),
        row(at=4),
    )
    names = ("device", "os", "browser", "country", "language")
    assert [found[name] for name in names] == ["desktop", "iOS", "Chrome", "at", "de-de"]
    assert told(row())["device"] == "(unknown)"
    assert "country" not in told(row())


def test_messages_are_counted_by_day_and_in_all() -> None:
    rows = [row("Push Notification Received", at=day) for day in (10, 80, 95, 99)]
    rows += [row("Push Notification Tapped", at=95.1), row("Email Opened", at=99.5)]
    found = told(*rows)
    assert (found["notified"], found["opened"]) == (4, 2)
    assert (found["notified_7d"], found["opened_7d"]) == (2, 2)
    assert (found["notified_30d"], found["opened_30d"]) == (3, 2)
    assert turns(profile(rows[1]), now=NOW) == START + 110 * DAY
