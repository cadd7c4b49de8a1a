"""People are found, looked at, joined and parted by hand, handed out and forgotten."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.flow.site import MINUTE, NOW, Site, event, order
from volano.adapters.census_parquet import ParquetCensus
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.erasure import Receipt
from volano.domain.event import IDENTIFIED, Refusal
from volano.domain.identity import Address, Identity, Kin
from volano.domain.profile import Profile
from volano.domain.registry import Seen
from volano.domain.tables import TABLES
from volano.domain.view import View
from volano.errors import BadInput, NotFound
from volano.flow.decide import person_of
from volano.flow.forgetting import forget, mark
from volano.flow.ingest import rebuild_profiles
from volano.flow.joining import merge, undo, unmerge
from volano.flow.people import export, find, found_one, person, timeline
from volano.observe.identity import identity
from volano.settings import Settings
from volano.testing.profiles_memory import MemoryProfiles
from volano.testing.state_memory import MemoryState

ANN, BOB, PHONE, KIOSK = (identity(name) for name in ("u:ann", "u:bob", "a:phone", "a:kiosk"))


@dataclass
class House(Site):
    """A site with all that a house has of people."""

    home: Path = Path()
    state: MemoryState = field(default_factory=MemoryState)
    settings: Settings = field(default_factory=Settings)

    @property
    def corrections(self) -> Any:
        """The lake corrects itself."""
        return self.lake

    def journals(self) -> list[Any]:
        """The one journal."""
        return [self.journal]

    def forget(self, *ids: str, **said: Any) -> Receipt:
        """Forgets them now."""
        return forget(self, ids, now=NOW, drain=self.drain, **said)

    def profiles_of(self) -> dict[Any, Profile]:
        """The profiles as they are."""
        return dict(self.profiles.scan(Profile))

    def profiles_anew(self) -> dict[Any, Profile]:
        """The profiles made anew from the lake."""
        store = MemoryProfiles()
        rebuild_profiles(self.lake, store, now=NOW)
        return dict(store.scan(Profile))

    def text(self) -> str:
        """Everything that the lake, the store and the journal hold, as one text."""
        tables = [self.lake.read(View(tables=(name,), columns=tuple(TABLES[name].names))) for name in TABLES]
        kinds = (Identity, Kin, Address, Profile, Seen)
        records = [list(self.profiles.scan(kind)) for kind in kinds]
        waiting = list(self.journal.read(self.journal.end, 99))
        return str([[table.to_pylist() for table in tables], records, waiting])


@pytest.fixture(params=["memory", "disk"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    """Ann on her phone, Bob on the kiosk that Ann used first."""
    made = House(home=tmp_path)
    if request.param == "disk":
        made = House(
            home=tmp_path,
            lake=DuckLake(tmp_path / "lake", 2),
            profiles=LmdbProfiles(tmp_path / "live"),
            on_disk=ParquetCensus(tmp_path / "live"),
        )
    made.send(event(anon="phone", time=NOW), event(anon="kiosk", time=NOW + 1))
    told = {"kind": "identify", "properties": {"email": "Ann@Shop.example", "plan": "gold", "login": "ann"}}
    made.send(event(IDENTIFIED, user="ann", anon="phone", time=NOW + MINUTE, **told))
    made.send(event("Product Viewed", user="ann", anon="kiosk", time=NOW + 2 * MINUTE))
    made.send(order("o1", user="bob", anon="kiosk", time=NOW + 3 * MINUTE))
    made.drain()
    return made


def people_of(house: House) -> set[int]:
    return set(house.lake.read(View(columns=("event",)))["person_id"].to_pylist())


def test_somebody_is_found_by_any_id_and_by_email(house: House) -> None:
    for text in ("ann", " phone ", "kiosk", "u:ann", "a:phone", str(ANN), "ann@shop.EXAMPLE"):
        assert [one.person_id for one in find(house, text)] == [ANN], text
    assert find(house, "nobody") == find(house, "") == []
    with pytest.raises(NotFound, match="nobody is known as 'nobody'"):
        found_one(house, "nobody")


def test_a_persons_page_says_why_each_identity_is_theirs(house: House) -> None:
    page = person(house, ANN)
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
    assert "by hand" in {join.reason for one in person(house, both).identities for join in one.joins}
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
    out = export(house, ANN)
    assert [one["known_as"] for one in out["identities"]] == ["u:ann", "a:kiosk", "a:phone"]
    assert len(out["events"]) == 4
    assert {row["alias"] for row in out["merges"]} == {PHONE, KIOSK}
    assert "Ann@Shop.example" in json.dumps(out)


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
    assert mark(receipt.key, "ann") in receipt.marks


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
