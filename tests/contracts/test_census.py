"""What every census promises: it tells what the profiles tell, whatever happened to them meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.observe.traits.blocks import DAY, NOW, block, decision, row
from tests.valkey_server import Server
from volano.adapters.census_parquet import ParquetCensus
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.adapters.profiles_valkey import ValkeyProfiles
from volano.domain.change import Change, Packed
from volano.domain.profile import Profile
from volano.domain.rfm import RfmBounds
from volano.domain.shop import Shop
from volano.flow import everybody as flow
from volano.flow.everybody import everybody, given_kinds, left_out
from volano.flow.shop import Lens
from volano.observe import census as rules
from volano.observe.traits import facts, people, tally
from volano.observe.traits.rfm import USUAL
from volano.ports import Census, Profiles
from volano.testing.census_memory import MemoryCensus
from volano.testing.profiles_memory import MemoryProfiles

OTHERS = RfmBounds(days=(1, 2, 3, 4), orders=(2, 3, 4, 5), money=(1, 2, 3, 4))


@dataclass
class Store:
    """Profiles and their census."""

    profiles: Profiles
    census: Census
    folder: Path | None = None


def store_of(kind: str, folder: Path) -> Store:
    if kind == "memory":
        in_memory = MemoryProfiles()
        return Store(in_memory, MemoryCensus(in_memory))
    profiles = LmdbProfiles(folder)
    return Store(profiles, ParquetCensus(folder, profiles.notes), folder)


def on_server(valkey: Server, folder: Path) -> Store:
    profiles = ValkeyProfiles(valkey.room(token_hex(8)), folder)
    return Store(profiles, ParquetCensus(folder, profiles.notes), folder)


@pytest.fixture(params=["memory", "disk", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "server":
        return on_server(request.getfixturevalue("valkey"), tmp_path / "profiles")
    return store_of(request.param, tmp_path / "profiles")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change is worth writing down, and two of them crowd the small table."""
    monkeypatch.setattr(flow, "WORTH", 1)
    monkeypatch.setattr(rules, "LATE_ROOM", 1)


def somebody(person: int, kind: int = 0) -> Profile:
    """A profile with this and that, which time alone changes in many ways."""
    told: list[dict[str, Any]] = [
        row(
            "Product Viewed",
            at=99.0 - kind,
            source="google",
            medium="organic",
            category=f"c{kind}",
            price=900,
        ),
        row("Product Added", at=99.1 - kind, product="shoe", price=1_200, quantity=2),
        row("Push Notification Received", at=98.0 - kind),
        row("Page Viewed", at=60.0, device_id="d", push_token=f"t{kind}", os="Android"),
        row(
            "Identified",
            at=50.0,
            properties={"plan": ["free", 3, 2.5, True][kind % 4], "email": "a@b.example"},
        ),
        decision("c", "x"),
    ]
    if kind % 2:
        told.append(row("Order Completed", at=70.0 + kind, revenue=5_000 * kind))
    one = {**dict.fromkeys(("person_id",), person)}
    return tally(block([{**each, **one} for each in told[: 3 + kind]]), zone="Europe/Berlin")[0]


def put(store: Store, *some: Profile, drops: tuple[int, ...] = (), afresh: bool = False) -> None:
    store.profiles.put(
        Change(
            puts=tuple((one.person_id, one) for one in some),
            drops=tuple((Profile, one) for one in drops),
            afresh=(Profile,) if afresh else (),
        )
    )


def rows_of(table: Any) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda each: each["person_id"])


def same(store: Store, now: int = NOW, names: list[str] | None = None, bounds: RfmBounds = USUAL) -> bool:
    """Whether it tells just what the profiles tell."""
    ours = everybody(store, names, now=now, lens=Lens(shop=Shop(rfm=bounds)))
    theirs = people((one for _, one in store.profiles.scan(Profile)), now=now, bounds=bounds, names=names)
    assert rows_of(ours) == rows_of(theirs)
    assert ours.schema.equals(theirs.schema)
    return True


def test_it_follows_who_comes_changes_and_goes(store: Store) -> None:
    assert same(store)
    put(store, *(somebody(one, one % 4) for one in range(40)))
    assert same(store)
    put(store, somebody(3, 3), somebody(99, 1), drops=(5, 6))
    assert same(store)
    assert same(store, names=["orders", "days_since_order", "traits.plan", "category"])
    put(store, somebody(5, 2))
    store.profiles.put(Change(packed=(Packed.of(Profile, [(7, somebody(7, 1)), (8, somebody(8, 2))]),)))
    assert same(store)
    put(store, somebody(1), afresh=True)
    assert same(store)


def test_time_alone_changes_it(store: Store) -> None:
    put(store, *(somebody(one, one % 4) for one in range(12)))
    for days in (0, 1, 6, 7, 8, 29, 30, 31, 200, 269, 271, 700):
        assert same(store, NOW + days * DAY)


def test_other_limits_of_the_types_change_it(store: Store) -> None:
    put(store, *(somebody(one, one % 4) for one in range(12)))
    assert same(store)
    assert same(store, bounds=OTHERS)
    assert same(store)


def test_only_who_changed_is_worked_out_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store, *(somebody(one, one % 4) for one in range(30)))
    everybody(store, now=NOW)
    looked: list[int] = []

    def told(profile: Profile, **asked: Any) -> dict[str, Any]:
        looked.append(profile.person_id)
        return facts(profile, **asked)

    monkeypatch.setattr("volano.observe.traits.facts", told)
    put(store, somebody(4, 3), somebody(31, 1), drops=(9,))
    everybody(store, now=NOW)
    everybody(store, ["orders"], now=NOW)
    assert sorted(looked) == [4, 31]
    whole = [(one, somebody(one, 2 if one == 7 else one % 4)) for one in (1, 2, 7, 8)]
    store.profiles.put(Change(packed=(Packed.of(Profile, whole),)))
    everybody(store, now=NOW)
    assert sorted(looked) == [4, 7, 31]  # the others were put as they were


def test_a_change_while_it_is_kept_is_not_lost(store: Store) -> None:
    put(store, *(somebody(one, one % 4) for one in range(10)))
    census = store.census
    with census.turn():
        seen = census.look(rules.stamp())
        rows = [*flow._all(store.profiles, NOW, USUAL, None)]
        put(store, somebody(2, 3), somebody(50))
        census.keep(seen, rows[0].slice(0, 0), rows)
    assert same(store)


def test_what_was_made_afresh_meanwhile_is_not_kept(store: Store) -> None:
    put(store, *(somebody(one) for one in range(10)))
    census = store.census
    with census.turn():
        seen = census.look(rules.stamp())
        rows = [*flow._all(store.profiles, NOW, USUAL, None)]
        put(store, somebody(1, 3), afresh=True)
        census.keep(seen, rows[0].slice(0, 0), rows)
    assert same(store)


def test_who_is_left_out_is_in_no_file(store: Store) -> None:
    put(store, *(somebody(one, 2) for one in range(10)))
    everybody(store, now=NOW)
    put(store, Profile(person_id=4, given={"name": (1, "Annabel Unlikely")}))
    everybody(store, now=NOW)
    put(store, drops=(4,))
    left_out(store, [4])
    base, late = store.census.read(["person_id"])
    assert 4 not in [*base["person_id"].to_pylist(), *late["person_id"].to_pylist()]
    if store.folder is not None:
        assert not any(b"Annabel" in path.read_bytes() for path in store.folder.rglob("*.parquet"))
    assert same(store)


def test_who_is_left_out_is_in_no_file_that_is_kept_no_more(tmp_path: Path) -> None:
    store = store_of("disk", tmp_path / "profiles")
    put(store, Profile(person_id=4, given={"name": (1, "Annabel Unlikely")}))
    everybody(store, now=NOW)
    put(store, Profile(person_id=5), afresh=True)  # nothing is kept of the people any more
    left_out(store, [4])
    assert not any(b"Annabel" in path.read_bytes() for path in (tmp_path / "profiles" / "census").iterdir())
    assert same(store)


def test_the_given_traits_there_are_can_be_asked_for(store: Store) -> None:
    put(store, somebody(1, 2), somebody(2, 2), somebody(3, 3))
    kinds = given_kinds(store, now=NOW)
    assert {key: str(type_) for key, type_ in kinds.items()} == {"plan": "double", "email": "string"}
    assert given_kinds(Store(MemoryProfiles(), MemoryCensus(MemoryProfiles())), now=NOW) == {}


def test_files_that_are_lost_are_made_anew(tmp_path: Path) -> None:
    store = store_of("disk", tmp_path / "profiles")
    put(store, *(somebody(one, one % 4) for one in range(10)))
    everybody(store, now=NOW)
    for path in (tmp_path / "profiles" / "census").iterdir():
        path.unlink()
    assert same(store)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "put", "drop", "afresh", "ask", "ask", "out", "later"]),
        st.integers(0, 6),
        st.integers(0, 3),
    ),
    max_size=25,
)


@pytest.mark.parametrize("kind", ["memory", "disk", "server"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_it_tells_what_the_profiles_tell_after_any_history(
    request: pytest.FixtureRequest, kind: str, steps: list[tuple[str, int, int]]
) -> None:
    valkey = request.getfixturevalue("valkey") if kind == "server" else None
    with TemporaryDirectory() as name:
        folder, now = Path(name) / "profiles", NOW
        store = on_server(valkey, folder) if valkey else store_of(kind, folder)
        for what, person, how in steps:
            if what == "put":
                put(store, somebody(person, how))
            elif what == "drop":
                put(store, drops=(person,))
            elif what == "afresh":
                put(store, somebody(person, how), afresh=True)
            elif what == "out":
                put(store, drops=(person,))
                left_out(store, [person])
            elif what == "later":
                now += how * 5 * DAY
            else:
                assert same(store, now)
        assert same(store, now)
