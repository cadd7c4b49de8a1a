"""Live: what arrives, what was refused and why, by source, without a reload."""

from __future__ import annotations

import pytest
from msgspec import structs

from tests.flow.site import event
from tests.web.known import (
    DAY,
    MINUTE,
    NASTY,
    add_source,
    ann,
    came,
    frame,
    house_of,
    many,
    opened,
    refused,
)
from tests.web.shop import NOW
from tests.web.visitor import Visitor, owner


@pytest.fixture
def visitor() -> Visitor:
    """The owner of a house with two sources to which something came."""
    made = opened(ann(), refused())
    add_source(made)
    return came(made, frame(event("Opened", user="app-user", time=NOW), source="app"))


def test_events_show_as_they_arrive_the_newest_first(visitor: Visitor) -> None:
    text = visitor.see("/live").text
    assert "<h1>Events are coming in</h1>" in text
    assert "6 events in the last minute, 6 in all." in text
    assert text.index("<b>Opened</b>") < text.index("<b>Identified</b>")
    assert 'href="/people?q=u%3Aapp-user"' in text


def test_the_fragment_is_what_the_page_shows(visitor: Visitor) -> None:
    page, fragment = visitor.see("/live?source=app").text, visitor.see("/fragments/live?source=app").text
    assert 'data-poll="/fragments/live?source=app" data-every="1"' in page
    assert fragment.strip() in page


def test_one_source_can_be_looked_at_alone(visitor: Visitor) -> None:
    text = visitor.see("/live?source=app").text
    assert "<b>Opened</b>" in text
    assert "<b>Identified</b>" not in text
    assert 'href="/live?source=app" aria-current="page"' in text


def test_what_was_refused_says_why_and_shows_a_sample_that_does_not_run(visitor: Visitor) -> None:
    text = visitor.see("/live?refused=1").text
    assert "Refused: bad time" in text
    assert "the timestamp &#39;soon&#39; is none; send ISO 8601" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert NASTY not in text
    assert "bad time: 1" in text
    assert "<b>Opened</b>" not in text
    assert "Nothing was refused in a week" in visitor.see("/live?refused=1&source=app").text


def test_what_the_drain_refuses_shows_as_refused_and_as_nothing_else(visitor: Visitor) -> None:
    broken = event("Broken", user="bea", time=NOW)
    broken = structs.replace(broken, properties=b"{")
    came(
        visitor,
        frame(event("Nobody's", user="null", anon="null", time=NOW), broken),
        frame(event(user="cid")),
    )
    text = visitor.see("/live").text
    assert "7 events in the last minute, 7 in all." in text
    assert "<b>Refused: illegal id</b>" in text
    assert "<b>Refused: malformed</b>" in text
    assert "Nobody&#39;s</b>" not in text
    assert "u%3Anull" not in text
    assert "&#34;user_id&#34;:&#34;null&#34;" in text  # so that one can tell which program sent it


def test_the_lead_counts_the_source_that_is_looked_at(visitor: Visitor) -> None:
    assert "1 event in the last minute, 1 in all." in visitor.see("/live?source=app").text
    assert "5 events in the last minute, 5 in all." in visitor.see("/live?source=web").text


def test_what_was_refused_before_a_restart_is_still_shown(visitor: Visitor) -> None:
    again = owner(house_of(visitor))
    assert "Nothing has come since the server started" in again.see("/live").text
    assert "Refused: bad time" in again.see("/live?refused=1").text


def test_what_was_refused_goes_from_the_page_after_a_week(visitor: Visitor) -> None:
    visitor.clock.now += 8 * DAY
    assert "Refused:" not in visitor.see("/live?refused=1").text


def test_a_minute_without_events_is_quiet(visitor: Visitor) -> None:
    visitor.clock.now += 2 * MINUTE
    text = visitor.see("/live").text
    assert "<h1>Quiet for now</h1>" in text
    assert "0 events in the last minute" in text


def test_a_long_list_has_a_more() -> None:
    visitor = opened(many(150))
    text = visitor.see("/live").text
    assert text.count("<b>Product Viewed</b>") == 25
    assert "<li>" in text
    rest = text.split('<a class="btn" href="/live?')[1].split('"')[0].replace("&amp;", "&")
    assert visitor.see(f"/live?{rest}").text.count("<b>Product Viewed</b>") == 150


def test_a_flood_is_told_as_at_least_what_is_kept() -> None:
    assert "200+ events in the last minute" in opened(many(400)).see("/live").text


def test_an_empty_house_says_what_to_do_next() -> None:
    text = opened().see("/live").text
    assert "Nothing has come in yet" in text
    assert 'href="/sources"' in text
