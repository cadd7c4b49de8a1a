"""People in the console: found, looked at, joined, parted, handed out and forgotten."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

import pytest

from tests.flow.site import event
from tests.web.known import ANN, BOB, DAY, NASTY, PHONE, ann, came, frame, house_of, many, opened
from tests.web.shop import NOW
from tests.web.visitor import Visitor, owner
from volano.domain.campaign import Campaign
from volano.domain.change import Change
from volano.domain.erasure import Receipt
from volano.domain.event import Delivered, Delivery, Refusal
from volano.domain.identity import Kin
from volano.domain.profile import Profile
from volano.domain.segment import Segment
from volano.domain.shop import Shop
from volano.domain.view import View
from volano.flow.decide import person_of
from volano.flow.forgetting import forget, mark
from volano.flow.shop import save_shop


@pytest.fixture
def visitor() -> Visitor:
    """The owner of the house that Ann and Bob came to."""
    return opened(ann())


@pytest.mark.parametrize("text", ["ann", "u:ann", "ANN@shop.example", "phone", "a:phone", str(ANN)])
def test_somebody_is_found_by_user_id_email_anonymous_id_or_person_id(visitor: Visitor, text: str) -> None:
    page = visitor.see(f"/people?q={text}")
    assert page.url.path == f"/people/{ANN}"
    assert "<h1>ann@shop.example</h1>" in page.text


def test_nobody_is_found_without_a_slip(visitor: Visitor) -> None:
    page = visitor.see("/people?q=" + NASTY)
    assert page.status_code == 200
    assert "Nobody is known as “&lt;script&gt;" in page.text
    assert "letter by letter" in page.text


def test_a_text_that_may_be_several_shows_all_of_them(visitor: Visitor) -> None:
    came(visitor, frame(event(anon="ann", time=NOW)))
    text = visitor.see("/people?q=ann").text
    assert "2 people may be meant" in text
    assert "found by anonymous id" in text


def test_before_anybody_is_looked_for_those_are_shown_who_just_came(visitor: Visitor) -> None:
    text = visitor.see("/people").text
    assert "Just here" in text
    assert "1 order ·" in text
    assert "2 identities" in text
    assert ">bob</a>" in text  # no e-mail is known of him, but his user id is


def test_an_event_nobody_has_a_word_for_tells_its_first_properties(visitor: Visitor) -> None:
    told = {"score": 7, "answers": ["green", "loose leaf"], "empty": ""}
    came(visitor, frame(event("quiz_finished", user="bob", time=NOW, properties=told)))
    assert "score 7 · answers green, loose leaf</small>" in visitor.see(f"/people/{BOB}").text


def test_what_is_known_is_told_once_and_as_people_write_it(visitor: Visitor) -> None:
    known = visitor.see(f"/people/{ANN}").text.partition("What is known</h2>")[2]
    assert known.count("<dd>ann@shop.example") == 1
    assert "<dd>Monday</dd>" in known


def test_a_long_address_breaks_between_its_words() -> None:
    long = "maximiliane.lee@customers.garden.example"
    visitor = opened(frame(event("Identified", user="max", kind="identify", properties={"email": long})))
    assert (
        "<h1>maximiliane.<wbr>lee@<wbr>customers.<wbr>garden.<wbr>example</h1>"
        in visitor.see("/people?q=max").text
    )


def test_what_other_systems_were_told_stands_on_the_timeline_in_words(visitor: Visitor) -> None:
    about: dict[str, Any] = {"identity": ANN, "time": NOW, "channel": "webhook", "receiver": "crm"}
    deliveries = [
        Delivery(**about, delivery_id="1", about="segment.entered new", status="delivered", attempts=1),
        Delivery(
            **about,
            delivery_id="2",
            about="segment.left x",
            status="failed",
            attempts=3,
            reason=f"no {NASTY}",
        ),
    ]
    house = house_of(visitor)
    house.state.put(Segment(key="new", name="New people", rule={}))
    came(visitor, Delivered(received_at=NOW, deliveries=deliveries))
    text = visitor.see(f"/people/{ANN}").text
    assert "<b>Told crm</b> <small>entered New people</small>" in text
    assert "<b>Could not tell crm</b> <small>left x · no &lt;script&gt;" in text
    assert "· 3 attempts</small>" in text
    assert NASTY not in text
    assert "#i-out" in text


def test_after_a_restart_a_few_of_the_people_are_shown(visitor: Visitor) -> None:
    text = owner(house_of(visitor)).see("/people").text
    assert "Some of your people" in text
    assert "ann@shop.example" in text


def test_who_has_more_ids_than_are_believed_is_listed(visitor: Visitor) -> None:
    assert "than are believed" not in visitor.see("/people").text
    assert "Nobody has too many ids" in visitor.see("/people/crowded").text
    kin = Kin(person_id=ANN, identities=(ANN, PHONE), crowded=True)
    visitor = opened(ann())
    house_of(visitor).profiles.put(Change(puts=((ANN, kin),)))
    text = visitor.see("/people").text
    assert "1 person has more ids than are believed" in text
    assert 'href="/people/crowded"' in text
    text = visitor.see("/people/crowded").text
    assert f'href="/people/{ANN}">ann@shop.example</a>' in text
    assert f'href="/people/{BOB}"' not in text


def test_an_empty_house_says_what_to_do_next() -> None:
    text = opened().see("/people").text
    assert "Nobody has come by yet" in text
    assert 'href="/sources"' in text


def test_a_page_of_somebody_shows_numbers_traits_with_origin_and_why_they_are_in_segments(
    visitor: Visitor,
) -> None:
    text = visitor.see(f"/people/{ANN}").text
    for said in (
        "$40.00 an order",
        "last 1 day ago",
        "From what they or the shop said.",
        "told 7 Oct 2025",
        "From their orders and refunds.",
        "Segments, and why",
        "Days since first seen less than 7",
        "An identify call named it together with ann",
        "· Shop",
        "Show as table",
    ):
        assert said in text, said
    assert "Order Completed" in text
    assert "Segment Entered" in text


def test_what_people_typed_is_shown_as_text(visitor: Visitor) -> None:
    text = visitor.see(f"/people/{ANN}").text
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3


def test_moments_are_those_of_the_shops_clock(visitor: Visitor) -> None:
    assert "08:53 UTC" in visitor.see(f"/people/{ANN}").text
    save_shop(house_of(visitor).state, Shop(timezone="Asia/Seoul"), now=NOW)
    assert "17:53 KST" in visitor.see(f"/people/{ANN}").text


def test_money_in_another_currency_is_shown_beside_that_of_the_shop(visitor: Visitor) -> None:
    bought = event(
        "Order Completed", user="ann", properties={"order_id": "o2", "total": 1000, "currency": "JPY"}
    )
    came(visitor, frame(bought))
    text = visitor.see(f"/people/{ANN}").text
    assert "$40.00" in text
    assert "$40.00 an order, and ¥1,000" in text


def test_names_of_campaigns_and_devices_are_in_words(visitor: Visitor) -> None:
    house = house_of(visitor)
    context = {"device": {"id": "d1", "type": "ios", "token": "t1"}}
    came(visitor, frame(event("Application Opened", user="ann", time=NOW, context=context)))
    assert "push valid" in visitor.see(f"/people/{ANN}").text
    assert house.state.find(Campaign) == []


def test_a_long_timeline_goes_back_page_by_page_and_misses_nothing(visitor: Visitor) -> None:
    shown = [event(f"e{at:03}", user="carl", time=NOW - (at // 4) * DAY // 24) for at in range(70)]
    came(visitor, frame(*shown))
    page = visitor.see("/people?q=carl")
    path, seen = page.url.path, page.text
    while 'href="?before=' in page.text:
        before = page.text.split('href="?before=')[1].split('"')[0]
        page = visitor.see(f"{path}?before={before}")
        assert "What happened before" in page.text
        seen += page.text
    assert [seen.count(f"<b>e{at:03}</b>") for at in range(70)] == [1] * 70


@pytest.mark.parametrize("before", ["soon", "-1", "9" * 40, ""])
def test_an_odd_moment_to_look_back_from_is_no_fault(visitor: Visitor, before: str) -> None:
    assert visitor.see(f"/people/{ANN}?before={before}").status_code == 200


@pytest.mark.parametrize("path", ["", "/export.json"])
def test_a_number_too_long_for_a_person_is_nobody(visitor: Visitor, path: str) -> None:
    assert visitor.see(f"/people/{'9' * 30}{path}").status_code == 404


def test_nobody_has_a_page_who_never_came(visitor: Visitor) -> None:
    assert visitor.see("/people/5").status_code == 404
    assert visitor.see("/people/x").status_code == 404
    assert visitor.see(f"/people/{2**80}").status_code in (404, 422)


def test_an_identity_is_taken_out_and_that_is_taken_back(visitor: Visitor) -> None:
    page = visitor.send(f"/people/{ANN}/part", key=str(PHONE))
    assert "Taken out: it is somebody of its own now." in page.text
    assert f'<a href="/people/{PHONE}">See it</a>' in page.text
    house = house_of(visitor)
    assert person_of(house.profiles, PHONE) == PHONE
    assert "Take out" not in page.text
    assert "<h1>Person …" in visitor.see(f"/people/{PHONE}").text

    visitor.clock.now += 1
    page = visitor.send("/people/undo", key=str(PHONE))
    assert page.url.path == f"/people/{ANN}"
    assert person_of(house.profiles, PHONE) == ANN


def test_two_people_are_joined_and_that_is_taken_back(visitor: Visitor) -> None:
    house = house_of(visitor)
    page = visitor.send(f"/people/{ANN}/join", other="bob")
    assert "They are one person now." in page.text
    assert "Joined by hand with" in page.text
    assert "· you" in page.text
    one = person_of(house.profiles, ANN)
    assert one == person_of(house.profiles, BOB)
    profile = house.profiles.get(Profile, one)
    assert profile is not None
    assert profile.events == 5

    visitor.clock.now += 1
    visitor.send("/people/undo", key=str(BOB))
    assert person_of(house.profiles, ANN) != person_of(house.profiles, BOB)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (f"/people/{ANN}/join", {"other": "nobody at all"}),
        (f"/people/{ANN}/join", {"other": ""}),
        (f"/people/{ANN}/join", {"other": "ann"}),
        (f"/people/{ANN}/part", {"key": str(ANN)}),
        (f"/people/{ANN}/part", {"key": "77"}),
        (f"/people/{ANN}/part", {"key": "x"}),
        (f"/people/{ANN}/part", {}),
        ("/people/undo", {"key": str(BOB)}),
        (f"/people/{ANN}/forget", {"sure": "yes"}),
        (f"/people/{ANN}/forget", {}),
    ],
)
def test_what_cannot_be_done_gets_one_sentence(visitor: Visitor, path: str, fields: dict[str, str]) -> None:
    page = visitor.send(path, **fields)
    assert page.status_code == 422
    assert 'class="card oops"' in page.text or "That did not work" in page.text
    assert person_of(house_of(visitor).profiles, PHONE) == ANN


def test_all_of_somebody_is_handed_out_as_json(visitor: Visitor) -> None:
    answer = visitor.see(f"/people/{ANN}/export.json")
    assert f'filename="person-{ANN}.json"' in answer.headers["content-disposition"]
    told = json.loads(answer.text)
    assert told["person_id"] == ANN
    assert {one["known_as"] for one in told["identities"]} == {"u:ann", "a:phone"}
    assert "Order Completed" in [row["event"] for row in told["events"]]


def test_somebody_is_forgotten_with_a_typed_word_and_a_receipt(visitor: Visitor) -> None:
    page = visitor.send(f"/people/{ANN}/forget", sure=" Forget ")
    assert page.status_code == 200
    assert "1 person is forgotten" in page.text
    assert "Receipt" in page.text
    assert "ann" not in page.text.split("<main")[1].replace("meant", "").replace("cannot", "")
    assert visitor.see(f"/people/{ANN}").status_code == 404
    assert "Nobody is known" in visitor.see("/people?q=ann@shop.example").text
    left = house_of(visitor).lake.read(View(columns=("event",)))["person_id"].to_pylist()
    assert ANN not in left
    assert BOB in left
    (kept,) = house_of(visitor).state.find(Receipt)
    handed = re.findall(r'download="receipt-(\w+)\.json" href="data:application/json,([^"]+)"', page.text)
    told = json.loads(unquote(handed[0][1]))
    assert handed[0][0] == told["key"] == kept.key
    assert mark(told["secret"], "u:ann") in told["marks"]


def test_an_identity_told_for_everybody_is_called_out(visitor: Visitor) -> None:
    crowd = [event(user="ann", anon=f"d{at}", time=NOW + at) for at in range(300)]
    text = came(visitor, frame(*crowd)).see(f"/people/{ANN}").text
    assert "More identities are told to be this person than we believe" in text
    assert " more</summary>" in text


def test_the_list_of_those_just_here_is_short(visitor: Visitor) -> None:
    assert came(visitor, many(60)).see("/people").text.count('class="who"') == 10


def test_whom_another_process_forgets_is_gone_from_live_and_from_what_was_refused(visitor: Visitor) -> None:
    sample = '{"note": "Rose Street", "userId": "ann"}'
    refused = Refusal(index=0, code="bad_time", message="no", sample=sample)
    came(visitor, frame(event("Page Viewed", user="ann"), refused=(refused,)))
    assert "u%3Aann" in visitor.see("/live?all=1").text
    assert "Rose Street" in visitor.see("/live?refused=1").text
    assert "Rose Street" in visitor.see("/live?all=1").text
    house = house_of(visitor)
    forget(house, ["u:ann"], now=NOW, drain=int)
    shown = (
        visitor.see("/live?all=1").text + visitor.see("/live?refused=1").text + visitor.see("/people").text
    )
    assert "Rose Street" not in shown
    assert "u%3Aann" not in shown
