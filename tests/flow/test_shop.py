"""The settings of the shop, and how reports look through them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from msgspec.structs import replace

from volano.domain.change import Change
from volano.domain.identity import Address, Identity
from volano.domain.leak import Journey
from volano.domain.shop import Shop
from volano.domain.tables import TIME, filled
from volano.domain.view import View
from volano.errors import BadInput
from volano.flow.report import count_journey
from volano.flow.shop import Lens, save_shop, shop_of, staff_people
from volano.observe.identity import address_key, identity
from volano.settings import Settings
from volano.testing.lake_memory import MemoryLake
from volano.testing.profiles_memory import MemoryProfiles
from volano.testing.state_memory import MemoryState

NOW = 1_790_000_000_000_000
SHOP = Shop(name=" Tea & Co ", timezone="Europe/Berlin", week_start=6, currency="eur", margin=0.3)


def test_before_anybody_sets_something_the_environment_counts() -> None:
    found = shop_of(MemoryState(), Settings(currency="EUR", timezone="Europe/Paris"))
    assert (found.currency, found.timezone, found.margin, found.staff) == ("EUR", "Europe/Paris", None, ())


def test_what_is_saved_is_kept_tidied() -> None:
    state = MemoryState()
    save_shop(state, replace(SHOP, staff=(" 7 ", "", "7", "@tea.example")), now=NOW)
    kept = shop_of(state, Settings())
    assert (kept.name, kept.currency, kept.staff, kept.changed_at) == (
        "Tea & Co",
        "EUR",
        ("7", "@tea.example"),
        NOW,
    )
    assert kept.profit(1000) == 300


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"timezone": "Berlin"}, "time zone"),
        ({"timezone": "../etc"}, "time zone"),
        ({"currency": "Euro"}, "three letters"),
        ({"week_start": 7}, "0 is Monday"),
        ({"margin": 0.0}, "share above 0"),
        ({"margin": 30.0}, "share above 0"),
        ({"margin": float("nan")}, "share above 0"),
        ({"staff": ("@tea",)}, "no domain"),
        ({"staff": tuple(map(str, range(1001)))}, "try a domain"),
        ({"marks": {"from": "place"}}, "it can be source, medium"),
        ({"marks": {"a&b": "source"}}, "parameter of an address"),
    ],
)
def test_what_cannot_be_is_refused_with_the_mend(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        save_shop(MemoryState(), replace(SHOP, **change), now=NOW)


def rows(*told: tuple[str, str, str, str | None]) -> pa.Table:
    """Events (known as, event, properties, bot)."""
    size = len(told)
    ids = pa.array([identity(one[0]) for one in told], pa.int64())
    times = pa.array(range(size), pa.int64()).cast(TIME)
    names = ("known_as", "event", "properties", "bot")
    columns = {name: pa.array([one[i] for one in told], pa.string()) for i, name in enumerate(names)}
    numbers = pa.array(range(size), pa.int64())
    return filled("events", {"person_id": ids, "identity": ids, "id": numbers, "time": times, **columns})


def test_staff_are_found_by_id_by_address_and_by_domain() -> None:
    profiles, lake = MemoryProfiles(), MemoryLake()
    boss, ann = identity("u:boss"), identity("u:ann")
    joined = Identity(identity=boss, known_as="u:boss", person_id=99)
    known = Address(key=address_key("ann@post.example"), identities=(ann,))
    profiles.put(Change(puts=((boss, joined), (known.key, known))))
    told = [
        ("u:bob", "Identified", '{"email": "Bob@Tea.example"}', None),
        ("u:eve@tea.example", "Identified", "{}", None),
        ("u:joe", "Identified", '{"email": "joe@elsewhere.example"}', None),
        ("u:odd", "Identified", '{"email": 7}', None),
    ]
    lake.append({"events": rows(*told)})
    shop = Shop(staff=("boss", "Ann@Post.example", "@tea.example", "nobody"))
    found = staff_people(profiles, lake, shop)
    assert {99, ann, identity("u:bob"), identity("u:eve@tea.example")} <= set(found)
    assert not {identity("u:joe"), identity("u:odd")} & set(found)
    assert found == tuple(sorted(found))
    assert staff_people(profiles, lake, Shop()) == ()


def test_reports_see_neither_bots_nor_staff() -> None:
    lake = MemoryLake()
    visits = [
        (f"a:{who}", "Page Viewed", "{}", "crawler: X" if who == "bot" else None) for who in ("1", "bot", "2")
    ]
    lake.append({"events": rows(*visits)})
    lens = Lens(staff=(identity("a:2"),))
    assert lens.on(View()).humans
    for seen, people in ((Lens(), 2), (lens, 1)):
        tally = count_journey(lake, Journey(), lens=seen)
        assert tally is not None
        assert tally.steps[0]["people"] == people
    assert lake.read(View()).num_rows == 3
