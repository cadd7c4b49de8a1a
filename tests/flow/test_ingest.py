"""From the journal to the lake and the profiles."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.event import (
    EXPERIMENT_VIEWED,
    ORDER_COMPLETED,
    ORDER_REFUNDED,
    Decided,
    Decision,
    Event,
    Frame,
    Intake,
    Option,
    Refusal,
)
from volano.domain.profile import Profile
from volano.domain.tables import TABLES
from volano.domain.view import Offset, View
from volano.errors import BrokenHome
from volano.flow.ingest import drain, rebuild_profiles
from volano.observe.identity import identity, message_row, order_row
from volano.ports import Lake, Profiles, T
from volano.testing.journal_memory import MemoryJournal
from volano.testing.lake_memory import MemoryLake
from volano.testing.profiles_memory import MemoryProfiles

NOW = 1_795_289_253_000_000
MINUTE = 60_000_000
_numbers = count()


def event(name: str = "Product Viewed", *, user: str = "", anon: str = "", **fields: Any) -> Event:
    """An event with its own message id, unless one is given."""
    for json_field in ("properties", "context"):
        if json_field in fields:
            fields[json_field] = json.dumps(fields[json_field]).encode()
    defaults: dict[str, Any] = {
        "kind": "track",
        "event": name,
        "message_id": f"m{next(_numbers)}",
        "time": NOW,
    }
    return Event(**(defaults | {"user_id": user, "anonymous_id": anon} | fields))


def order(number: str, revenue: object = 10, **ids: Any) -> Event:
    """A completed order."""
    return event(ORDER_COMPLETED, properties={"order_id": number, "revenue": revenue}, **ids)


@dataclass
class Site:
    """Journal, lake and profiles of one test."""

    journal: MemoryJournal = field(default_factory=MemoryJournal)
    lake: Lake = field(default_factory=MemoryLake)
    profiles: Profiles = field(default_factory=MemoryProfiles)

    def send(self, *events: Event, source: str = "web", refusals: tuple[Refusal, ...] = ()) -> None:
        """One request to the journal."""
        self.frame(Intake(source=source, received_at=NOW, events=list(events), refusals=list(refusals)))

    def frame(self, frame: Frame) -> None:
        """One frame to the journal."""
        self.journal.append_now(msgspec.msgpack.encode(frame))

    def drain(self, limit: int = 2000) -> int:
        """All that waits; how many frames."""
        return sum(iter(lambda: drain(self.journal, self.lake, self.profiles, limit=limit), 0))

    def rows(self, table: str = "events") -> list[dict[str, Any]]:
        """The rows of a table, by time and id."""
        columns = tuple(name for name in TABLES[table].names if name not in ("person_id", "time"))
        found = self.lake.read(View(tables=(table,), columns=columns)).to_pylist()
        return sorted(found, key=lambda row: (row["time"], row["id"]))

    def profile(self, known: str) -> Profile:
        """The profile of whom an identity stands for."""
        found = self.profiles.get(self.profiles.person(identity(known)))
        assert found is not None
        return found


@pytest.fixture(params=["memory", "disk"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Once in memory, once with the adapters of a single machine."""
    if request.param == "memory":
        yield Site()
    else:
        yield Site(lake=DuckLake(tmp_path / "lake", 2), profiles=LmdbProfiles(tmp_path / "profiles"))


def test_an_event_becomes_a_row_with_everything_it_tells(site: Site) -> None:
    page = {"url": "https://shop.example/p/1?utm_source=mail&utm_medium=email", "path": "/p/1"}
    properties = {"product_id": 17, "price": 9.5, "note": "<script>alert(1)</script>"}
    context = {"page": page, "userAgent": "Mozilla/5.0 (iPhone)"}
    site.send(event(anon="a1", message_id="m1", properties=properties, context=context))
    assert site.drain() == 1
    (row,) = site.rows()
    assert row["person_id"] == row["identity"] == identity("a:a1")
    assert row["id"] == message_row("web", "m1")
    assert row["time"].timestamp() == NOW / 1e6
    told = {"known_as", "origin", "event", "source", "medium", "device", "path", "product"}
    assert {name: row[name] for name in told} == {
        "known_as": "a:a1",
        "origin": "web",
        "event": "Product Viewed",
        "source": "mail",
        "medium": "email",
        "device": "iphone",
        "path": "/p/1",
        "product": "17",
    }
    assert json.loads(row["properties"]) == properties
    assert row["revenue"] is row["currency"] is row["order_id"] is None


def test_a_page_call_without_context_tells_its_path_in_its_properties(site: Site) -> None:
    site.send(event("Page Viewed", kind="page", user="u", properties={"url": "https://shop.example/sale"}))
    site.drain()
    assert site.rows()[0]["path"] == "/sale"


@pytest.mark.parametrize(
    ("name", "properties", "revenue", "currency"),
    [
        (ORDER_COMPLETED, {"revenue": 39.9}, 3990, "USD"),
        (ORDER_COMPLETED, {"revenue": "39.90", "currency": "eur"}, 3990, "EUR"),
        (ORDER_COMPLETED, {"total": 1500, "currency": "JPY"}, 1500, "JPY"),
        (ORDER_COMPLETED, {"value": 2, "currency": "Euros"}, 200, "USD"),
        (ORDER_COMPLETED, {"products": [{"price": 2, "quantity": 3}, {"price": 1}]}, 700, "USD"),
        (ORDER_COMPLETED, {}, None, None),
        (ORDER_COMPLETED, {"revenue": 1e300}, None, None),
        (ORDER_REFUNDED, {"total": 5}, -500, "USD"),
        (ORDER_REFUNDED, {"revenue": -5}, -500, "USD"),
        ("Checkout Started", {"revenue": 39.9}, None, None),
    ],
)
def test_revenue_is_in_minor_units_and_refunds_are_negative(
    name: str, properties: dict[str, Any], revenue: int | None, currency: str | None
) -> None:
    site = Site()
    site.send(event(name, user="u", properties=properties))
    site.drain()
    assert (site.rows()[0]["revenue"], site.rows()[0]["currency"]) == (revenue, currency)


def test_an_order_has_a_line_for_each_product_or_one(site: Site) -> None:
    products = [{"product_id": "p1", "price": 2, "quantity": 3}, {"sku": "p2", "price": "1.5"}, "odd"]
    site.send(
        event(ORDER_COMPLETED, user="u", properties={"order_id": "o1", "revenue": 7, "products": products}),
        order("o2", 5, user="u"),
        event(ORDER_REFUNDED, user="u", properties={"order_id": "o1", "products": products[:1]}),
    )
    site.drain()
    lines = sorted(
        (row["order_id"], row["product"], row["quantity"], row["revenue"])
        for row in site.rows("order_lines")
        if row["product"]
    )
    assert lines == [("o1", "p1", 3, -600), ("o1", "p1", 3, 600), ("o1", "p2", 1, 150)]
    assert [row["revenue"] for row in site.rows("order_lines") if row["order_id"] == "o2"] == [500]


def test_the_same_message_or_order_is_one_row_and_counts_once(site: Site) -> None:
    first = event(user="u", message_id="same")
    site.send(first, order("o1", user="u"))
    site.drain()
    site.send(first, order("o1", user="u"), source="web")
    site.send(order("o1", user="u"), order("o2", user="u"), source="server")
    site.drain()
    assert len(site.rows()) == 3
    assert {row["id"] for row in site.rows()} >= {order_row("o1"), order_row("o2")}
    assert len(site.rows("order_lines")) == 2
    assert (site.profile("u:u").orders, site.profile("u:u").revenue) == (2, 2000)


def test_the_scope_of_a_message_id_is_its_source(site: Site) -> None:
    same = event(user="u", message_id="same")
    site.send(same, source="web")
    site.send(same, source="app")
    site.drain()
    assert len(site.rows()) == 2


def test_exposures_clicks_and_closes_name_campaign_and_variant(site: Site) -> None:
    offer = {"experiment_id": "c1", "variation_id": "popup", "round": 2}
    site.send(
        event(EXPERIMENT_VIEWED, anon="a", properties=offer),
        event("Campaign Clicked", anon="a", properties=offer),
    )
    site.send(event("Product Viewed", anon="a", properties=offer))
    site.drain()
    assert sorted(row["campaign"] or "" for row in site.rows()) == ["", "c1", "c1"]
    (row,) = site.rows("exposures")
    assert (row["campaign"], row["variant"], row["round"]) == ("c1", "popup", 2)


def test_a_decision_is_kept_with_its_options_and_its_draw_is_remembered(site: Site) -> None:
    options = [Option(variant="control", propensity=0.5), Option(variant="popup", propensity=0.5)]
    decision = Decision(
        decision_id="d1",
        campaign="c1",
        round=2,
        variant="popup",
        options=options,
        reason="r",
        assigned_by="a",
    )
    frame = Decided(
        source="web", received_at=NOW, anonymous_id="a", user_id="", path="/cart", decisions=[decision]
    )
    site.frame(frame)
    site.drain()
    (row,) = site.rows("decisions")
    assert (row["known_as"], row["variant"], row["propensity"], row["path"]) == ("a:a", "popup", 0.5, "/cart")
    assert json.loads(row["options"])[0] == {"variant": "control", "propensity": 0.5}
    assert site.profile("a:a").assigned == {"c1.2": "a"}
    rebuild_profiles(site.lake, site.profiles)
    assert site.profile("a:a").assigned == {"c1.2": "a"}


def test_refusals_become_rows_of_the_quarantine(site: Site) -> None:
    site.send(event(user="u"), refusals=(Refusal(index=3, code="no_id", message="send one", sample="{}"),))
    site.drain()
    (row,) = site.rows("quarantine")
    assert (row["origin"], row["index"], row["code"], row["message"]) == ("web", 3, "no_id", "send one")


def test_properties_that_nobody_can_read_are_quarantined_alone(site: Site) -> None:
    site.send(event(user="u"), event(user="u", properties={}), event(user="u"))
    bad = msgspec.structs.replace(event(user="u"), properties=b'{"x": 1e999}')
    site.send(bad, event(user="u"))
    site.drain()
    assert (len(site.rows()), [row["index"] for row in site.rows("quarantine")]) == (4, [0])


def test_properties_are_kept_up_to_eight_kilobytes() -> None:
    site = Site()
    site.send(event(user="u", properties={"a": 1, "long": "x" * 9000, "b": 2}))
    site.drain()
    assert json.loads(site.rows()[0]["properties"]) == {"a": 1}


def test_an_anonymous_visitor_becomes_the_user_they_sign_in_as(site: Site) -> None:
    site.send(event(anon="a1", time=NOW))
    site.drain()
    site.send(event("Identified", kind="identify", anon="a1", user="7", time=NOW + MINUTE))
    site.send(event(anon="a1", time=NOW + 2 * MINUTE), event(user="7", time=NOW + 3 * MINUTE))
    site.drain()
    assert {row["person_id"] for row in site.rows()} == {identity("u:7")}
    (merge,) = site.rows("merges")
    assert (merge["alias"], merge["person_id"]) == (identity("a:a1"), identity("u:7"))
    profile = site.profile("a:a1")
    assert (profile.person_id, profile.first_seen, profile.last_seen) == (
        identity("u:7"),
        NOW,
        NOW + 3 * MINUTE,
    )


def test_the_first_user_of_an_anonymous_id_keeps_it(site: Site) -> None:
    site.send(
        event(anon="a1", user="7"),
        event(anon="a1", user="8", message_id="second"),
        event(anon="a1", message_id="bare"),
    )
    site.drain()
    people = {row["id"]: row["person_id"] for row in site.rows()}
    assert people[message_row("web", "second")] == identity("u:8")
    assert people[message_row("web", "bare")] == identity("u:7")
    assert len(site.rows("merges")) == 1


def test_an_alias_links_the_previous_id(site: Site) -> None:
    site.send(order("o1", anon="old"))
    site.send(event("Aliased", kind="alias", anon="old", user="7"))
    site.drain()
    assert {row["person_id"] for row in site.rows()} == {identity("u:7")}
    assert site.profile("a:old").orders == 1


def test_an_order_told_by_the_tag_and_the_server_counts_once_when_both_turn_out_to_be_one(site: Site) -> None:
    site.send(order("o1", anon="a"))
    site.drain()
    site.send(order("o1", user="7"), source="server")
    site.drain()
    site.send(event(anon="a", user="7"))
    site.drain()
    assert (site.profile("a:a").orders, site.profile("a:a").revenue) == (1, 1000)


def test_frames_move_once_in_pieces_of_any_size(site: Site) -> None:
    for number in range(7):
        site.send(event(anon=f"a{number}"))
    assert site.drain(limit=2) == 7
    assert site.drain() == 0
    assert len(site.rows()) == 7


def history() -> list[Frame]:
    """Visits, sign-ins, orders and repeats of them."""
    frames: list[Frame] = []
    for number in range(12):
        who, at = f"a{number % 4}", NOW + number * MINUTE
        events = [event(anon=who, time=at, context={"campaign": {"source": f"s{number % 3}"}})]
        events.append(
            order(
                f"o{number % 4}-{number // 8}", anon=who, user=f"u{number % 4}" if number > 5 else "", time=at
            )
        )
        frames.append(Intake(source="web", received_at=at, events=events))
    return frames


def told(site: Site, names: range = range(4)) -> dict[str, Profile]:
    """The profiles of everybody in the history."""
    return {f"a:a{number}": site.profile(f"a:a{number}") for number in names}


class Stop(Exception):
    """The process is gone."""


@dataclass
class FailingProfiles:
    """Profiles whose process dies at the `at`-th put."""

    inner: Profiles
    at: int

    def get(self, person_id: int) -> Profile | None:
        return self.inner.get(person_id)

    def person(self, identity: int) -> int:
        return self.inner.person(identity)

    def put(self, profiles: Any, links: Mapping[int, int], upto: Offset | None) -> None:
        self.at -= 1
        if self.at == 0:
            raise Stop
        self.inner.put(profiles, links, upto)

    def offset(self, journal: str) -> int:
        return self.inner.offset(journal)

    def clear(self) -> None:
        self.inner.clear()


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_crash_between_lake_and_profiles_neither_loses_nor_repeats(at: int) -> None:
    frames = history()
    calm, crashed = Site(), Site()
    for site in (calm, crashed):
        for frame in frames:
            site.frame(frame)
    calm.drain(limit=3)
    failing = Site(crashed.journal, crashed.lake, FailingProfiles(crashed.profiles, at))
    with pytest.raises(Stop):
        failing.drain(limit=3)
    crashed.drain(limit=3)
    assert crashed.rows() == calm.rows()
    assert told(crashed) == told(calm)


def test_profiles_ahead_of_a_restored_lake_are_not_counted_twice() -> None:
    site = Site()
    for frame in history():
        site.frame(frame)
    ahead = Site(site.journal, MemoryLake(), site.profiles)
    journal = site.journal
    site.journal = MemoryJournal()
    for _, payload in journal.read(0, 99):
        site.journal.append_now(payload)
    site.drain()
    before = told(site)
    ahead.drain()
    assert told(ahead) == before
    assert ahead.rows() == site.rows()


def test_profiles_rebuilt_from_the_lake_are_those_that_grew(site: Site) -> None:
    for frame in history():
        site.frame(frame)
    site.drain(limit=5)
    grown = told(site)
    assert rebuild_profiles(site.lake, site.profiles) == 4
    assert told(site) == grown
    assert site.profiles.offset("j0") == site.lake.offset("j0")


def test_lost_profiles_are_made_anew_before_the_next_frames_move() -> None:
    site = Site()
    for frame in history():
        site.frame(frame)
    site.drain()
    grown = told(site)
    site.profiles.clear()
    site.send(event(anon="later"))
    site.drain()
    assert told(site) == grown


def test_a_frame_of_another_version_stops_the_drain_with_a_sentence() -> None:
    site = Site()
    site.journal.append_now(b"\x93\xa5other\x01\x02")
    with pytest.raises(BrokenHome, match="another version"):
        site.drain()


def test_what_a_lake_is_given_fits_its_tables() -> None:
    class Checking(MemoryLake):
        def append(self, rows: Mapping[str, pa.Table], upto: Offset | None = None) -> dict[str, int]:
            for name, table in rows.items():
                assert table.schema.equals(TABLES[name])
            return super().append(rows, upto)

        def tally(self, view: View, of: Callable[[pa.Table], T]) -> T | None:
            return super().tally(view, of)

    site = Site(lake=Checking())
    for frame in history():
        site.frame(frame)
    assert site.drain() == 12
