"""Source, medium, device and path of an event."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volano.observe.traffic import Traffic, traffic

SHOP = "https://www.shop.example/sale?x=1"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Mobile/15E148 Safari/604"
PIXEL = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537 Chrome/131.0 Mobile Safari/537"
TABLET = "Mozilla/5.0 (Linux; Android 14; SM-X200) AppleWebKit/537 Chrome/131.0 Safari/537"


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"campaign": {"source": " Mail ", "medium": "E-Mail"}}, ("mail", "e-mail")),
        ({"campaign": {"source": "mail"}}, ("mail", "(none)")),
        ({"campaign": {"name": "spring"}}, (None, None)),
        ({"page": {"url": f"{SHOP}&utm_source=tiktok&utm_medium=social"}}, ("tiktok", "social")),
        ({"page": {"search": "?utm_source=News"}}, ("news", "(none)")),
        ({"page": {"url": f"{SHOP}&gclid=abc"}}, ("google", "cpc")),
        ({"page": {"url": f"{SHOP}&utm_medium=email"}}, ("(not set)", "email")),
        (
            {"page": {"url": f"{SHOP}&utm_medium=email", "referrer": "https://b.example/"}},
            ("b.example", "email"),
        ),
        ({"page": {"url": f"{SHOP}&utm_medium=paid&gclid=abc"}}, ("google", "paid")),
        ({"campaign": {"medium": "email"}}, ("(not set)", "email")),
        ({"page": {"url": SHOP, "referrer": "https://blog.shop.example/"}}, (None, None)),
        ({"page": {"url": "https://a.shop.co.uk/", "referrer": "https://shop.co.uk/"}}, (None, None)),
        ({"page": {"url": "https://a.co.uk/", "referrer": "https://b.co.uk/"}}, ("b.co.uk", "referral")),
        (
            {"page": {"url": "https://a.myshopify.com/", "referrer": "https://b.myshopify.com/"}},
            ("b.myshopify.com", "referral"),
        ),
        ({"page": {"url": f"{SHOP}&fbclid=abc"}}, ("facebook", "social")),
        ({"page": {"url": SHOP, "referrer": "https://shop.example/other"}}, (None, None)),
        ({"page": {"url": SHOP, "referrer": "https://www.google.co.uk/"}}, ("google", "organic")),
        ({"page": {"url": SHOP, "referrer": "https://search.brave.com/q"}}, ("brave", "organic")),
        ({"page": {"url": SHOP, "referrer": "https://google.evil.com/"}}, ("google.evil.com", "referral")),
        ({"page": {"url": SHOP, "referrer": "https://l.instagram.com/?u=x"}}, ("instagram", "social")),
        ({"page": {"url": SHOP, "referrer": "https://t.co/abc"}}, ("twitter", "social")),
        ({"page": {"url": SHOP, "referrer": "https://www.blog.example/post"}}, ("blog.example", "referral")),
        ({"referrer": {"url": "android-app://com.instagram.android"}}, ("instagram", "social")),
        ({"page": {"url": SHOP, "referrer": "$direct"}}, (None, None)),
        ({"page": {"url": SHOP, "referrer": ""}}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_the_first_thing_that_tells_of_the_source_counts(
    context: dict[str, Any], expected: tuple[str | None, str | None]
) -> None:
    found = traffic(context)
    assert (found.source, found.medium) == expected


@pytest.mark.parametrize(
    ("context", "device"),
    [
        ({"userAgent": IPHONE}, "iphone"),
        ({"userAgent": PIXEL}, "android"),
        ({"userAgent": PIXEL, "device": {"memory": 2}}, "low-end android"),
        ({"userAgent": PIXEL, "device": {"memory": "1.5"}}, "low-end android"),
        ({"userAgent": PIXEL, "device": {"memory": 8}}, "android"),
        ({"userAgent": TABLET}, "tablet"),
        ({"userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0"}, "desktop"),
        ({"userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, "other"),
        ({"userAgent": "PlayStation"}, "other"),
        ({"userAgent": "analytics-python/2.4.0"}, None),
        ({"userAgentData": {"mobile": True, "platform": "Android"}}, "android"),
        ({"userAgentData": {"mobile": False, "platform": "macOS"}}, "desktop"),
        ({"device": {"type": "ios", "model": "iPhone14,5"}}, "iphone"),
        ({"device": {"type": "ios", "model": "iPad13,4"}}, "tablet"),
        ({"device": {"type": "android", "memory": 1}}, "low-end android"),
        ({"device": {"type": "android", "memory": True}}, "android"),
        ({}, None),
    ],
)
def test_a_device_is_one_of_six(context: dict[str, Any], device: str | None) -> None:
    assert traffic(context).device == device


def test_the_path_comes_from_the_page_or_its_address_and_is_bounded() -> None:
    assert traffic({"page": {"path": "/p/1", "url": SHOP}}).path == "/p/1"
    assert traffic({"page": {"url": SHOP}}).path == "/sale"
    assert traffic({"page": {"url": "https://shop.example"}}).path == "/"
    assert len(traffic({"page": {"path": "/" * 999}}).path or "") == 200


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (
            {"page": {"url": f"{SHOP}&utm_source=Mail&utm_campaign=Spring+Sale&utm_term=Tea"}},
            ("spring sale", "tea"),
        ),
        ({"campaign": {"source": "x", "name": "Spring", "term": "tea"}}, ("spring", "tea")),
        ({"page": {"url": f"{SHOP}&vol_source=print&vol_campaign=flyer"}}, ("flyer", None)),
        (
            {"page": {"url": f"{SHOP}&utm_campaign=spring", "referrer": "https://google.com/"}},
            ("spring", None),
        ),
        ({"page": {"url": SHOP, "referrer": "https://www.bing.com/search?q=green+tea"}}, (None, "green tea")),
        ({"page": {"url": SHOP, "referrer": "https://search.yahoo.com/search?p=tea"}}, (None, "tea")),
        ({"page": {"url": SHOP, "referrer": "https://www.google.com/search?q="}}, (None, None)),
        ({"page": {"url": SHOP, "referrer": "https://blog.example/?q=tea"}}, (None, None)),
    ],
)
def test_campaign_and_keyword_are_told(
    context: dict[str, Any], expected: tuple[str | None, str | None]
) -> None:
    found = traffic(context)
    assert (found.utm_campaign, found.keyword) == expected


@pytest.mark.parametrize(
    ("referrer", "expected"),
    [
        ("https://mail.google.com/mail/u/0", ("gmail", "email")),
        ("https://chatgpt.com/", ("chatgpt", "assistant")),
        ("https://gemini.google.com/app", ("gemini", "assistant")),
        ("https://www.idealo.de/preis/1", ("idealo", "shopping")),
        ("https://www.google.co.jp/", ("google", "organic")),
        ("https://yandex.ru/search", ("yandex", "organic")),
        ("android-app://com.google.android.gm", ("gmail", "email")),
        ("https://www.paypal.com/checkout", (None, None)),
        ("https://checkout.stripe.com/pay", (None, None)),
    ],
)
def test_known_hosts_have_a_name_and_a_medium(referrer: str, expected: tuple[str | None, str | None]) -> None:
    found = traffic({"page": {"url": SHOP, "referrer": referrer}})
    assert (found.source, found.medium) == expected
    assert found.referrer


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("gbraid=1", ("google", "cpc")),
        ("fbclid=1&gclid=2", ("google", "cpc")),
        ("dclid=1", ("google", "display")),
        ("li_fat_id=1", ("linkedin", "cpc")),
        ("epik=1", ("pinterest", "cpc")),
        ("gclid=", (None, None)),
        ("gclid=1&utm_source=news", ("news", "(none)")),
    ],
)
def test_a_click_id_tells_who_sent_the_click(query: str, expected: tuple[str | None, str | None]) -> None:
    found = traffic({"page": {"url": f"{SHOP}&{query}"}})
    assert (found.source, found.medium) == expected


def test_a_shop_may_have_parameters_of_its_own() -> None:
    context = {"page": {"url": f"{SHOP}&from=flyer&how=print"}}
    marks = (("from", "source"), ("how", "medium"))
    assert traffic(context).source is None
    found = traffic(context, marks=marks)
    assert (found.source, found.medium) == ("flyer", "print")


def test_hints_go_before_the_agent_and_the_agent_of_the_request_fills_the_gap() -> None:
    hints = {"platform": "macOS", "mobile": False, "brands": [{"brand": "Not A;Brand"}, {"brand": "Brave"}]}
    found = traffic({"userAgent": PIXEL, "userAgentData": hints})
    assert (found.os, found.browser, found.device) == ("macOS", "Brave", "desktop")
    found = traffic({}, IPHONE, "DE")
    assert (found.os, found.device, found.country) == ("iOS", "iphone", "DE")
    found = traffic({}, "python-requests/2.32")
    assert (found.bot, found.device) == (None, None)
    assert traffic({"userAgent": "python-requests/2.32"}).bot == "script: python-requests"


@pytest.mark.parametrize(
    ("told", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("UTC", "UTC"),
        ("America/Argentina/Salta", "America/Argentina/Salta"),
    ]
    + [(odd, None) for odd in ("CEST", "+02:00", "Europe/Nowhere", "../../etc/passwd", "Europe", "", 7)],
)
def test_only_iana_zones_are_time_zones(told: object, zone: str | None) -> None:
    assert traffic({"timezone": told}).timezone == zone


def test_device_token_language_and_country_are_kept() -> None:
    device = {"id": "d1", "token": "t1", "type": "ios"}
    found = traffic({"device": device, "locale": "pt-BR", "location": {"country": "br"}, "ip": "192.0.2.1"})
    assert (found.device_id, found.push_token, found.language, found.country) == ("d1", "t1", "pt-br", "BR")
    assert traffic({"location": {"country": "Brazil"}}, "", "AR").country == "AR"
    assert traffic({"webdriver": True}).bot == "headless: webdriver"


WORDS = [
    "page",
    "url",
    "path",
    "referrer",
    "search",
    "campaign",
    "source",
    "device",
    "memory",
    "type",
    "os",
    "name",
    "brands",
    "userAgentData",
    "timezone",
    "locale",
    "userAgent",
    "location",
]
LEAVES = st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from([SHOP, "http://[::1", "//x:y"])
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner)
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(WORDS), TREES))
def test_no_context_is_odd_enough_to_raise(context: dict[str, Any]) -> None:
    found = traffic(context)
    assert isinstance(found, Traffic)
    assert found.source is None or 0 < len(found.source) <= 100
