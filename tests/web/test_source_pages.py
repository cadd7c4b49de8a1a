"""Sources in the console: keys, what each sends, and the shop's own names taken as standard ones."""

from __future__ import annotations

import re

import pytest

from tests.flow.site import event
from tests.web.known import (
    NASTY,
    add_source,
    ann,
    came,
    done,
    frame,
    house_of,
    many,
    opened,
    purchases,
    refused,
)
from tests.web.shop import NOW
from tests.web.visitor import Visitor, fields_of
from volano.domain.account import Source
from volano.domain.naming import Naming
from volano.domain.profile import Profile
from volano.domain.view import View
from volano.domain.work import Work
from volano.flow.decide import person_of
from volano.observe.identity import identity

EVENT = "/sources/web/event?event=purchase"
ZOOMED = "/sources/web/event?event=Product%20Image%20Zoomed"


@pytest.fixture
def visitor() -> Visitor:
    """The owner of a shop that tells of purchases."""
    return opened(purchases(), ann(), refused())


def source(visitor: Visitor, key: str = "web") -> Source:
    """A source as it is kept."""
    return house_of(visitor).state.get(Source, key)


def names(visitor: Visitor) -> set[str]:
    """What events the lake has."""
    return set(house_of(visitor).lake.read(View(columns=("event",)))["event"].to_pylist())


def orders_of(visitor: Visitor, user: str) -> int:
    """How many orders a person has."""
    profiles = house_of(visitor).profiles
    found = profiles.get(Profile, person_of(profiles, identity(f"u:{user}")))
    return found.orders if found else 0


def test_each_source_says_what_came_and_what_was_refused(visitor: Visitor) -> None:
    text = visitor.see("/sources").text
    assert "17 events · last just now" in text
    assert 'href="/live?refused=1&amp;source=web">1 refused' in text


def test_a_source_that_sent_nothing_says_how_to_begin(visitor: Visitor) -> None:
    add_source(visitor)
    text = visitor.see("/sources/app").text
    assert "App has sent nothing yet" in text
    assert "How to send" in text
    assert visitor.see("/sources/none").status_code == 404


def test_the_key_of_a_new_source_is_shown_once(visitor: Visitor) -> None:
    page = visitor.send("/sources/add", name="Android app")
    key = re.findall(r"<pre[^>]*><code>(wk_[\w-]+)</code>", page.text)[0]
    assert "it is not shown again" in page.text
    assert key not in visitor.see("/sources").text
    assert source(visitor, "android-app").name == "Android app"


def test_a_new_key_is_shown_once_and_the_old_one_stays_good(visitor: Visitor) -> None:
    page = visitor.send("/sources/rotate", key="web")
    assert "The keys before it stay good for 7 days." in page.text
    assert len(source(visitor).keys) == 2


def test_a_source_is_revoked_and_that_is_taken_back(visitor: Visitor) -> None:
    page = visitor.send("/sources/revoke", key="web")
    assert "Revoked:" in page.text
    assert 'action="/sources/reinstate"' in page.text
    assert source(visitor).revoked_at
    refused_ = visitor.send("/sources/rotate", key="web")
    assert refused_.status_code == 422
    assert "was revoked" in refused_.text
    assert "good again" in visitor.send("/sources/reinstate", key="web").text
    assert not source(visitor).revoked_at


def test_name_and_pages_are_changed_together_or_not_at_all(visitor: Visitor) -> None:
    visitor.send("/sources/change", key="web", name="Web", origins="https://a.example")
    assert (source(visitor).name, source(visitor).origins) == ("Web", "https://a.example")
    for sent in ({"name": "Other", "origins": "nonsense"}, {"name": " ", "origins": "https://b.example"}):
        page = visitor.send("/sources/change", key="web", **sent)
        assert page.status_code == 422
        assert page.text.count('role="alert"') == 1
        assert (source(visitor).name, source(visitor).origins) == ("Web", "https://a.example")


@pytest.mark.parametrize(
    "path", ["/sources/rotate", "/sources/revoke", "/sources/reinstate", "/sources/change"]
)
def test_a_source_that_is_not_there_cannot_be_changed(visitor: Visitor, path: str) -> None:
    assert visitor.send(path, key="none", name="x").status_code == 404


def test_a_source_needs_a_name(visitor: Visitor) -> None:
    page = visitor.send("/sources/add", name="  ")
    assert page.status_code == 422
    assert "has no name" in page.text


def test_names_that_look_like_shopping_are_flagged_on_today_and_first_in_the_list(visitor: Visitor) -> None:
    today = visitor.see("/").text
    assert "“purchase” is probably Order Completed" in today
    assert 'href="/sources/web/event?event=purchase"' in today
    text = visitor.see("/sources/web").text
    assert "One name wants a word" in text
    assert text.index(">purchase<") < text.index(">Identified<")


def synced(visitor: Visitor, *names: str) -> Visitor:
    """Names that look like shopping and stand for no standard word."""
    return came(visitor, frame(*(event(name, user="ann", time=NOW) for name in names)))


def test_all_that_looks_like_shopping_is_flagged_and_a_slip_can_be_taken_back(visitor: Visitor) -> None:
    synced(visitor, "cart_synced", "Product Image Zoomed", "Basket shaken", "Order feared")
    today = visitor.see("/").text
    assert today.count("It is not one") == 3
    assert "2 more names look like shopping" in today
    assert '<a href="/sources/web">2 from web</a>' in today
    fields = {"source": "web", "event": "Product Image Zoomed", "next": "/"}
    after = visitor.send("/names/none", **fields)
    assert after.url.path == "/"
    assert "One more name looks" not in after.text
    assert "1 more name looks like shopping" in after.text
    assert "You said that it is no standard event" in visitor.see(ZOOMED).text
    assert "It is taken as it was before" in visitor.send("/names/undo", key="web:Product Image Zoomed").text
    assert "5 names want a word" in visitor.see("/sources/web").text
    visitor.send("/names/none", **fields | {"next": "https://elsewhere.example"})
    assert "is no standard event, you said" in visitor.see("/sources/web").text
    visitor.send("/names/drop", key="web:Product Image Zoomed", source="web")
    done(visitor)
    assert "5 names want a word" in visitor.see("/sources/web").text


def test_what_stands_for_itself_stays_what_it_is(visitor: Visitor) -> None:
    visitor.send("/names/none", source="web", event="purchase")
    came(visitor, purchases())
    assert "purchase" in names(visitor)
    assert orders_of(visitor, "p3") == 0


def test_a_revoked_source_is_not_asked_about(visitor: Visitor) -> None:
    visitor.send("/sources/revoke", key="web")
    assert "is probably" not in visitor.see("/").text


def test_as_many_properties_are_named_as_were_sent(visitor: Visitor) -> None:
    pairs = {f"{row}.{end}": f"p{row}" for row in range(70) for end in ("from", "to")}
    pairs |= {f"{row}.to": f"w{row}" for row in range(70)}
    visitor.send("/names/save", source="web", event="purchase", to="Order Completed", **pairs)
    (kept,) = house_of(visitor).state.find(Naming)
    assert len(kept.properties) == 70


def test_an_event_without_a_name_is_not_there(visitor: Visitor) -> None:
    assert visitor.see("/sources/web/event").status_code == 404
    assert visitor.see("/sources/web/event?event=").status_code == 404


def test_properties_tell_when_they_came_first_and_last(visitor: Visitor) -> None:
    assert "first 9 Oct 2025, last just now" in visitor.see(EVENT).text
    assert "since 9 Oct 2025, last just now" in visitor.see(EVENT).text


def test_names_with_markup_are_text_and_their_page_opens(visitor: Visitor) -> None:
    text = visitor.see("/sources/web").text
    assert NASTY not in text
    path = re.findall(r'href="(/sources/web/event\?event=%3Cscript[^"]+)"', text)[0]
    page = visitor.see(path).text
    assert NASTY not in page
    assert "<h1>&lt;script&gt;" in page


def test_a_name_shows_its_properties_and_the_last_ten_before_and_after(visitor: Visitor) -> None:
    text = visitor.see(EVENT).text
    assert "From Shop · 12 times since 9 Oct 2025" in text
    assert "The last 10, before and after" in text
    assert 'value="transaction_id"' in text
    for said in ("<dd>purchase</dd>", "<dd>Order Completed</dd>", "<dd>€20.50</dd>", "<dd>t0</dd>"):
        assert said in text, said
    assert "items.item_id" in text


def test_examples_can_be_told_apart_before_they_are_opened_and_lists_are_read_like_text(
    visitor: Visitor,
) -> None:
    page = visitor.see(EVENT).text
    assert "08:51 UTC · t1 · €20.50</summary>" in page
    assert "item_id 7, price 3, quantity 2" in page


def test_what_is_done_beside_goes_from_the_page_without_a_reload(visitor: Visitor) -> None:
    state = house_of(visitor).state
    state.put(Work(key="reread tea", kind="reread", what="reading the past of tea anew"))
    assert 'data-poll="/fragments/jobs"' in visitor.see("/people").text
    assert "Reading the past of tea anew …" in visitor.see("/fragments/jobs").text
    for one in state.find(Work):
        state.drop(Work, one.key)
    assert visitor.see("/fragments/jobs").text.strip() == ""


def test_the_examples_follow_what_is_chosen(visitor: Visitor) -> None:
    fields = fields_of(visitor.see(EVENT), "/names/save")
    assert "€0.21" in visitor.send("/names/preview", **fields | {"minor": "1"}).text
    assert "Product Viewed" in visitor.send("/names/preview", **fields | {"to": "Product Viewed"}).text
    wrong = visitor.send("/names/preview", **fields | {"to": "Nonsense"}).text
    assert "Not complete yet: &#39;Nonsense&#39; is no standard event" in wrong


def test_a_word_is_said_the_past_is_read_under_it_and_both_are_taken_back(visitor: Visitor) -> None:
    fields = fields_of(visitor.see(EVENT), "/names/save")
    page = visitor.send("/names/save", **fields, past="1")
    assert page.url.path == "/sources/web"
    assert "The past is being read under that word, too." in page.text
    assert 'action="/names/undo"' in page.text
    done(visitor)
    assert "purchase" not in names(visitor)
    assert orders_of(visitor, "p3") == 1
    assert "comes in as <b>Order Completed</b>" in visitor.see("/sources/web").text
    assert "is probably" not in visitor.see("/").text

    page = visitor.send("/names/undo", key="web:purchase")
    assert "It is taken as it was before." in page.text
    done(visitor)
    assert "purchase" in names(visitor)
    assert orders_of(visitor, "p3") == 0
    assert visitor.send("/names/undo", key="web:purchase").status_code == 422


def test_a_word_can_count_from_now_on_only(visitor: Visitor) -> None:
    fields = fields_of(visitor.see(EVENT), "/names/save")
    assert "From now on" in visitor.send("/names/save", **fields).text
    assert "purchase" in names(visitor)
    came(
        visitor,
        frame(event("purchase", user="late", time=NOW, properties={"transaction_id": "x", "value": 3})),
    )
    assert orders_of(visitor, "late") == 1
    assert orders_of(visitor, "p3") == 0


def test_a_word_is_dropped_and_that_is_taken_back(visitor: Visitor) -> None:
    visitor.send("/names/save", **fields_of(visitor.see(EVENT), "/names/save"), past="1")
    done(visitor)
    assert "Take the word back" in visitor.see(EVENT).text
    page = visitor.send("/names/drop", key="web:purchase", source="web")
    assert "under its own name again" in page.text
    done(visitor)
    assert house_of(visitor).state.find(Naming) == []
    assert orders_of(visitor, "p3") == 0
    visitor.send("/names/undo", key="web:purchase")
    done(visitor)
    assert orders_of(visitor, "p3") == 1


def test_what_a_word_was_before_comes_back_with_undo(visitor: Visitor) -> None:
    fields = fields_of(visitor.see(EVENT), "/names/save")
    visitor.send("/names/save", **fields)
    visitor.send("/names/save", **fields | {"to": "Checkout Started"})
    assert house_of(visitor).state.get(Naming, "web:purchase").to == "Checkout Started"
    visitor.send("/names/undo", key="web:purchase")
    assert house_of(visitor).state.get(Naming, "web:purchase").to == "Order Completed"


def test_a_word_for_every_source_has_one_page_and_one_undo(visitor: Visitor) -> None:
    fields = fields_of(visitor.see(EVENT), "/names/save")
    visitor.send("/names/save", **fields | {"whose": "all"})
    assert house_of(visitor).state.get(Naming, ":purchase").source == ""
    assert visitor.send("/names/undo", key=":purchase").url.path == "/sources"


@pytest.mark.parametrize("change", [{"to": ""}, {"to": "Nonsense"}, {"event": " "}])
def test_what_cannot_be_a_word_gets_one_sentence(visitor: Visitor, change: dict[str, str]) -> None:
    fields = fields_of(visitor.see(EVENT), "/names/save")
    page = visitor.send("/names/save", **fields | change)
    assert page.status_code == 422
    assert page.text.count('role="alert"') == 1
    assert house_of(visitor).state.find(Naming) == []


def test_what_the_console_does_beside_is_shown_on_every_page(visitor: Visitor) -> None:
    what = "reading the past of <b> anew"
    house_of(visitor).state.put(Work(key="settle", kind="settle", what=what, low=2**62))
    assert "Reading the past of &lt;b&gt; anew (50 %) …" in visitor.see("/people").text


def test_a_long_list_of_names_has_a_more(visitor: Visitor) -> None:
    came(visitor, frame(*(event(f"kind {at}", user="x", time=NOW) for at in range(60))))
    text = visitor.see("/sources/web").text
    assert text.count("<article") == 30
    assert 'href="?all=1"' in text
    assert visitor.see("/sources/web?all=1").text.count("<article") > 60


def test_one_event_is_told_in_the_singular() -> None:
    visitor = opened(many(1))
    assert "1 event · last" in visitor.see("/sources").text
    assert "1 time · 0 properties" in visitor.see("/sources/web").text
