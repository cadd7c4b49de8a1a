"""Somebody is forgotten: wherever they are named, in whatever spelling, and nobody else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.flow.folk import ANN, BOB, KIOSK, PHONE, House, ann_and_bob, people_of
from tests.flow.site import NOW, event
from volano.domain.campaign import Cap
from volano.domain.durations import DAY
from volano.domain.erasure import Receipt
from volano.domain.event import IDENTIFIED, Event, Refusal
from volano.domain.identity import Address
from volano.domain.registry import Seen
from volano.domain.segment import Segment
from volano.domain.shop import Shop
from volano.errors import BadInput
from volano.flow.decide import person_of
from volano.flow.forgetting import forget, forget_just, mark
from volano.flow.handing_out import export
from volano.flow.people import find
from volano.flow.shop import save_shop, shop_of
from volano.observe.registry import seen_key
from volano.web.formats.format import sorted_out


@pytest.fixture(params=["memory", "disk"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    """Ann on her phone, Bob on the kiosk that Ann used first."""
    return ann_and_bob(tmp_path, disk=request.param == "disk")


def test_who_is_forgotten_is_nowhere(house: House) -> None:
    house.send(refusals=(Refusal(index=0, code="bad", message="no", sample='{"userId":"ann","x":1}'),))
    house.send(refusals=(Refusal(index=0, code="bad", message="no", sample='{"userId":"joanne"}'),))
    (house.home / "imports").mkdir(exist_ok=True)
    refused = house.home / "imports" / "imp_1-refused.csv"
    refused.write_text('line,reason,raw\n2,bad,"ann,x"\n3,bad,"joe,x"\n')
    receipt = house.forget("ann")
    assert receipt.people == 1
    assert (receipt.rows["events"], receipt.rows["quarantine"], receipt.lines) == (4, 1, 1)
    text = house.text()
    for name in ("u:ann", "phone", "Ann@", "'ann'", str(ANN), str(PHONE), str(KIOSK), '"ann"'):
        assert name not in text, name
    assert people_of(house) == {BOB}
    assert "ann" not in refused.read_text()
    assert "joe" in refused.read_text()
    assert find(house, "ann@shop.example") == find(house, "ann") == []
    assert house.profiles_of() == house.profiles_anew()
    assert "ann" not in str(house.state.find(Receipt))
    assert mark(receipt.secret, "ann") in receipt.marks


def test_what_somebody_was_given_is_counted_no_more_when_they_are_forgotten(house: House) -> None:
    once = [("c.1", Cap(times=1, days=7))]
    house.caps.fill([("c.1", one, (NOW,)) for one in (ANN, BOB, PHONE)])
    before = house.forget("nobody").records
    assert house.forget("ann").records > before + 2
    assert house.caps.take([ANN, PHONE], once, now=NOW + DAY) == {"c.1"}
    assert house.caps.take([BOB], once, now=NOW + DAY) == frozenset()


def test_an_address_of_long_ago_is_forgotten_too_and_does_not_come_back_with_a_repeat(house: House) -> None:
    calls = [
        event(
            IDENTIFIED, kind="identify", user="ann", time=NOW + at, properties={"email": f"{at}@old.example"}
        )
        for at in (10, 20)
    ]
    house.send(*calls)
    house.send(refusals=(Refusal(index=0, code="bad", message="no", sample='{"to":"10@old.example"}'),))
    house.drain()
    house.forget("ann")
    assert "@old.example" not in house.text()
    assert list(house.profiles.scan(Address)) == []
    house.send(*calls)
    house.drain()
    assert list(house.profiles.scan(Address)) == []


def test_forgetting_twice_does_no_harm_and_the_person_may_come_again(house: House) -> None:
    house.forget("ann", "phone")
    again = house.forget("ann", "phone", backups=lambda _: (["a"], ["b"]))
    assert (again.people, again.rows, again.records) == (0, {}, 0)
    assert (again.backups, again.unreached) == (("a",), ("b",))
    house.send(event(user="ann", anon="phone"))
    house.drain()
    assert person_of(house.profiles, PHONE) == ANN


@dataclass
class _CutShort:
    """A house that is switched off when a part of it is reached for."""

    house: House
    part: str

    def __getattr__(self, name: str) -> Any:
        if name == self.part:
            raise KeyboardInterrupt
        return getattr(self.house, name)


def test_forgetting_that_was_interrupted_is_completed_by_running_it_again(house: House) -> None:
    for part in ("journals", "corrections"):
        with pytest.raises(KeyboardInterrupt):
            forget(_CutShort(house, part), ["ann"], now=NOW, drain=house.drain)
    house.forget("ann")
    assert "u:ann" not in house.text()
    assert people_of(house) == {BOB}


def test_a_quarantined_event_is_found_by_whom_all_of_it_named(house: House) -> None:
    note = json.dumps({"note": "Ann Miller, 12 Rose Street", "more": "x" * 300, "userId": "ann"}).encode()
    (refused,) = sorted_out([note], lambda _: _refuse())[1]
    assert "userId" not in refused.sample
    house.send(refusals=(refused,))
    house.send(refusals=(Refusal(index=1, code="bad", message="no", sample="{}", named=(BOB,)),))
    house.drain()
    assert export(house, ANN, now=NOW)["quarantine"][0]["sample"].startswith('{"note": "Ann Miller')
    assert house.forget("ann").rows["quarantine"] == 1
    assert "Rose Street" not in house.text()
    assert len(house.rows("quarantine")) == 1


def _refuse() -> Event:
    raise BadInput("no")


def test_what_forget_would_take_of_refused_lines_is_handed_out(house: House) -> None:
    folder = house.home / "imports"
    folder.mkdir()
    (folder / "imp_1-refused.csv").write_text('line,reason,raw\n2,bad,"ann,x"\n3,bad,"joe,x"\n')
    assert export(house, ANN, now=NOW)["refused"] == [
        {"file": "imp_1-refused.csv", "row": ["2", "bad", "ann,x"]}
    ]


def test_examples_of_what_they_sent_are_dropped_and_come_again(house: House) -> None:
    key = seen_key("web", "Searched")
    for user, query in (("ann", "my old street"), ("bob", "tea")):
        house.send(event("Searched", user=user, properties={"query": query}))
    house.drain()
    house.forget("ann")
    seen = house.profiles.get(Seen, key)
    assert seen is not None
    assert seen.properties["query"].examples == ()
    assert seen.properties["query"].count == 2
    house.send(event("Searched", user="bob", properties={"query": "tea"}))
    house.drain()
    again = house.profiles.get(Seen, key)
    assert again is not None
    assert again.properties["query"].examples == ("tea",)


def test_they_are_taken_off_the_list_of_staff_and_rules_that_name_them_are_told(house: House) -> None:
    save_shop(house.state, Shop(staff=("ANN@shop.example", "bob", "@shop.example")), now=NOW)
    vip = Segment(key="vip", name="VIP", rule={"given.login": {"$in": ["ann"]}})
    house.state.put(vip, Segment(key="many", name="Many", rule={"orders": {"$gte": 4}}))
    receipt = house.forget("ann")
    assert shop_of(house.state).staff == ("bob", "@shop.example")
    assert (receipt.staff, receipt.rules) == (1, ("segment vip",))


def test_a_receipt_that_is_kept_cannot_be_tried_with_ids(house: House) -> None:
    receipt = house.forget("ann")
    (kept,) = house.state.find(Receipt)
    assert mark(receipt.secret, "ann") in receipt.marks == kept.marks
    assert receipt.secret not in str(kept)
    assert len(receipt.secret) == 32


def test_identities_are_forgotten_without_those_they_were_one_with(house: House) -> None:
    forget_just(house, [PHONE], now=NOW, drain=house.drain)
    assert person_of(house.profiles, KIOSK) == ANN
    assert {row["known_as"] for row in house.rows()} == {"a:kiosk", "u:ann", "u:bob"}
    assert house.profiles_of() == house.profiles_anew()
    forget_just(house, [ANN], now=NOW, drain=house.drain)
    assert people_of(house) == {BOB}
    assert person_of(house.profiles, KIOSK) == BOB  # whose kiosk it was told to be after that
    assert house.profiles_of() == house.profiles_anew()
    for name in ("u:ann", "phone", "Ann@", "'ann'", str(PHONE)):
        assert name not in house.text(), name


def test_what_is_told_again_brings_nobody_back(house: House) -> None:
    told = [event("Searched", user="ann", anon="phone", properties={"query": "my old street"})]
    house.send(*told)
    house.drain()
    house.forget("ann")
    house.send(*told)
    house.drain()
    for name in ("u:ann", "phone", "street", str(ANN), str(PHONE)):
        assert name not in house.text(), name
    assert people_of(house) == {BOB}


def test_no_free_page_of_the_live_store_still_names_them(house: House) -> None:
    for at in range(20):
        traits = {"email": f"{at}.{'x' * 9 * at}@rose.street", "push": f"token{at}"}
        house.send(event(IDENTIFIED, kind="identify", user="ann", anon="phone", properties=traits))
        house.send(event(user=f"joe{at}", anon=f"desk{at}"))
        house.drain()
    house.forget("ann")
    for path in (house.home / "live").rglob("data.mdb"):
        raw = path.read_bytes()
        assert [name for name in (b"u:ann", b"a:phone", b"rose.street", b"token") if name in raw] == []
        assert b"u:joe3" in raw
