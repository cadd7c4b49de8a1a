"""What a user agent is: browser and operating system, crawler or script."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

AGENT_LIMIT = 512  # characters that are looked at
DISTINCT = 16_384  # agents that are remembered

_CRAWLER = re.compile(
    r"(?<!cu)bot(?:\b|_)|crawl|spider|slurp|fetcher|scraper|archiver|facebookexternalhit|"
    r"meta-externalagent|mediapartners-google|adsbot|google-inspectiontool|googleother|bingpreview|"
    r"lighthouse|pagespeed|gtmetrix|whatsapp/|telegrambot|embedly|quora link preview|skypeuripreview|"
    r"ia_archiver|yandexdirect|site-verification|validator|feedfetcher|chatgpt-user|claude-user|perplexity-user|gptbot|ccbot|bytespider",
    re.IGNORECASE,
)
_MONITOR = re.compile(
    r"uptime|pingdom|statuscake|site24x7|newrelicpinger|datadog|checkly|catchpoint|gomez|dynatrace|"
    r"monitis|hetrixtools|freshping|updown\.io|nodeping|zabbix|nagios|monitor(?:ing)?\b|sentry|synthetic|"
    r"yandexmetrika|betterstack|thousandeyes|appinsights|dareboost|speedcurve|siteimprove|ghostinspector|"
    r"\bk6/|blackbox|health-?check|kube-probe|wormly|montastic|cron-job\.org",
    re.IGNORECASE,
)
_HEADLESS = re.compile(
    r"headless|phantomjs|slimerjs|puppeteer|playwright|selenium|webdriver|cypress|splash", re.IGNORECASE
)
_SCRIPT = re.compile(
    r"^(?:curl|wget|python-requests|python-urllib|python-httpx|aiohttp|scrapy|go-http-client|libwww|"
    r"java/|apache-httpclient|ruby|php|guzzle|postman|insomnia|httpie|axios|node-fetch|undici)",
    re.IGNORECASE,
)
# Tracking libraries on a server: they speak for a person, and say nothing of the person's machine.
_LIBRARY = re.compile(
    r"^(?:analytics|cdp-analytics|rudder|posthog|snowplow|segment|customerio|customer\.io|dittofeed|volano|python|node|"
    r"axios|curl|okhttp|java|go-http|ruby|php|undici|guzzle|apache-http)",
    re.IGNORECASE,
)
_BROWSERS = {
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Edge Mobile": "Edge",
    "Opera Mobile": "Opera",
    "Opera Mini": "Opera",
    "Samsung Internet": "Samsung Internet",
    "HeadlessChrome": "Chrome",
    "IE": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
}
_SYSTEMS = {
    "mac os x": "macOS",
    "mac os": "macOS",
    "macos": "macOS",
    "ios": "iOS",
    "iphone os": "iOS",
    "ipados": "iPadOS",
    "android": "Android",
    "windows": "Windows",
    "windows phone": "Windows Phone",
    "linux": "Linux",
    "ubuntu": "Linux",
    "fedora": "Linux",
    "debian": "Linux",
    "chrome os": "ChromeOS",
    "chromeos": "ChromeOS",
    "chromium os": "ChromeOS",
    "tizen": "Tizen",
    "tvos": "tvOS",
    "watchos": "watchOS",
    "harmonyos": "HarmonyOS",
}


class Agent(NamedTuple):
    """Browser and operating system by name, and why it is no person's (None: it may be one's)."""

    browser: str | None = None
    os: str | None = None
    bot: str | None = None


NOBODY = Agent()


def system(name: str) -> str | None:
    """The usual name of an operating system, however it is written; None for none.

    >>> system("Mac OS X"), system("iphone os"), system("Haiku"), system("")
    ('macOS', 'iOS', 'Haiku', None)
    """
    return _SYSTEMS.get(name.lower(), name) or None


def library(agent: str) -> bool:
    """Whether this is the agent of a program that speaks for people, such as a tracking library.

    >>> library("analytics-python/2.4.0"), library("cdp-analytics-node/9"), library("Mozilla/5.0 (iPhone)")
    (True, True, False)
    """
    return _LIBRARY.match(agent) is not None


@lru_cache(maxsize=DISTINCT)
def agent(text: str) -> Agent:
    """What is known of a user agent; the names are those of the uap-core project, shortened.

    >>> agent("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)").bot
    'crawler: Googlebot'
    >>> agent("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/131.0.0.0 Safari/537.36")
    Agent(browser='Chrome', os='Linux', bot='headless: HeadlessChrome')
    """
    if not text:
        return NOBODY
    if _SCRIPT.match(text):
        return Agent(bot=f"script: {text.partition('/')[0][:40]}")
    if library(text):
        return NOBODY
    from ua_parser import Domain, parser

    text = text[:AGENT_LIMIT].encode("ascii", "replace").decode()  # the parser takes no lone surrogates
    found = parser(text, Domain.ALL)
    family = found.user_agent.family if found.user_agent else ""
    name = "" if family in ("", "Other") else family
    spider = found.device is not None and found.device.family == "Spider"
    return Agent(
        browser=_BROWSERS.get(name, name) or None,
        os=system(found.os.family) if found.os and found.os.family != "Other" else None,
        bot=_bot(text, name, spider=spider),
    )


def _bot(text: str, family: str, *, spider: bool) -> str | None:
    for word, pattern in (("headless", _HEADLESS), ("monitor", _MONITOR), ("crawler", _CRAWLER)):
        match = pattern.search(text)
        if match:
            return f"{word}: {family or match[0].strip('/;_ -')}"
    return f"crawler: {family or 'unnamed'}" if spider else None
