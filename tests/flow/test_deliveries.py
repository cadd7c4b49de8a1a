"""What left the house: it comes through the journal once, and goes with whom it tells of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.flow.folk import ANN, BOB, KIOSK, House, ann_and_bob
from tests.flow.site import NOW
from volano.domain.event import Delivered, Delivery
from volano.domain.tables import HAPPENED, OF_PEOPLE
from volano.flow.handing_out import export
from volano.flow.ingest import rebuild_profiles
from volano.flow.joining import unmerge
from volano.flow.people import timeline


@pytest.fixture(params=["memory", "disk"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    """Ann on her phone and the kiosk; Bob."""
    return ann_and_bob(tmp_path, disk=request.param == "disk")


def told(name: str, identity: int = ANN, **more: Any) -> Delivery:
    """Something that a web hook told."""
    said: dict[str, Any] = {
        "receiver": "crm",
        "about": "segment.entered vip",
        "status": "delivered",
        "attempts": 2,
    }
    return Delivery(
        **said | {"delivery_id": name, "identity": identity, "time": NOW, "channel": "webhook"} | more
    )


def came(house: House, *deliveries: Delivery) -> None:
    """They come through the journal."""
    house.frame(Delivered(received_at=NOW, deliveries=list(deliveries)))
    house.drain()


def test_a_delivery_is_a_row_about_the_person_once_however_often_it_is_told(house: House) -> None:
    came(house, told("one"), told("two", status="failed", reason="it answered 500"))
    came(house, told("one"))
    rows = {row["status"]: row for row in house.rows("deliveries")}
    assert len(house.rows("deliveries")) == 2
    assert rows["delivered"] | {"id": 0} == {
        "id": 0,
        "person_id": ANN,
        "identity": ANN,
        "known_as": None,
        "origin": "volano",
        "channel": "webhook",
        "receiver": "crm",
        "about": "segment.entered vip",
        "status": "delivered",
        "reason": None,
        "attempts": 2,
        "campaign": None,
        "variant": None,
        "round": None,
    } | {"time": rows["delivered"]["time"]}
    assert rows["failed"]["reason"] == "it answered 500"


def test_it_changes_nothing_of_what_is_known_of_the_person(house: House) -> None:
    before = house.profiles_of()
    came(house, told("one"))
    assert house.profiles_of() == before == house.profiles_anew()


def test_it_stands_on_the_timeline_and_in_what_is_handed_out(house: House) -> None:
    came(house, told("one", time=NOW + 10**9))
    first = timeline(house, ANN)[0]
    assert (first["table"], first["about"], first["receiver"]) == ("deliveries", "segment.entered vip", "crm")
    assert [row["about"] for row in export(house, ANN, now=NOW)["deliveries"]] == ["segment.entered vip"]
    assert not any(row["table"] == "deliveries" for row in timeline(house, BOB))
    assert "deliveries" in OF_PEOPLE
    assert "deliveries" in HAPPENED


def test_it_goes_with_the_identity_that_it_was_told_of(house: House) -> None:
    came(house, told("one", KIOSK))
    assert [row["table"] for row in timeline(house, ANN)].count("deliveries") == 1
    unmerge(house, KIOSK, by="owner", now=NOW + 1)
    assert [row["table"] for row in timeline(house, KIOSK)].count("deliveries") == 1


def test_who_is_forgotten_is_in_no_delivery_not_even_in_one_that_was_under_way(house: House) -> None:
    came(house, told("one"), told("two", BOB))
    house.drain()
    assert house.forget("ann").rows["deliveries"] == 1
    came(house, told("late"), told("later", KIOSK), told("three", BOB))
    assert [row["identity"] for row in house.rows("deliveries")] == [BOB, BOB]
    rebuild_profiles(house.lake, house.profiles, now=NOW)
    assert len(house.profiles_of()) == 1
