"""What the tag tells and asks, in a real browser under a CSP that forbids everything inline."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.act.campaigns import CONTENT, always, campaign
from tests.browser.shop import Shop
from tests.browser.visitor import GO, escape, loaded, until, visit
from volano.act.assign import variant
from volano.domain.campaign import Arm, Trigger
from volano.domain.event import EXPERIMENT_VIEWED
from volano.maths.hashing import VARIANT_SEED, murmur

pytestmark = pytest.mark.browser


def test_the_tag_needs_nothing_that_a_strict_csp_forbids(shop: Shop, page: Page) -> None:
    visit(shop, page, campaign(arms=always("a")), campaign(key="bar", format="bar", arms=always("a")))
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator("volano-bar section")).to_be_visible()
    assert page.locator("volano-bar section").evaluate("bar => getComputedStyle(bar).position") == "fixed"
    assert page.evaluate("violations") == []


def test_what_the_page_says_is_sent_in_order_with_where_the_visit_came_from(shop: Shop, page: Page) -> None:
    page.goto(shop.url + "/pages/shop.html?utm_source=instagram&utm_medium=social&utm_campaign=may&gclid=g")
    loaded(page)
    page.click("#next")
    page.wait_for_url("**?next")
    loaded(page)
    page.evaluate("() => { volano.identify(42, {plan: 'gold'}); volano.push(['track', 'Late Bird']) }")
    page.evaluate(GO)
    until(lambda: "Late Bird" in shop.names())
    shown = ["page", "Product Viewed", "Early Bird"]
    assert shop.names() == [*shown, *shown, "identify", "Late Bird"]
    events = shop.events()
    assert len({event["timestamp"] for event in events}) == len(events)
    assert events[1]["properties"] == {"product_id": "p1", "price": "9.90", "order_id": "o7"}
    assert len({event["anonymousId"] for event in events}) == 1
    assert events[-1]["userId"] == 42
    for event in events:
        assert event["context"]["campaign"] == {"source": "instagram", "medium": "social", "name": "may"}
        assert event["context"]["session"] == {"landing": "/pages/shop.html", "visits": 1}
        assert "gclid=g" in event["context"]["page"]["search"]
        assert event["context"]["userAgent"]
    assert not [frame for _, frame in shop.journal.read(0, 100) if b"malformed" in (frame or b"")]


def test_a_route_of_a_single_page_shop_is_a_page(shop: Shop, page: Page) -> None:
    seen = campaign(arms=always("a"), audience={"path": "/basket"}, trigger=Trigger(on="Page Viewed"))
    visit(shop, page, seen)
    with page.expect_response("**/v1/decide"):
        page.evaluate(
            "() => { history.pushState({}, '', '/basket'); history.replaceState({}, '', '/basket#x') }"
        )
    expect(page.get_by_role("dialog")).to_be_visible()
    escape(page)
    page.evaluate("history.back()")
    page.wait_for_url("**/shop.html")
    page.evaluate(GO)
    until(lambda: shop.names().count("page") == 3)
    paths = [event["context"]["page"]["path"] for event in shop.events() if event["type"] == "page"]
    assert paths == ["/pages/shop.html", "/basket", "/pages/shop.html"]


def test_a_new_visit_begins_after_half_an_hour(shop: Shop, page: Page) -> None:
    visit(shop, page)
    page.evaluate(
        "() => { const known = JSON.parse(localStorage.volano); known.at -= 18e5;"
        " localStorage.volano = JSON.stringify(known) }"
    )
    visit(shop, page, path="/pages/shop.html?utm_source=mail")
    page.evaluate(GO)
    until(lambda: shop.names().count("page") == 2)
    last = shop.events()[-1]["context"]
    assert (last["session"]["visits"], last["campaign"]) == (2, {"source": "mail"})


def test_privacy_control_and_no_consent_send_and_keep_nothing(shop: Shop, browser: Browser) -> None:
    shop.state.put(campaign(arms=always("a")))
    context = browser.new_context()
    page = context.new_page()
    page.goto(shop.url + "/pages/refused.html")
    page.evaluate("() => { volano.track('x'); volano.identify('me'); volano.page() }")
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    page.goto(shop.url + "/pages/shop.html")
    loaded(page)
    page.click("#add")
    page.evaluate(GO)
    page.wait_for_timeout(300)
    assert shop.requests == []
    assert page.evaluate("localStorage.length") == 0
    context.close()


def test_who_allows_no_storage_is_counted_but_in_no_experiment(shop: Shop, page: Page) -> None:
    shop.state.put(campaign(arms=always("a")))
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no') }})"
    )
    page.goto(shop.url + "/pages/shop.html")
    loaded(page)
    page.evaluate(GO)
    until(lambda: "page" in shop.names())
    assert len({event["anonymousId"] for event in shop.events()}) == 1
    assert [path for path, _ in shop.requests if path == "/v1/decide"] == []


def test_a_broken_memory_is_begun_anew(shop: Shop, page: Page) -> None:
    page.add_init_script(
        "localStorage.volano = localStorage.volano?.startsWith('{') ? localStorage.volano : '7'"
    )
    visit(shop, page, campaign(arms=always("a")))
    expect(page.get_by_role("dialog")).to_be_visible()


def test_events_are_kept_while_nobody_answers_and_the_page_lives_on(shop: Shop, page: Page) -> None:
    shop.down = True
    shop.state.put(campaign(arms=always("a")))
    page.goto(shop.url + "/pages/shop.html")
    loaded(page)
    page.evaluate("() => { for (let n = 0; n < 100; n++) volano.track('Busy', {n}) }")
    until(lambda: len([path for path, _ in shop.requests if path == "/v1/b"]) >= 5)
    page.wait_for_timeout(200)
    shop.requests.clear()
    shop.down = False
    page.evaluate(GO)
    until(lambda: len(shop.told("Busy")) == 80)
    assert max(told["n"] for told in shop.told("Busy")) == 99


def test_the_tag_draws_the_arm_itself_when_the_answer_names_none(shop: Shop, page: Page) -> None:
    arms = tuple(
        Arm(key=key, weight=weight, content=CONTENT)
        for key, weight in zip("abc", (0.2, 0.3, 0.5), strict=True)
    )
    live = [campaign(key=f"c{n}", format="bar", arms=arms, coverage=0.7) for n in range(40)]

    def without_arm(route: Any) -> None:
        answer = route.fetch()
        found = answer.json()
        pieces = [
            {"campaign": one.key, "salt": one.salt, "coverage": one.coverage, "round": 1, "format": one.key}
            | {"trigger": {"on": "Page Viewed", "then": "now"}}
            | {"arms": [{"key": arm.key, "weight": arm.weight} for arm in arms]}
            for one in live
        ]
        route.fulfill(response=answer, json=found | {"campaigns": pieces})

    page.route("**/v1/decide", without_arm)
    visit(shop, page)
    page.evaluate(GO)
    identity = page.evaluate("JSON.parse(localStorage.volano).id")
    expected = {one.key: variant(one, identity) for one in live if variant(one, identity)}
    until(lambda: len(shop.told(EXPERIMENT_VIEWED)) >= len(expected))
    assert {told["experiment_id"]: told["variation_id"] for told in shop.told(EXPERIMENT_VIEWED)} == expected


def test_the_hash_of_the_tag_is_that_of_the_house(shop: Shop, page: Page) -> None:
    page.goto(shop.url + "/pages/preview.html")
    draw = random.Random(5)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789-:._é가😀नमस्ते\u0000"
    keys = ["", "a", "ab", "abc", "abcd", "exp-1:😀", *(f"exp-1:user-{n}" for n in range(30_000))]
    keys += ["".join(draw.choices(letters, k=draw.randrange(40))) for _ in range(68_000 - len(keys))]
    for seed in (0, VARIANT_SEED):
        found = page.evaluate(
            "([keys, seed]) => JSON.parse(keys).map(key => volano.hash(key, seed)).join()",
            [json.dumps(keys), seed],
        )
        assert found == ",".join(str(murmur(key, seed)) for key in keys)
