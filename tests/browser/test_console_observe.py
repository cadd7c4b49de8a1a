"""People, segments, Live and sources in a real browser: how they look, and what follows while one types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from msgspec import Struct
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, expect

from tests.browser.console import MODES, PRIMARY, looked_over, served, sign_in
from tests.flow.site import event
from tests.web.known import ANN, NASTY, ann, begun, came_to, frame, many, purchases, refused
from tests.web.shop import NOW
from volano.domain.account import Source
from volano.domain.change import Change, Key
from volano.domain.hook import Call, DeadCall, Hook, Said, Standing
from volano.domain.identity import Kin
from volano.domain.segment import Segment
from volano.flow.calls import number_of
from volano.web.app import App

pytestmark = pytest.mark.browser

PATHS = (
    "/",
    "/more",
    "/people",
    "/people?q=nobody",
    f"/people/{ANN}",
    "/segments",
    "/segments/-",
    "/segments/lapsing",
    "/segments/keen",
    "/segments/moves",
    "/segments/moves/people?from=no%20order&to=new",
    "/people/crowded",
    "/live",
    "/live?refused=1",
    "/sources",
    "/sources/web",
    "/sources/web/event?event=purchase",
    f"/sources/web/event?event={quote(NASTY)}",
    "/settings",
    "/settings/hooks",
)
KEEN = Segment(
    key="keen",
    name="Keen",
    rule={"$did": {"event": "Order Completed", "since": "2025-10-01", "sum": {"of": "revenue", "$gte": 20}}},
)

HOOKS = (
    Hook(
        key="crm",
        name="CRM",
        url="https://crm.example/hooks/volano?account=4711&region=eu-central-1",
        made_at=NOW,
    ),
    Hook(key="off", name=NASTY, url="https://mail.example/", segments=("lapsing", "keen"), off_at=NOW),
)


def waiting() -> tuple[tuple[Key, Struct], ...]:
    """Calls that wait for the first of them, which fails, and one that was given up."""
    which, call = number_of("crm"), {"hook": "crm", "person_id": ANN, "segment": "keen", "entered": True}
    told: dict[str, Any] = {**call, "at": NOW, "since": NOW}
    said = (
        Said(at=NOW, status=500, words="it answered 500"),
        Said(at=NOW, status=204, words="it answered 204"),
    )
    failing = Standing(failures=3, failing_since=NOW, next_at=NOW, delivered=7, last=said)
    return (
        (which, failing),
        ((which, 1), Call(**told, id="crm_1")),
        ((which, 0), DeadCall(**told, id="crm_0")),
    )


@pytest.fixture
def app() -> App:
    """The edge of a house that has begun to observe."""
    context = {"device": {"id": "d1", "type": "android", "token": "t1"}}
    phone = frame(event("Application Opened", user="ann", time=NOW, context=context))
    made = begun(ann(), phone, purchases(), many(30), refused())
    house = made.turning._house
    house.state.put(Source(key="app", name="App", write_key="wk_other"), KEEN)
    house.state.put(*HOOKS)
    house.profiles.put(Change(puts=waiting()))
    kin = house.profiles.get(Kin, ANN)
    assert kin is not None
    house.profiles.put(Change(puts=((ANN, replace(kin, crowded=True)),)))
    return made


@pytest.fixture
def address(app: App) -> Iterator[str]:
    """Where its console answers."""
    with served(app) as found:
        yield found


@pytest.mark.parametrize(("width", "scheme"), MODES)
def test_no_page_scrolls_sideways_and_words_and_buttons_can_be_seen_and_hit(
    browser: Browser, address: str, width: int, scheme: str
) -> None:
    looked_over(browser, address, PATHS, width=width, scheme=scheme)


def test_a_page_has_one_button_that_stands_out(page: Page, address: str) -> None:
    sign_in(page, address)
    for path in PATHS:
        page.goto(address + path)
        assert page.evaluate(PRIMARY) <= 1, path


def test_the_size_of_a_segment_follows_while_it_is_built(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(f"{address}/segments/-")
    size = page.locator("#size")
    expect(size).to_contain_text("1 person fits")
    value = page.get_by_label("Value", exact=True)
    value.fill("0")
    expect(size).to_contain_text("100 %")
    expect(page.locator("#said")).to_contain_text("people fit")
    expect(value).to_be_focused()
    value.fill("many")
    expect(size).to_contain_text("Not complete yet")


def test_rows_come_and_go_without_a_reload_and_focus_goes_with_them(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(f"{address}/segments/-")
    page.evaluate("window.here = true")
    page.get_by_label("Name").fill("Ours")
    page.get_by_role("button", name="+ What they did").click()
    event_ = page.get_by_label("Event", exact=True)
    expect(event_).to_be_focused()
    event_.fill("purchase")
    expect(page.locator("#size")).to_contain_text("0 people fit")
    page.get_by_label("One is enough").check()
    expect(page.locator("#size")).to_contain_text("13 people fit")

    page.get_by_label("What is known of them").select_option("device")
    expect(page.get_by_label("What is known of them")).to_be_focused()
    expect(page.get_by_label("How it is compared")).to_contain_text("begins with")
    page.get_by_label("How it is compared").select_option("$exists")
    expect(page.get_by_label("Value", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Take away").first.click()
    expect(page.locator("fieldset.cond")).to_have_count(1)
    expect(page.get_by_role("button", name="+ What is known")).to_be_focused()
    assert page.evaluate("window.here")
    page.get_by_label("Name").press("Enter")
    expect(page).to_have_url(f"{address}/segments/ours")


def test_the_builder_works_without_javascript(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, address)
    page.goto(f"{address}/segments/-")
    page.get_by_label("Name").fill("Ours")
    page.get_by_role("button", name="+ What they did").click()
    page.get_by_label("Event", exact=True).fill("purchase")
    page.get_by_role("button", name="Take away").first.click()
    page.get_by_role("button", name="Save the segment").click()
    expect(page).to_have_url(f"{address}/segments/ours")
    expect(page.get_by_role("heading", name="12 people fit")).to_be_visible()
    context.close()


def test_live_shows_what_arrives_without_a_reload(page: Page, address: str, app: App) -> None:
    page.clock.install()
    sign_in(page, address)
    page.goto(f"{address}/live")
    page.evaluate("window.here = true")
    came_to(app, frame(event("Brand new", user="x", time=NOW)))
    page.clock.run_for(1_100)
    expect(page.get_by_text("Brand new")).to_be_visible()
    assert page.evaluate("window.here")


def test_a_picture_of_the_week_is_told_in_words_too(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(f"{address}/people/{ANN}")
    expect(page.get_by_role("img", name="Most often on")).to_be_visible()
    page.get_by_text("Show as table").click()
    expect(page.get_by_role("region", name="Events by day and part of the day")).to_contain_text("Mon")
