"""A home that knows people by address: found, handed out and forgotten, and no file of its lake shows one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from tests.flow.site import MINUTE, NOW, event, order
from volano.domain.account import Import
from volano.domain.event import IDENTIFIED, Event, Intake
from volano.domain.profile import Profile
from volano.flow.forgetting import forget
from volano.flow.handing_out import export
from volano.flow.importing import run_import
from volano.flow.ingest import drain_all, rebuild_profiles
from volano.flow.inspecting import ImportRequest
from volano.flow.joining import merge, unmerge
from volano.flow.people import find, timeline
from volano.observe.identity import identity
from volano.settings import Settings
from volano.wiring import House, open_house, open_table

ANN, BOB = identity("u:ann"), identity("u:bob")
SECRETS = ("@shop.example", "Rosewood", "+49 170", "token-of")


def arrive(house: House, *events: Event) -> None:
    frame = Intake(source="web", received_at=NOW, events=[*events], refusals=[])
    house.journal.append_now(msgspec.msgpack.encode(frame))
    drain_all(house)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Ann, who was told of by tag, server and file, and Bob."""
    house = open_house(Settings(home=str(tmp_path / "home")))
    app: dict[str, Any] = {"context": {"device": {"id": "d1", "token": "token-of-ann"}}}
    traits = {"email": "Ann@shop.example", "lastName": "Rosewood", "plan": "gold", "phone": "+49 170 1"}
    arrive(house, event("Application Opened", anon="app", time=NOW, **app))
    arrive(house, event(IDENTIFIED, kind="identify", user="ann", anon="app", time=NOW + 1, properties=traits))
    bought = {
        "email": "ann@shop.example",
        "billing": {"firstName": "Rosewood"},
        "order_id": "1",
        "revenue": 9,
    }
    arrive(
        house,
        event("Order Completed", user="ann", time=NOW + MINUTE, properties=bought),
        order("2", user="bob"),
    )
    path = tmp_path / "file.csv"
    path.write_text(
        f"user_id,event,timestamp,email,city\nann,Signed Up,{NOW // 1_000_000 - 9},old@shop.example,Bonn\n"
    )
    run_import(house, open_table(path), ImportRequest(kind="events"), now=NOW)
    rebuild_profiles(house.lake, house.profiles, now=NOW)
    return house


def in_the_open(house: House) -> list[str]:
    """The secrets that a file of events in the lake shows, packed or unpacked."""
    found = []
    for path in (house.home / "lake").rglob("*.*"):
        text = path.read_bytes().decode("latin-1")
        text += str(pq.read_table(path).to_pydict()) if path.suffix == ".parquet" else ""
        found += [f"{one} in {path}" for one in SECRETS if one in text]
    return found


def test_files_of_the_lake_show_nobody_and_the_house_knows_all(house: House) -> None:
    before = dict(house.profiles.scan(Profile))
    assert before[ANN].email == "Ann@shop.example"
    assert before[ANN].devices["d1"].token == "token-of-ann"
    for _ in range(2):
        assert in_the_open(house) == []
        assert [one.person_id for one in find(house, "ann@shop.example")] == [ANN]
        assert [one.person_id for one in find(house, "old@shop.example")] == []  # no identify call told it
        told = str(timeline(house, ANN)) + str(export(house, ANN, now=NOW))
        assert all(secret in told for secret in SECRETS)
        rebuild_profiles(house.lake, house.profiles, now=NOW)
        assert dict(house.profiles.scan(Profile)) == before
        house.upkeep.compact()


def test_who_is_joined_and_taken_out_again_keeps_what_is_personal(house: House) -> None:
    before = dict(house.profiles.scan(Profile))
    merge(house, ANN, BOB, by="owner", now=NOW + 5)
    house.upkeep.compact()
    whose = find(house, "ann@shop.example")[0].person_id
    assert "+49 170 1" in str(export(house, whose, now=NOW))
    unmerge(house, next(one for one in (ANN, BOB) if one != whose), by="owner", now=NOW + 6)
    assert {one: person.email for one, person in house.profiles.scan(Profile)} == {
        one: person.email for one, person in before.items()
    }
    assert in_the_open(house) == []


def test_the_keys_go_with_the_people_and_who_comes_again_is_somebody_new(house: House) -> None:
    key = house.keys.of([ANN])[ANN]
    gone = forget(house, ["ann"], now=NOW, drain=int)
    assert (gone.people, gone.keys) == (1, 2)  # of the user id and of the app
    assert not any(key in path.read_bytes() for path in (house.home / "keys").iterdir())
    assert house.keys.of([ANN, identity("a:app")]) == {}
    assert forget(house, ["ann"], now=NOW, drain=int).keys == 0
    arrive(house, event(IDENTIFIED, kind="identify", user="ann", properties={"email": "new@shop.example"}))
    assert house.keys.of([ANN])[ANN] != key
    rebuild_profiles(house.lake, house.profiles, now=NOW)
    assert [one.email for one in find(house, "ann")] == ["new@shop.example"]
    assert len(house.state.find(Import)) == 1
