"""What the tag shows, when, and what it tells of it, in a real browser."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.act.campaigns import always, campaign
from tests.browser.shop import Shop
from tests.browser.visitor import GO, LEAVE, escape, until, visit
from volano.domain.campaign import CONTROL, Campaign, Trigger
from volano.domain.event import CAMPAIGN_CLICKED, CAMPAIGN_CLOSED, EXPERIMENT_VIEWED
from volano.domain.idea import Content

pytestmark = pytest.mark.browser


def test_a_popup_is_shown_at_its_moment_and_every_step_is_told(shop: Shop, page: Page) -> None:
    visit(shop, page, campaign(arms=always("a")))
    dialog = page.get_by_role("dialog", name="10 % off")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_text("Today only.")).to_be_visible()
    dialog.get_by_role("button", name="Use the code").click()
    expect(dialog).to_have_count(0)
    until(lambda: CAMPAIGN_CLOSED in shop.names())
    told = {"experiment_id": "ten-off", "variation_id": "a", "round": 1}
    assert [shop.told(name) for name in (EXPERIMENT_VIEWED, CAMPAIGN_CLICKED, CAMPAIGN_CLOSED)] == [
        [told]
    ] * 3


def test_control_shows_nothing_but_tells_its_moment_once(shop: Shop, page: Page) -> None:
    visit(shop, page, campaign(arms=always(CONTROL)))
    until(lambda: shop.told(EXPERIMENT_VIEWED))
    page.reload()
    page.evaluate(GO)
    until(lambda: shop.names().count("page") == 2)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert shop.told(EXPERIMENT_VIEWED) == [{"experiment_id": "ten-off", "variation_id": CONTROL, "round": 1}]


def test_a_popup_waits_for_its_event_and_is_not_shown_twice_in_a_visit(shop: Shop, page: Page) -> None:
    visit(shop, page, campaign(arms=always("a"), trigger=Trigger(on="Product Added")))
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.click("#add b")
    escape(page)
    until(lambda: shop.told(CAMPAIGN_CLOSED))
    visit(shop, page)
    page.click("#add")
    page.evaluate(GO)
    until(lambda: shop.names().count("Product Added") == 2)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert len(shop.told(EXPERIMENT_VIEWED)) == 1


def test_a_bar_takes_no_focus_moves_nothing_and_closes_with_escape(shop: Shop, page: Page) -> None:
    visit(shop, page, campaign(format="bar", arms=always("a")))
    bar = page.get_by_role("region", name="10 % off")
    expect(bar).to_be_visible()
    assert page.evaluate("document.activeElement == document.body")
    box = bar.get_by_role("button", name="Close").bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 44
    bar.get_by_role("button", name="Close").press("Escape")
    expect(bar).to_have_count(0)
    until(lambda: shop.told(CAMPAIGN_CLOSED))
    assert page.evaluate("moved") == 0


def test_leaving_through_the_top_is_the_moment_of_an_exit_popup(shop: Shop, page: Page) -> None:
    visit(shop, page, campaign(arms=always("a"), trigger=Trigger(on="Page Viewed", then="exit")))
    page.mouse.move(10, 10)
    page.evaluate(LEAVE.replace("-1", "5"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.evaluate(LEAVE)
    expect(page.get_by_role("dialog")).to_be_visible()


def test_on_a_phone_a_fast_way_back_up_is_the_moment_of_an_exit_popup(shop: Shop, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    page = context.new_page()
    visit(shop, page, campaign(arms=always("a"), trigger=Trigger(on="Page Viewed", then="exit")))
    for y in (600, 1200, 1800):
        page.evaluate(f"scrollTo(0, {y})")
        page.wait_for_timeout(100)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.evaluate("scrollTo(0, 300)")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    box = dialog.bounding_box()
    assert box
    assert box["height"] <= 0.6 * 640
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


def test_scrolling_far_enough_and_waiting_long_enough_are_moments(shop: Shop, page: Page) -> None:
    far = campaign(arms=always("a"), trigger=Trigger(on="Page Viewed", then="scroll", value=60))
    late = campaign(
        key="late", arms=always("a"), trigger=Trigger(on="Page Viewed", then="seconds", value=0.3)
    )
    visit(shop, page, far, campaign(key="never", trigger=Trigger(on="No Such Event")))
    page.evaluate("scrollTo(0, 400)")
    page.wait_for_timeout(100)
    assert shop.told(EXPERIMENT_VIEWED) == []
    page.evaluate("scrollTo(0, 3000)")
    until(lambda: shop.told(EXPERIMENT_VIEWED))
    escape(page)
    shop.state.drop(Campaign, far.key)
    time.sleep(1)
    visit(shop, page, late)
    until(lambda: len(shop.told(EXPERIMENT_VIEWED)) == 2)
    assert shop.told(EXPERIMENT_VIEWED)[1]["experiment_id"] == "late"


def test_one_overlay_at_a_time(shop: Shop, page: Page) -> None:
    visit(shop, page, campaign(key="a", arms=always("a")), campaign(key="b", arms=always("a")))
    expect(page.get_by_role("dialog")).to_have_count(1)
    page.wait_for_timeout(700)
    expect(page.get_by_role("dialog")).to_have_count(1)
    assert len(shop.told(EXPERIMENT_VIEWED)) == 1
    escape(page)
    until(lambda: len(shop.told(EXPERIMENT_VIEWED)) == 2)
    expect(page.get_by_role("dialog")).to_have_count(1)


def test_markup_in_texts_is_text_and_a_script_is_no_address(shop: Shop, page: Page) -> None:
    evil = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    content = Content(
        headline=evil, body=evil, button=evil, href="javascript:document.title='owned'", coupon=evil
    )
    visit(shop, page, campaign(arms=always("a", content)))
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text(evil)
    assert dialog.locator("a, img, script").count() == 0
    dialog.locator(".go").click()
    assert page.title() == "Shop"


@pytest.mark.parametrize(
    ("href", "address"),
    [("/sale", "{shop}/sale"), ("sale", "{shop}/pages/sale"), ("https://x.example/", "https://x.example/")],
)
def test_an_address_is_a_link(shop: Shop, page: Page, href: str, address: str) -> None:
    visit(shop, page, campaign(arms=always("a", Content(headline="Look", button="Go", href=href))))
    link = page.get_by_role("link", name="Go")
    assert link.evaluate("link => link.href") == address.format(shop=shop.url)


@pytest.mark.parametrize("href", ["data:text/html,x", "vbscript:x", "http://[", "\tjava\nscript:x", "blob:x"])
def test_other_schemes_are_refused(shop: Shop, page: Page, href: str) -> None:
    visit(shop, page, campaign(arms=always("a", Content(headline="Look", button="Go", href=href))))
    expect(page.get_by_role("button", name="Go")).to_be_visible()
    assert page.get_by_role("link", name="Go").count() == 0


def test_a_click_on_a_link_is_told_though_the_page_goes(shop: Shop, page: Page) -> None:
    visit(shop, page, campaign(format="bar", arms=always("a", Content(headline="L", button="Go", href="/x"))))
    page.get_by_role("link", name="Go").click()
    page.wait_for_url("**/x")
    until(lambda: shop.told(CAMPAIGN_CLICKED))


def test_an_answer_to_a_survey_is_told_and_thanked_for(shop: Shop, page: Page) -> None:
    survey = Content(headline="What keeps you?", choices=("The price", "<b>Delivery</b>"))
    visit(shop, page, campaign(arms=always("a", survey)))
    page.get_by_role("button", name="<b>Delivery</b>").click()
    expect(page.get_by_role("status")).to_have_text("Thank you!")
    expect(page.get_by_role("button", name="The price")).to_have_count(0)
    until(lambda: shop.told(CAMPAIGN_CLICKED))
    assert shop.told(CAMPAIGN_CLICKED)[0]["choice"] == "<b>Delivery</b>"


def test_a_coupon_can_be_copied(shop: Shop, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit(shop, page, campaign(arms=always("a")))
    page.get_by_role("button", name="Copy TEN").click()
    expect(page.get_by_role("button", name="✓ TEN")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "TEN"


def test_a_campaign_that_is_broken_harms_no_other(shop: Shop, page: Page) -> None:
    def broken_first(route: Any) -> None:
        answer = route.fetch()
        found = answer.json()
        broken = [None, {}, found["campaigns"][0] | {"salt": "x", "format": "bar", "arms": 7}]
        route.fulfill(response=answer, json=found | {"campaigns": broken + found["campaigns"]})

    page.route("**/v1/decide", broken_first)
    visit(shop, page, campaign(arms=always("a")))
    expect(page.get_by_role("dialog")).to_be_visible()


def test_the_preview_is_the_real_thing_but_tells_nobody(shop: Shop, page: Page) -> None:
    shop.state.put(campaign(arms=always("a")))
    page.goto(shop.url + "/pages/preview.html")
    content = {"headline": "Hello", "body": "World", "button": "Go", "href": "/x", "coupon": "TEN"}
    for turn in range(2):
        for format_ in ("popup", "bar"):
            page.evaluate(
                "([id, campaign]) => volano.preview(document.getElementById(id), campaign)",
                [format_, {"format": format_, "content": content | {"headline": f"Hello {turn}"}}],
            )
    for format_ in ("popup", "bar"):
        expect(page.locator(f"#{format_} h2")).to_have_text("Hello 1")
        box, place = (
            page.locator(f"#{format_} .here").bounding_box(),
            page.locator(f"#{format_}").bounding_box(),
        )
        assert box
        assert place
        assert place["x"] <= box["x"]
        assert place["height"] >= box["height"] > 40
    page.evaluate(GO)
    assert shop.requests == []
    assert page.evaluate("localStorage.length") == 0
