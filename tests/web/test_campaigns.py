"""The campaign editor: a form that works without JavaScript, and what can be done with a campaign."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.web.shop import DRAFT, LIVE, full_house
from tests.web.visitor import Clock, Visitor, fields_of, owner
from volano.domain.campaign import Campaign, Cap
from volano.wiring import House


@pytest.fixture
def house() -> House:
    """A full shop of its own."""
    return full_house()


def changed(visitor: Visitor, **fields: str) -> dict[str, str]:
    """The editor's form as it stands, with some fields changed."""
    path = f"/campaigns/{DRAFT.key}"
    return fields_of(visitor.see(path), path) | {
        name.replace("__", "."): text for name, text in fields.items()
    }


def test_saving_an_unchanged_draft_changes_nothing(house: House) -> None:
    visitor = owner(house)
    visitor.send(f"/campaigns/{DRAFT.key}", **changed(visitor))
    kept = house.state.get(Campaign, DRAFT.key)
    assert replace(kept, plan=DRAFT.plan, made_at=DRAFT.made_at) == DRAFT


def test_a_draft_is_changed_by_its_form(house: House) -> None:
    visitor = owner(house)
    sent = changed(visitor, name="Spring", format="bar", then="seconds", value="20", control="20")
    sent |= {
        "who.device": "",
        "who.visitor": "new",
        "headline.a": "Hello",
        "choices.a": "One\r\n\r\nTwo",
        "days.orders": "14",
    }
    visitor.send(f"/campaigns/{DRAFT.key}", **sent)
    kept = house.state.get(Campaign, DRAFT.key)
    assert (kept.name, kept.format, kept.trigger.then, kept.trigger.value) == ("Spring", "bar", "seconds", 20)
    assert kept.audience == {"source": "instagram / social", "visitor": "new"}
    assert [arm.weight for arm in kept.arms] == pytest.approx([0.2, 0.8])
    content = kept.arms[1].content
    assert content is not None
    assert (content.headline, content.choices) == ("Hello", ("One", "Two"))
    assert {goal.key: goal.days for goal in kept.goals}["orders"] == 14


def test_how_often_is_a_sentence_with_two_numbers_or_none(house: House) -> None:
    visitor = owner(house)
    assert 'name="cap.times" value=""' in visitor.see(f"/campaigns/{DRAFT.key}").text
    visitor.send(f"/campaigns/{DRAFT.key}", **changed(visitor, cap__times="2", cap__days=" 7 "))
    assert house.state.get(Campaign, DRAFT.key).cap == Cap(times=2, days=7)
    visitor.send(f"/campaigns/{DRAFT.key}", **changed(visitor, name="Other"))
    assert house.state.get(Campaign, DRAFT.key).cap == Cap(times=2, days=7)
    visitor.send(f"/campaigns/{DRAFT.key}", **changed(visitor, cap__times="", cap__days=""))
    assert house.state.get(Campaign, DRAFT.key).cap is None


def test_the_cap_of_a_campaign_that_runs_is_told_and_cannot_be_changed(house: House) -> None:
    house.state.put(replace(LIVE, cap=Cap(times=1, days=30)))
    visitor = owner(house)
    page = visitor.see(f"/campaigns/{LIVE.key}").text
    assert "once a visit, in at most 1 visit within 30 days" in page
    assert "cannot be changed while it runs: it would be another test from then on" in page
    assert 'name="cap.times"' not in page
    refused = visitor.send(f"/campaigns/{LIVE.key}", **{"cap.times": "9", "cap.days": "9"})
    assert refused.status_code == 422
    assert "cannot be changed" in refused.text
    assert house.state.get(Campaign, LIVE.key).cap == Cap(times=1, days=30)


def test_conditions_the_form_cannot_show_stay(house: House) -> None:
    house.state.put(replace(DRAFT, audience={"orders": {"$gte": 2}, "device": {"$in": ["iphone", "tablet"]}}))
    visitor = owner(house)
    visitor.send(f"/campaigns/{DRAFT.key}", **changed(visitor, name="Other"))
    kept = house.state.get(Campaign, DRAFT.key)
    assert kept.audience == {"orders": {"$gte": 2}, "device": {"$in": ["iphone", "tablet"]}}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("headline.a", ""),
        ("href.a", "javascript:alert(1)"),
        ("control", "0"),
        ("control", "lots"),
        ("days.orders", "0"),
        ("format", "wheel"),
        ("then", "never"),
        ("name", ""),
        ("body.a", "x" * 3_000),
        ("cap.times", "2"),
        ("cap.days", "7"),
    ],
)
def test_a_wrong_field_keeps_the_draft_and_says_what_is_wrong(house: House, field: str, text: str) -> None:
    visitor = owner(house)
    page = visitor.send(f"/campaigns/{DRAFT.key}", **(changed(visitor) | {field: text}))
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert house.state.get(Campaign, DRAFT.key) == DRAFT


def test_publishing_can_be_taken_back_for_a_minute(house: House) -> None:
    clock = Clock()
    visitor = owner(house, clock)
    page = visitor.send(f"/campaigns/{DRAFT.key}", publish="1", **changed(visitor))
    assert "It is live" in page.text
    assert 'action="/campaigns/unpublish"' in page.text
    assert house.state.get(Campaign, DRAFT.key).status == "live"
    visitor.send("/campaigns/unpublish", key=DRAFT.key)
    assert house.state.get(Campaign, DRAFT.key).status == "draft"
    visitor.send(f"/campaigns/{DRAFT.key}", publish="1", **changed(visitor))
    clock.now += 61_000_000
    assert visitor.send("/campaigns/unpublish", key=DRAFT.key).status_code == 422
    assert house.state.get(Campaign, DRAFT.key).status == "live"


@pytest.mark.parametrize(
    ("times", "days", "named"),
    [("0", "7", "1 to 100"), ("2", "366", "1 to 365"), ("1.5", "7", "cap.times"), ("2", "-7", "cap.days")],
)
def test_a_cap_that_is_none_is_refused_in_a_sentence(house: House, times: str, days: str, named: str) -> None:
    visitor = owner(house)
    page = visitor.send(f"/campaigns/{DRAFT.key}", **changed(visitor, cap__times=times, cap__days=days))
    assert page.status_code == 422
    assert named in page.text
    assert house.state.get(Campaign, DRAFT.key) == DRAFT


@pytest.mark.parametrize("act", ["stop", "ship"])
def test_stopping_and_shipping_can_be_taken_back_for_a_minute_also_after_a_restart(
    house: House, act: str
) -> None:
    clock = Clock()
    visitor = owner(house, clock)
    assert 'action="/campaigns/resume"' in visitor.send(f"/campaigns/{act}/go", key=LIVE.key).text
    visitor = owner(house, clock)
    visitor.send("/campaigns/resume", key=LIVE.key)
    assert house.state.get(Campaign, LIVE.key) == LIVE
    visitor.send(f"/campaigns/{act}/go", key=LIVE.key)
    clock.now += 61_000_000
    assert visitor.send("/campaigns/resume", key=LIVE.key).status_code == 422
    assert house.state.get(Campaign, LIVE.key).status != "live"


def test_a_live_campaign_is_shipped_or_stopped(house: House) -> None:
    visitor = owner(house)
    assert "Shipped" in visitor.send("/campaigns/ship/go", key=LIVE.key).text
    assert house.state.get(Campaign, LIVE.key).status == "shipped"
    assert "Stopped" in visitor.send("/campaigns/stop/go", key=LIVE.key).text
    assert visitor.send("/campaigns/stop/go", key=LIVE.key).status_code == 422
    assert visitor.send("/campaigns/dance/go", key=LIVE.key).status_code == 422
