"""Where a visit comes from and on what it is made, read from the context of an event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

TEXT_LIMIT = 100
PATH_LIMIT = 200
QUERY_LIMIT = 4000  # characters of an address that are looked at
LOW_MEMORY = 2.0  # GB
NONE = "(none)"

_ENGINES = re.compile(
    r"^(?:www\.|search\.|r\.|m\.|cn\.|[a-z]{2}\.)*"
    r"(google|bing|duckduckgo|ecosia|qwant|startpage|baidu|naver|seznam|yandex|yahoo|brave)\.[a-z]{2,4}(?:\.[a-z]{2})?$"
)
_SOCIAL = {
    "facebook.com": "facebook",
    "fb.com": "facebook",
    "messenger.com": "facebook",
    "instagram.com": "instagram",
    "tiktok.com": "tiktok",
    "pinterest.com": "pinterest",
    "t.co": "twitter",
    "twitter.com": "twitter",
    "x.com": "twitter",
    "linkedin.com": "linkedin",
    "lnkd.in": "linkedin",
    "reddit.com": "reddit",
    "youtube.com": "youtube",
    "youtu.be": "youtube",
    "snapchat.com": "snapchat",
    "vk.com": "vk",
    "t.me": "telegram",
    "whatsapp.com": "whatsapp",
    "threads.net": "threads",
    "threads.com": "threads",
}
_APPS = {
    "com.google.android.googlequicksearchbox": ("google", "organic"),
    "com.instagram.android": ("instagram", "social"),
    "com.facebook.katana": ("facebook", "social"),
}
_CLICKS = (
    ("gclid", ("google", "cpc")),
    ("msclkid", ("bing", "cpc")),
    ("fbclid", ("facebook", "social")),
    ("ttclid", ("tiktok", "social")),
)
_BOT = re.compile(r"bot\b|crawler|spider|slurp|facebookexternalhit|lighthouse", re.IGNORECASE)
_SERVER = re.compile(r"^(?:analytics-|python|node|axios|curl|okhttp|java|go-http|ruby|php)", re.IGNORECASE)
_DESKTOP = re.compile(r"Windows NT|Macintosh|X11|CrOS")
_DESKTOPS = {"windows", "macos", "mac os", "mac os x", "linux", "chrome os", "chromeos", "chromium os"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What an event tells of its visit; None where it tells nothing."""

    source: str | None = None
    medium: str | None = None
    device: str | None = None
    path: str | None = None


def traffic(context: Mapping[str, Any]) -> Traffic:
    """Source and medium, device and path of an event's context (Segment's spec); odd types tell nothing.

    The first that tells counts: `campaign`, the UTM and click ids of the page's address, the referrer.
    A referrer with the host of the page tells nothing.

    >>> traffic({"campaign": {"source": "Mail", "medium": "newsletter"}, "page": {"path": "/sale"}})
    Traffic(source='mail', medium='newsletter', device=None, path='/sale')
    """
    page = _object(context, "page")
    url = _address(_text(page, "url"))
    source, medium = _told(context, page, url) or (None, None)
    return Traffic(source=source, medium=medium, device=_device(context), path=_path(page, url))


def _told(
    context: Mapping[str, Any], page: Mapping[str, Any], url: SplitResult | None
) -> tuple[str, str] | None:
    campaign = _object(context, "campaign")
    source = _clean(_text(campaign, "source"))
    if source:
        return source, _clean(_text(campaign, "medium")) or NONE
    query = _text(page, "search") or (url.query if url else "")
    referrer = _text(page, "referrer") or _text(_object(context, "referrer"), "url")
    return _of_query(query[:QUERY_LIMIT]) or _of_referrer(referrer[:QUERY_LIMIT], _host(url))


@lru_cache(maxsize=1024)
def _of_query(query: str) -> tuple[str, str] | None:
    if "utm_source" not in query and "clid" not in query and "clkid" not in query:
        return None
    try:
        found = parse_qs(query.removeprefix("?"))
    except ValueError:
        return None
    source = _clean(found.get("utm_source", [""])[0])
    if source:
        return source, _clean(found.get("utm_medium", [""])[0]) or NONE
    return next((told for click, told in _CLICKS if click in found), None)


@lru_cache(maxsize=4096)
def _of_referrer(referrer: str, own_host: str) -> tuple[str, str] | None:
    url = _address(referrer)
    host = _host(url)
    if url is None or not host or host == own_host:
        return None
    if url.scheme == "android-app":
        return _APPS.get(host, (host[:TEXT_LIMIT], "referral"))
    engine = _ENGINES.match(host)
    if engine:
        return engine[1], "organic"
    domain = ".".join(host.split(".")[-2:])
    network = _SOCIAL.get(host) or _SOCIAL.get(domain)
    return (network, "social") if network else (host[:TEXT_LIMIT], "referral")


def _device(context: Mapping[str, Any]) -> str | None:
    device, hints = _object(context, "device"), _object(context, "userAgentData")
    kind = (
        _of_words(_text(device, "type").lower(), _text(device, "model"))
        or _of_words(_text(_object(context, "os"), "name").lower(), _text(device, "model"))
        or _of_hints(hints)
        or _of_agent(_text(context, "userAgent"))
    )
    if kind == "android" or (kind == "tablet" and "Android" in _text(context, "userAgent")):
        memory = _number(device.get("memory"))
        return "low-end android" if 0 < memory <= LOW_MEMORY else kind
    return kind


def _of_words(word: str, model: str) -> str | None:
    if word in ("ios", "ipados", "iphone", "iphone os"):
        return "tablet" if word == "ipados" or model.lower().startswith("ipad") else "iphone"
    if word in ("android", "tablet", "desktop", "low-end android"):
        return word
    return "desktop" if word in _DESKTOPS else None


def _of_hints(hints: Mapping[str, Any]) -> str | None:
    platform = _text(hints, "platform").lower()
    if platform == "android":
        return "android" if hints.get("mobile") is not False else "tablet"
    return "desktop" if platform in _DESKTOPS else None


@lru_cache(maxsize=4096)
def _of_agent(agent: str) -> str | None:
    if not agent or _SERVER.match(agent):
        return None
    if _BOT.search(agent):
        return "other"
    if "iPhone" in agent or "iPod" in agent:
        return "iphone"
    if "Android" in agent:
        return "android" if "Mobile" in agent else "tablet"
    if "iPad" in agent or "Tablet" in agent:
        return "tablet"
    return "desktop" if _DESKTOP.search(agent) else "other"


def _path(page: Mapping[str, Any], url: SplitResult | None) -> str | None:
    path = _text(page, "path") or ((url.path or "/") if url and url.netloc else "")
    return path[:PATH_LIMIT] or None


@lru_cache(maxsize=1024)
def _address(text: str) -> SplitResult | None:
    try:
        return urlsplit(text[:QUERY_LIMIT]) if text else None
    except ValueError:
        return None


def _host(url: SplitResult | None) -> str:
    try:
        return ((url.hostname if url else None) or "").removeprefix("www.")
    except ValueError:
        return ""


def _object(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = found.get(key)
    return value if isinstance(value, dict) else {}  # an abstract type would cost three times as much


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
