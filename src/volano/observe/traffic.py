"""Where a visit comes from and on what it is made, read from the context of an event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote_plus, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from volano.domain.visit import NONE, UNSET
from volano.observe.agents import NOBODY, agent, library, system
from volano.observe.referrers import ORGANIC, app_sender, sender, site, word_keys

TEXT_LIMIT = 100
PATH_LIMIT = 200
TOKEN_LIMIT = 4096  # characters of a push token
QUERY_LIMIT = 4000  # characters of an address that are looked at
DISTINCT = 8192  # addresses, queries and referrers that are remembered
LOW_MEMORY = 2.0  # GB

# Parameter of an address → what it names. `marks` adds a shop's own.
MARKS: Mapping[str, str] = {
    prefix + word: name
    for prefix in ("utm_", "vol_", "mtm_", "pk_")
    for word, name in (
        ("source", "source"),
        ("medium", "medium"),
        ("campaign", "campaign"),
        ("term", "keyword"),
        ("kwd", "keyword"),
    )
}
_CLICKS = {  # parameter that an advertiser adds to a click → who, and how
    "gclid": ("google", "cpc"),
    "gbraid": ("google", "cpc"),
    "wbraid": ("google", "cpc"),
    "gclsrc": ("google", "cpc"),
    "dclid": ("google", "display"),
    "msclkid": ("bing", "cpc"),
    "yclid": ("yandex", "cpc"),
    "ttclid": ("tiktok", "cpc"),
    "twclid": ("twitter", "cpc"),
    "li_fat_id": ("linkedin", "cpc"),
    "epik": ("pinterest", "cpc"),
    "ScCid": ("snapchat", "cpc"),
    "rdt_cid": ("reddit", "cpc"),
    "qclid": ("quora", "cpc"),
    "vmcid": ("yahoo", "cpc"),
    "dicbo": ("outbrain", "cpc"),
    "tblci": ("taboola", "cpc"),
    "awc": ("awin", "affiliate"),
    "irclickid": ("impact", "affiliate"),
    "cjevent": ("cj", "affiliate"),
    "mc_eid": ("mailchimp", "email"),
    "_kx": ("klaviyo", "email"),
    "fbclid": ("facebook", "social"),  # also on links that nobody paid for: the last to count
    "igshid": ("instagram", "social"),
}
_BRANDS = {
    "Google Chrome": "Chrome",
    "Microsoft Edge": "Edge",
    "Opera": "Opera",
    "Opera GX": "Opera",
    "Brave": "Brave",
    "Vivaldi": "Vivaldi",
    "YaBrowser": "Yandex Browser",
    "Yandex": "Yandex Browser",
    "Samsung Internet": "Samsung Internet",
    "DuckDuckGo": "DuckDuckGo",
    "HeadlessChrome": "HeadlessChrome",
    "Android WebView": "Chrome",
}
_DESKTOP = re.compile(r"Windows NT|Macintosh|X11|CrOS")
_DESKTOPS = {"windows", "macos", "mac os", "mac os x", "linux", "chrome os", "chromeos", "chromium os"}
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_ZONE = re.compile(r"UTC|[A-Z][A-Za-z]+(?:/[A-Za-z0-9_+-]+){1,2}")


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What an event tells of its visit; None where it tells nothing. The names are columns of `events`."""

    source: str | None = None
    medium: str | None = None
    utm_campaign: str | None = None
    keyword: str | None = None
    referrer: str | None = None
    device: str | None = None
    os: str | None = None
    browser: str | None = None
    language: str | None = None
    timezone: str | None = None
    country: str | None = None
    bot: str | None = None
    device_id: str | None = None
    push_token: str | None = None
    path: str | None = None


class _Address(NamedTuple):
    host: str = ""
    path: str = ""
    query: str = ""
    scheme: str = ""


class _Campaign(NamedTuple):
    source: str | None = None
    medium: str | None = None
    name: str | None = None
    keyword: str | None = None


class _Sent(NamedTuple):
    source: str | None = None
    medium: str | None = None
    keyword: str | None = None
    host: str | None = None


class _Machine(NamedTuple):
    device: str | None
    os: str | None
    browser: str | None
    bot: str | None


_NOWHERE, _NO_CAMPAIGN, _NOT_SENT = _Address(), _Campaign(), _Sent()
_NOTHING: Mapping[str, Any] = {}


def traffic(
    context: Mapping[str, Any],
    asked_by: str = "",
    asked_from: str = "",
    *,
    marks: tuple[tuple[str, str], ...] = (),
) -> Traffic:
    """All that the context of an event tells (Segment's spec); odd types tell nothing.

    Of source and medium the first that tells counts: `campaign`, the campaign parameters and click ids of
    the page's address, the referrer. A referrer of the site of the page tells nothing. A medium that is told
    without a source counts before that of a click or a referrer. `asked_by` is the
    user agent of the request, for events that do not tell theirs, and `asked_from` its country. `marks` are
    (parameter of an address, what it names: source, medium, campaign or keyword) beside those of `MARKS`.

    >>> found = traffic({"campaign": {"source": "Mail", "medium": "newsletter"}, "page": {"path": "/sale"}})
    >>> found.source, found.medium, found.path
    ('mail', 'newsletter', '/sale')
    """
    page, device = _object(context, "page"), _object(context, "device")
    url = _address(_text(page, "url"))
    campaign, sent = _came(context, page, url, marks)
    machine = _machine_of(context, device, asked_by)
    return Traffic(
        source=campaign.source or sent.source or (UNSET if campaign.medium else None),
        medium=campaign.medium or sent.medium,
        utm_campaign=campaign.name,
        keyword=campaign.keyword or sent.keyword,
        referrer=sent.host,
        device=machine.device,
        os=machine.os,
        browser=machine.browser,
        language=_language(_text(context, "locale")),
        timezone=_zone(_text(context, "timezone")),
        country=_country(_object(context, "location").get("country")) or asked_from or None,
        bot="headless: webdriver" if context.get("webdriver") is True else machine.bot,
        device_id=_text(device, "id")[:PATH_LIMIT] or None,
        push_token=_text(device, "token")[:TOKEN_LIMIT] or None,
        path=(_text(page, "path") or url.path)[:PATH_LIMIT] or None,
    )


def _came(
    context: Mapping[str, Any], page: Mapping[str, Any], url: _Address, marks: tuple[tuple[str, str], ...]
) -> tuple[_Campaign, _Sent]:
    query = _text(page, "search") or url.query
    marked = _of_query(query[:QUERY_LIMIT], marks) if query else _NO_CAMPAIGN
    told = _object(context, "campaign")
    if told:
        marked = _of_campaign(told, marked)
    referrer = _text(page, "referrer") or _text(_object(context, "referrer"), "url")
    return marked, _of_referrer(referrer[:QUERY_LIMIT], url.host) if referrer else _NOT_SENT


def _of_campaign(told: Mapping[str, Any], marked: _Campaign) -> _Campaign:
    source, medium = _clean(_text(told, "source")), _clean(_text(told, "medium"))
    return _Campaign(
        source=source or marked.source,
        medium=medium or (NONE if source else marked.medium),
        name=_clean(_text(told, "name")) or marked.name,
        keyword=_clean(_text(told, "term")) or marked.keyword,
    )


@lru_cache(maxsize=DISTINCT)
def _of_query(query: str, marks: tuple[tuple[str, str], ...]) -> _Campaign:
    names = {**MARKS, **dict(marks)} if marks else MARKS
    found: dict[str, str] = {}
    click: tuple[str, str] | None = None
    for part in query.removeprefix("?").split("&"):
        key, _, value = part.partition("=")
        if key in names and names[key] not in found:
            found[names[key]] = _clean(unquote_plus(value))
        elif key in _CLICKS and value and (click is None or click[1] == "social"):
            click = _CLICKS[key]
    source, medium = found.get("source") or None, found.get("medium") or None
    if source is not None:
        medium = medium or NONE
    elif click is not None:
        source, medium = click[0], medium or click[1]
    return _Campaign(source, medium, found.get("campaign") or None, found.get("keyword") or None)


@lru_cache(maxsize=DISTINCT)
def _of_referrer(referrer: str, own_host: str) -> _Sent:
    url = _address(referrer)
    if not url.host or site(url.host) == site(own_host):
        return _NOT_SENT
    host = url.host[:TEXT_LIMIT]
    if url.scheme == "android-app":
        return _Sent(*app_sender(host), None, host)
    source, medium = sender(host) or (None, None)
    words = _searched(url.query, word_keys(source)) if source and medium == ORGANIC else None
    return _Sent(source, medium, words, host)


def _searched(query: str, keys: tuple[str, ...]) -> str | None:
    parts = (part.partition("=") for part in query.split("&"))
    told = (_clean(unquote_plus(value)) for key, _, value in parts if key in keys)
    return next((words for words in told if words), None)


def _machine_of(context: Mapping[str, Any], device: Mapping[str, Any], asked_by: str) -> _Machine:
    hints, own = _object(context, "userAgentData"), _text(context, "userAgent")
    machine = _machine(
        (_text(device, "type"), _text(device, "model"), _text(_object(context, "os"), "name")),
        (_text(hints, "platform"), hints.get("mobile") is not False),
        _brand(hints) or _text(_object(context, "browser"), "name"),
        own or asked_by,
        bool(own),
    )
    if machine.device == "android" or (machine.device == "tablet" and "Android" in own):
        memory = _number(device.get("memory"))
        if 0 < memory <= LOW_MEMORY:
            return machine._replace(device="low-end android")
    return machine


@lru_cache(maxsize=2 * DISTINCT)
def _machine(
    told: tuple[str, str, str], hints: tuple[str, bool], browser: str, user_agent: str, own: bool
) -> _Machine:
    """Device, system, browser and bot; `told` are type, model and system, `own`: the event told the agent."""
    kind, model, name = told
    platform, mobile = hints
    known = agent(user_agent) if own or not library(user_agent) else NOBODY
    device = (
        _of_words(kind.lower(), model)
        or _of_words(name.lower(), model)
        or _of_platform(platform.lower(), mobile=mobile)
        or _of_agent(user_agent, bot=known.bot is not None)
    )
    headless = browser == "HeadlessChrome"
    return _Machine(
        device=device,
        os=system(name) or system(platform if platform != "Unknown" else "") or known.os,
        browser=("Chrome" if headless else browser[:TEXT_LIMIT]) or known.browser,
        bot=known.bot or ("headless: HeadlessChrome" if headless else None),
    )


def _brand(hints: Mapping[str, Any]) -> str:
    """The browser that the hints name; "" when they do not."""
    brands = hints.get("brands")
    for one in brands if isinstance(brands, list) else ():
        named = one.get("brand") if isinstance(one, dict) else None
        if isinstance(named, str) and named in _BRANDS:
            return _BRANDS[named]
    return ""


def _of_words(word: str, model: str) -> str | None:
    if word in ("ios", "ipados", "iphone", "iphone os"):
        return "tablet" if word == "ipados" or model.lower().startswith("ipad") else "iphone"
    if word in ("android", "tablet", "desktop", "low-end android"):
        return word
    return "desktop" if word in _DESKTOPS else None


def _of_platform(platform: str, *, mobile: bool) -> str | None:
    if platform == "android":
        return "android" if mobile else "tablet"
    return "desktop" if platform in _DESKTOPS else None


def _of_agent(text: str, *, bot: bool) -> str | None:
    if not text or library(text):
        return None
    if bot and not _DESKTOP.search(text):
        return "other"
    if "iPhone" in text or "iPod" in text:
        return "iphone"
    if "Android" in text:
        return "android" if "Mobile" in text else "tablet"
    if "iPad" in text or "Tablet" in text:
        return "tablet"
    return "desktop" if _DESKTOP.search(text) else "other"


@lru_cache(maxsize=DISTINCT)
def _address(text: str) -> _Address:
    if not text:
        return _NOWHERE
    try:
        url = urlsplit(text[:QUERY_LIMIT])
        host = (url.hostname or "").removeprefix("www.")
    except ValueError:
        return _NOWHERE
    path = (url.path or "/") if url.netloc else ""
    return _Address(host, path, url.query, url.scheme)


@lru_cache(maxsize=1024)
def _language(text: str) -> str | None:
    """BCP 47 in lower case; None for what is no language.

    >>> _language("de_DE"), _language("en-US"), _language("C.UTF-8")
    ('de-de', 'en-us', None)
    """
    bare = text.strip().partition(".")[0]
    return bare.replace("_", "-").lower() if text != "C" and _LOCALE.fullmatch(bare) else None


@lru_cache(maxsize=1024)
def _zone(text: str) -> str | None:
    """The IANA zone, None for what is none: offsets and abbreviations are not."""
    if not _ZONE.fullmatch(text) or len(text) > TEXT_LIMIT:
        return None
    try:
        return ZoneInfo(text).key
    except (KeyError, ValueError, OSError):
        return None


def _country(told: Any) -> str | None:
    if isinstance(told, str) and len(told) == 2 and told.isascii() and told.isalpha():
        return told.upper()
    return None


def _object(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = found.get(key)
    return value if isinstance(value, dict) else _NOTHING  # an abstract type would cost three times as much


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""


def _clean(text: str) -> str:
    return text.strip().lower()[:TEXT_LIMIT]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return 0.0
    try:
        return float(value)
    except (ValueError, OverflowError):
        return 0.0
