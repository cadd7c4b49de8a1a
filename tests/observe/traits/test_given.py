"""What was said of people, their devices, their draws, and what rules remember."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.observe.traits.blocks import DAY, NOW, START, Row, block, decision, row
from volano.domain.profile import Device, Profile
from volano.observe.traits import facts, joined, people, tally
from volano.observe.traits.phones import devices_of, token_name

SECOND = 1_000_000


def profile(*rows: Row) -> Profile:
    (found,) = tally(block(rows))
    return found


def told(*rows: Row, now: int = NOW) -> dict[str, Any]:
    return facts(profile(*rows), now=now)


def said(at: float = 0.0, **properties: Any) -> Row:
    return row("Identified", at=at, properties=properties)


def test_the_last_word_on_each_key_counts() -> None:
    found = told(said(2, plan="pro"), said(1, plan="free", age=41, email="a@shop.example"), said(3, age=None))
    assert (found["traits.plan"], found["email"]) == ("pro", "a@shop.example")
    assert "traits.age" not in found


def test_consent_is_what_is_true_of_it() -> None:
    found = told(
        said(1, consent={"email": True, "push": True, "sms": False}), said(2, consent={"push": False})
    )
    assert found["consent"] == ["email"]
    assert found["traits.consent.push"] is False
    assert told(said(plan="pro"))["consent"] == []
    assert "consent" not in told(row())


def test_no_number_of_other_keys_takes_address_and_consent_away() -> None:
    found = told(
        said(1, email="a@shop.example", consent={"email": True}),
        said(2, **{f"key {at}": at for at in range(90)}),
    )
    assert (found["email"], found["consent"]) == ("a@shop.example", ["email"])
    assert sum(name.startswith("traits.key") for name in found) == 64
    channels = told(said(1, consent={f"c{at:03}": True for at in range(90)}))
    assert len(channels["consent"]) == 64


def test_only_identify_calls_say_something_of_a_person() -> None:
    assert "traits.plan" not in told(row(properties={"plan": "pro"}))


@pytest.mark.parametrize("text", ["{", "[1]", "null", '{"a": 1e999}', "", '{"\\ud800": 1}'])
def test_properties_that_say_nothing_harm_nobody(text: str) -> None:
    found = told(row("Identified", properties=text), said(1, plan="pro"))
    assert found["traits.plan"] == "pro"


def test_what_is_too_long_or_too_deep_is_cut_or_left_out() -> None:
    found = told(
        said(
            long="x" * 500,
            many=["x" * 100, "y" * 100],
            few=["x", "y"],
            mixed=["x", 1],
            deep={"a": {"b": 1}, "c": 2},
            huge=10**30,
            **{"k" * 500: 1},
        )
    )
    assert len(found["traits.long"]) == 124
    names = {name for name in found if name.startswith("traits.")}
    assert names == {"traits.long", "traits.few", "traits.deep.c"}


def test_sixty_four_keys_are_remembered_the_latest_ones() -> None:
    found = told(*(said(number, **{f"key {number}": number}) for number in range(80)))
    names = [name for name in found if name.startswith("traits.")]
    assert len(names) == 64
    assert "traits.key 79" in names
    assert "traits.key 15" not in names


def test_given_traits_are_columns_of_the_kinds_there_are() -> None:
    some = [said(age=1), said(age=2.5), said(age="old"), said(tags=["x"]), row()]
    rows = [one | {"person_id": number} for number, one in enumerate(some)]
    table = people(tally(block(rows)), now=NOW)
    assert table["traits.age"].to_pylist() == [1, 2.5, "old", None, None]
    assert table["traits.tags"].to_pylist() == [None, None, None, ["x"], None]


def opened(at: float, **columns: Any) -> Row:
    return row("Application Opened", at=at, device_id="d1", os="iOS", **columns)


def bounced(at: float, reason: str, **columns: Any) -> Row:
    return row("Push Notification Bounced", at=at, properties={"reason": reason}, **columns)


def test_a_device_is_known_with_its_newest_token() -> None:
    one = profile(opened(1, push_token="t1"), opened(5, push_token="t2"), opened(7))
    second = START // SECOND
    assert one.devices == {
        "d1": Device(platform="iOS", token="t2", token_at=second + 5 * 86_400, seen_at=second + 7 * 86_400)
    }
    assert facts(one, now=NOW)["push"]


def test_uninstalled_means_all_devices_invalid_and_no_session_since() -> None:
    rows = [opened(1, push_token="t1"), bounced(9, "Unregistered", device_id="d1")]
    found = told(*rows)
    assert (found["uninstalled"], found["push"], found["token_expired"]) == (True, False, False)
    assert not told(*rows, row("Page Viewed", at=10))["uninstalled"]
    assert not told(*rows, row("Application Opened", at=2, device_id="d2"))["uninstalled"]
    again = told(*rows, opened(10, push_token="t3"))
    assert (again["uninstalled"], again["push"]) == (False, True)


@pytest.mark.parametrize(
    "befell", [said(10, plan="pro"), row("Email Opened", at=10, browser="Mail"), row("Ticket Closed", at=10)]
)
def test_what_servers_tell_and_what_happens_in_a_mailbox_is_no_session(befell: Row) -> None:
    rows = [opened(1, push_token="t1"), bounced(9, "Unregistered", device_id="d1")]
    assert told(*rows, befell)["uninstalled"]
    assert not told(*rows, row("Product Viewed", at=10, browser="Firefox"))["uninstalled"]


@pytest.mark.parametrize(
    "why",
    [
        {"reason": "registration-token-not-registered"},
        {"reason": "messaging/registration-token-not-registered"},
        {"error": "DeviceNotRegistered"},
        {"reason": "UNREGISTERED"},
        {"reason": "404 Not Found"},
        {"code": 410},
    ],
)
def test_a_push_to_a_device_that_is_gone_comes_back_in_the_words_of_any_service(why: dict[str, Any]) -> None:
    came_back = row("Push Notification Bounced", at=9, device_id="d1", properties=why)
    assert told(opened(1, push_token="t1"), came_back)["uninstalled"]


def test_who_removed_the_app_has_uninstalled_it() -> None:
    gone = row("Application Uninstalled", at=4, device_id="d1")
    assert told(opened(1, push_token="t1"), gone)["uninstalled"]


def test_a_token_that_ran_out_is_no_uninstall() -> None:
    rows = [opened(1, push_token="t1"), bounced(9, "ExpiredToken", device_id="d1")]
    found = told(*rows)
    assert (found["uninstalled"], found["token_expired"], found["push"]) == (False, True, False)
    silent = told(opened(1, push_token="t1"), now=START + 300 * DAY)
    assert (silent["uninstalled"], silent["token_expired"]) == (False, True)


def test_a_push_that_fails_for_another_reason_says_nothing_of_the_device() -> None:
    assert told(opened(1, push_token="t1"), bounced(9, "TooManyRequests", device_id="d1"))["push"]


def test_a_failure_of_an_older_token_does_not_count_against_the_newer_one() -> None:
    old = bounced(9, "BadDeviceToken", device_id="d1", push_token="t1")
    assert told(opened(1, push_token="t1"), opened(2, push_token="t2"), old)["push"]


def test_what_is_told_of_a_token_alone_is_told_of_the_device_that_has_it() -> None:
    one = profile(opened(1, push_token="t1"), bounced(9, "NotRegistered", push_token="t1"))
    assert set(one.devices) == {"d1", token_name("t1")}
    assert [*devices_of(one)] == ["d1"]
    assert facts(one, now=NOW)["uninstalled"]


def test_the_first_draw_of_a_campaign_stays() -> None:
    one = profile(
        decision("c", "laptop", at=2), decision("c", "phone", at=1), decision("c", "x", at=3, turn=2)
    )
    assert one.assigned == {"c.1": "phone", "c.2": "x"}
    assert one.events == 0
    later = msgspec.structs.replace(one, assigned={"c.1": "tablet"}, assigned_at={"c.1": NOW})
    assert joined(later, one).assigned["c.1"] == "phone"


def test_moments_and_segments_of_two_are_those_of_both() -> None:
    one = Profile(person_id=1, done={"n1": [(5, 1, 0)]}, segments={"new": 5, "keen": 2}, due=9)
    other = Profile(person_id=2, done={"n1": [(3, 2, 7)]}, segments={"new": 4}, due=3)
    both = joined(one, other)
    assert both.done == {"n1": [(3, 2, 7), (5, 1, 0)]}
    assert (both.segments, facts(both, now=NOW)["segments"]) == ({"new": 4, "keen": 2}, ["keen", "new"])


def test_a_profile_reads_the_address_that_was_given() -> None:
    assert (
        profile(row("Identified", properties=json.dumps({"Email": "b@shop.example"}))).email
        == "b@shop.example"
    )
    assert Profile(person_id=1).email == ""
