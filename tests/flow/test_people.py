"""People are found, looked at, joined and parted by hand, handed out and forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.flow.folk import ANN, BOB, KIOSK, PHONE, House, ann_and_bob, people_of
from tests.flow.site import MINUTE, NOW, event, order
from volano.domain.durations import DAY
from volano.domain.event import IDENTIFIED
from volano.domain.segment import Move, Segment
from volano.errors import BadInput, NotFound
from volano.flow.decide import person_of
from volano.flow.handing_out import export
from volano.flow.ingest import drain, look_again
from volano.flow.joining import merge, undo, unmerge
from volano.flow.knowledge import knowledge
from volano.flow.people import find, found_one, person, timeline
from volano.flow.segments import backfill, save
from volano.observe.identity import identity


@pytest.fixture(params=["memory", "disk"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    """Ann on her phone, Bob on the kiosk that Ann used first."""
    return ann_and_bob(tmp_path, disk=request.param == "disk")


def test_somebody_is_found_by_any_id_and_by_email(house: House) -> None:
    for text in ("ann", " phone ", "kiosk", "u:ann", "a:phone", str(ANN), "ann@shop.EXAMPLE"):
        assert [one.person_id for one in find(house, text)] == [ANN], text
    assert find(house, "nobody") == find(house, "") == []
    with pytest.raises(NotFound, match="nobody is known as 'nobody'"):
        found_one(house, "nobody")


def test_a_persons_page_says_why_each_identity_is_theirs(house: House) -> None:
    page = person(house, ANN, now=NOW)
    assert [(one.known_as, [join.reason for join in one.joins]) for one in page.identities] == [
        ("u:ann", []),
        ("a:kiosk", ["seen together"]),
        ("a:phone", ["identify"]),
    ]
    join = page.identities[2].joins[0]
    assert (join.other, join.time, join.told_at, join.origin) == ("u:ann", NOW + MINUTE, NOW, "web")
    assert [one.removable for one in page.identities] == [False, True, True]
    assert {one.name: one.value for one in page.given}["plan"] == "gold"


def test_the_timeline_is_the_latest_first_and_goes_on_before_a_moment(house: House) -> None:
    whole = timeline(house, ANN)
    assert [row["event"] for row in whole] == [
        "Product Viewed",
        IDENTIFIED,
        "Product Viewed",
        "Product Viewed",
    ]
    assert [row["time"] for row in timeline(house, ANN, limit=1)] == [NOW + 2 * MINUTE]
    assert timeline(house, ANN, before=whole[1]["time"]) == whole[2:]


def test_taking_an_identity_out_moves_its_events_and_telling_again_does_not_move_them_back(
    house: House,
) -> None:
    before = house.profiles_of()
    unmerge(house, KIOSK, by="owner", now=NOW + 1)
    assert people_of(house) == {ANN, BOB, KIOSK}
    house.send(event(user="ann", anon="kiosk", time=NOW))
    house.drain()
    assert person_of(house.profiles, KIOSK) == KIOSK
    assert house.profiles_of() == house.profiles_anew() != before
    undo(house, KIOSK, by="owner", now=NOW + 2)
    assert person_of(house.profiles, KIOSK) == ANN
    assert house.profiles_of() == house.profiles_anew()


def test_people_are_joined_by_hand_and_that_is_taken_back(house: House) -> None:
    before = house.profiles_of()
    merge(house, ANN, BOB, by="owner", now=NOW)
    both = person_of(house.profiles, ANN)
    assert people_of(house) == {both} == {min(ANN, BOB)}
    assert house.profiles_of() == house.profiles_anew()
    assert "by hand" in {join.reason for one in person(house, both, now=NOW).identities for join in one.joins}
    undo(house, BOB, by="owner", now=NOW + 1)
    assert house.profiles_of() == before


def test_what_cannot_be_done_by_hand_is_said(house: House) -> None:
    with pytest.raises(BadInput, match="same person already"):
        merge(house, ANN, PHONE, by="owner", now=NOW)
    with pytest.raises(BadInput, match="take out another identity"):
        unmerge(house, ANN, by="owner", now=NOW)
    with pytest.raises(BadInput, match="nothing to take back"):
        undo(house, PHONE, by="owner", now=NOW)
    with pytest.raises(NotFound, match="nothing is known"):
        merge(house, ANN, 12345, by="owner", now=NOW)


def test_an_export_holds_everything(house: House) -> None:
    out = export(house, ANN, now=NOW)
    assert [one["known_as"] for one in out["identities"]] == ["u:ann", "a:kiosk", "a:phone"]
    assert len(out["events"]) == 4
    assert {row["alias"] for row in out["merges"]} == {PHONE, KIOSK}
    assert "Ann@Shop.example" in json.dumps(out)


def test_somebody_in_a_segment_of_a_type_of_customers_is_told_the_scores_and_their_limits(
    house: House,
) -> None:
    bob = house.profile("u:bob").person_id
    watched(house, fresh={"rfm": "new"}, early={"first_seen": {"$lt": NOW + DAY}}, few={"orders": 1})
    why = {one.key: one.why for one in person(house, bob, now=NOW + 3 * DAY).segments}
    assert why["fresh"] == (
        "RFM type new: ordered 2 days ago (5 of 5: at most 30), 1 order (1 of 5: fewer than 2), "
        "10.00 USD (1 of 5: less than 50.00 USD)"
    )
    assert why["few"] == "orders 1"
    assert why["early"].startswith("first seen before 20")


def watched(house: House, **rules: Any) -> None:
    """The house with these segments; everybody is settled and all moves so far are told."""
    for key, rule in rules.items():
        save(house.state, house.profiles, Segment(key=key, name=key, rule=rule), now=NOW)
    by = knowledge(house.state, house.settings)
    backfill(house.lake, house.profiles, by.ready, now=NOW)
    look_again(house.lake, house.profiles, by, now=NOW)


def test_joining_and_parting_by_hand_tells_no_moves_and_forgets_no_since(house: House) -> None:
    watched(house, buyers={"orders": {"$gte": 1}}, gold={"traits.plan": "gold"})
    both = sorted([ANN, BOB])
    assert house.profile("u:bob").segments == {"buyers": NOW}
    merge(house, *both, by="me", now=NOW + 10)
    assert house.profile("u:bob").segments == {"buyers": NOW, "gold": NOW}
    undo(house, both[0], by="me", now=NOW + 20)
    assert house.profile("u:ann").segments == {"gold": NOW}
    assert house.profile("u:bob").segments == {"buyers": NOW}
    assert not list(house.profiles.scan(Move))


def test_whose_first_row_is_one_of_the_houses_own_can_be_joined(house: House) -> None:
    watched(house, buyers={"orders": {"$gte": 1}})
    house.send(order("o9", user="eve", time=NOW + 5 * MINUTE))
    by = knowledge(house.state, house.settings)
    drain(house.journal, house.lake, house.profiles, by=by, now=NOW)  # the move is told before the order was
    look_again(house.lake, house.profiles, by, now=NOW)
    eve = identity("u:eve")
    merge(house, min(eve, BOB), max(eve, BOB), by="me", now=NOW + 10)
    assert person_of(house.profiles, eve) == person_of(house.profiles, BOB)
