"""Browsers, systems and bots by their user agents."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volano.observe.agents import Agent, agent

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"


@pytest.mark.parametrize(
    ("text", "browser", "os"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36", "Chrome", "Windows"),
        (f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {CHROME} Mobile Safari/537.36", "Chrome", "Android"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36", "Chrome", "ChromeOS"),
        (f"Mozilla/5.0 (Windows NT 10.0) {CHROME} Safari/537.36 Edg/131.0.0.0", "Edge", "Windows"),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
            "Firefox",
            "Linux",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari",
            "iOS",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.0 Safari/605.1.15",
            "Safari",
            "macOS",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14; CUBOT NOTE 20) {CHROME} Mobile Safari/537.36",
            "Chrome",
            "Android",
        ),
    ],
)
def test_people_use_browsers_on_systems(text: str, browser: str, os: str) -> None:
    assert agent(text) == Agent(browser=browser, os=os, bot=None)


@pytest.mark.parametrize(
    ("text", "bot"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "crawler: Googlebot"),
        (f"Mozilla/5.0 {CHROME}; compatible; GPTBot/1.2; +https://openai.com/gptbot", "crawler: GPTBot"),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "crawler: FacebookBot"),
        ("Mozilla/5.0 (compatible; YandexMetrika/2.0)", "monitor: YandexMetrika"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/1 Safari/537.36 NewRelicSynthetics/1.0", "monitor: Safari"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) Chrome/1 Safari/537.36 RuxitSynthetic/1.0",
            "monitor: Ruxit Synthetic",
        ),
        ("ELB-HealthChecker/2.0", "monitor: HealthCheck"),
        ("Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "monitor: UptimeRobot"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/131.0.0.0 Safari/537.36",
            "headless: HeadlessChrome",
        ),
        ("python-requests/2.32.3", "script: python-requests"),
        ("curl/8.5.0", "script: curl"),
    ],
)
def test_crawlers_monitors_and_scripts_are_no_people(text: str, bot: str) -> None:
    assert agent(text).bot == bot


def test_tracking_libraries_are_neither_people_nor_bots() -> None:
    for text in ("analytics-python/2.4.0", "posthog-node/5.7", "snowplow-python/1.1.0", ""):
        assert agent(text) == Agent()


@settings(deadline=None, max_examples=50)
@given(st.text() | st.just("\ud800 Chrome/131"))
def test_no_agent_is_odd_enough_to_raise(text: str) -> None:
    assert isinstance(agent(text), Agent)
