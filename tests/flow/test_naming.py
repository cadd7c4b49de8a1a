"""A shop's own words: said, looked at, read into the past and taken back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from volano.adapters.lake_duckdb import DuckLake
from volano.domain.event import ORDER_COMPLETED, Event, Intake
from volano.domain.naming import Naming
from volano.domain.tables import TABLES
from volano.domain.view import View
from volano.errors import BadInput, NotFound
from volano.flow.naming import drop_naming, names_of, preview, reread, save_naming
from volano.observe.identity import identity, order_row
from volano.observe.naming import Names
from volano.observe.rows import Rows
from volano.settings import Settings
from volano.testing.keys_memory import MemoryKeys
from volano.testing.lake_memory import MemoryLake
from volano.testing.profiles_memory import MemoryProfiles
from volano.testing.state_memory import MemoryState

NOW = 1_790_000_000_000_000
WORDS = {"transaction_id": "order_id", "items": "products", "items.item_id": "product_id"}
PURCHASE = Naming(key="", event="purchase", to=ORDER_COMPLETED, properties=WORDS)
PARTS = [name for name in TABLES["events"].names if name not in ("id", "person_id")]


@dataclass
class Shop:
    """A house that events come to."""

    lake: Any
    state: MemoryState = field(default_factory=MemoryState)
    profiles: MemoryProfiles = field(default_factory=MemoryProfiles)
    settings: Settings = field(default_factory=lambda: Settings(currency="EUR"))
    sent: int = 0

    def send(self, name: str, *, source: str = "web", who: str = "a1", **properties: Any) -> None:
        """One event through the drain."""
        self.sent += 1
        event = Event(
            kind="track",
            event=name,
            message_id=f"m{self.sent}",
            time=NOW + self.sent,
            anonymous_id=who,
            properties=json.dumps(properties).encode(),
        )
        rows = Rows({}, "EUR", names=names_of(self.state))
        rows.add(Intake(source=source, received_at=NOW, events=[event]), "j0", self.sent)
        self.lake.append(rows.tables())

    def rows(self, table: str = "events") -> list[dict[str, Any]]:
        """The rows of a table, oldest first."""
        columns = tuple(name for name in TABLES[table].names if name not in ("person_id", "time"))
        found = self.lake.read(View(tables=(table,), columns=columns)).to_pylist()
        return sorted(found, key=lambda row: (row["time"], row["id"]))


@pytest.fixture(params=["memory", "disk"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """Once in memory, once on disk."""
    disk = DuckLake(tmp_path / "lake", 2, keys=MemoryKeys()) if request.param == "disk" else None
    return Shop(disk or MemoryLake())


def buy(shop: Shop, number: str, **more: Any) -> None:
    """A purchase in the words of GA4."""
    items = [{"item_id": "t1", "price": 4}, {"item_id": "t2", "price": 5}]
    shop.send("purchase", transaction_id=number, value=9, items=items, **more)


def test_the_past_is_read_again_and_back(shop: Shop) -> None:
    buy(shop, "T1")
    shop.send("Product Viewed", product_id="t1")
    buy(shop, "T2", who="a2")
    before = shop.rows()
    kept = save_naming(shop, PURCHASE, now=NOW)
    assert reread(shop, shop.lake, kept) == {identity("a:a1"), identity("a:a2")}
    orders = [row for row in shop.rows() if row["event"] == ORDER_COMPLETED]
    assert [(row["told"], row["revenue"], row["order_id"], row["id"]) for row in orders] == [
        ("purchase", 900, "T1", order_row("T1")),
        ("purchase", 900, "T2", order_row("T2")),
    ]
    assert sorted(
        (line["order_id"], line["product"], line["revenue"]) for line in shop.rows("order_lines")
    ) == [
        ("T1", "t1", 400),
        ("T1", "t2", 500),
        ("T2", "t1", 400),
        ("T2", "t2", 500),
    ]
    assert reread(shop, shop.lake, kept) == {identity("a:a1"), identity("a:a2")}
    assert len(shop.rows("order_lines")) == 4
    drop_naming(shop, kept.key, now=NOW)
    assert reread(shop, shop.lake, kept) == {identity("a:a1"), identity("a:a2")}
    assert [{name: row[name] for name in PARTS} for row in shop.rows()] == [
        {name: row[name] for name in PARTS} for row in before
    ]
    assert shop.rows("order_lines") == []


def test_an_order_counts_once_however_often_it_was_told(shop: Shop) -> None:
    buy(shop, "T1")
    buy(shop, "T1")
    shop.send(ORDER_COMPLETED, source="server", order_id="T2", total=9)
    buy(shop, "T2")
    kept = save_naming(shop, PURCHASE, now=NOW)
    reread(shop, shop.lake, kept)
    assert [row["event"] for row in shop.rows()] == [ORDER_COMPLETED, "purchase", ORDER_COMPLETED, "purchase"]
    buy(shop, "T1")
    assert sum(row["event"] == ORDER_COMPLETED for row in shop.rows()) == 2
    drop_naming(shop, kept.key, now=NOW)
    reread(shop, shop.lake, kept)
    assert sorted(row["event"] for row in shop.rows()) == [ORDER_COMPLETED] + ["purchase"] * 3


@pytest.mark.parametrize("event", ["purchase", ORDER_COMPLETED])
def test_what_was_imported_keeps_its_money_whatever_is_named(shop: Shop, event: str) -> None:
    row = {"person_id": 7, "time": NOW, "id": order_row("T1"), "identity": 7, "known_as": "u:7"}
    row |= {"origin": "imp_1", "event": event, "order_id": "T1", "revenue": 900, "properties": "{}"}
    line = {**{name: row[name] for name in ("person_id", "time", "identity")}, "id": 5, "revenue": 900}
    shop.lake.append(
        {
            "events": pa.Table.from_pylist([row], schema=TABLES["events"]),
            "order_lines": pa.Table.from_pylist([line], schema=TABLES["order_lines"]),
        }
    )
    shop.send("purchase", transaction_id="T2", total=9)
    before = shop.rows(), shop.rows("order_lines")
    kept = save_naming(shop, Naming(**_fields(event=event)), now=NOW)
    assert 7 not in reread(shop, shop.lake, kept)
    assert shop.rows()[0] == before[0][0]
    assert before[1][0] in shop.rows("order_lines")
    assert [one.source for one in preview(shop.lake, kept, currency="EUR", now=NOW + 1_000)] in (["web"], [])
    drop_naming(shop, kept.key, now=NOW)
    reread(shop, shop.lake, kept)
    assert shop.rows()[0] == before[0][0]


def test_no_event_is_lost_where_another_naming_tells_the_same_order(shop: Shop) -> None:
    save_naming(shop, Naming(**_fields(event=ORDER_COMPLETED, source="server")), now=NOW)
    buy(shop, "T1")
    shop.send(ORDER_COMPLETED, source="server", order_id="T1", total=9)
    kept = save_naming(shop, PURCHASE, now=NOW)
    reread(shop, shop.lake, kept)
    assert [(row["event"], row["order_id"]) for row in shop.rows()] == [
        ("purchase", None),
        (ORDER_COMPLETED, "T1"),
    ]


def test_a_naming_of_one_source_leaves_the_others_alone(shop: Shop) -> None:
    buy(shop, "T1")
    buy(shop, "T2", source="app")
    kept = save_naming(shop, Naming(**_fields(source="app")), now=NOW)
    reread(shop, shop.lake, kept)
    assert [(row["origin"], row["event"]) for row in shop.rows()] == [
        ("web", "purchase"),
        ("app", ORDER_COMPLETED),
    ]


def _fields(**changes: Any) -> dict[str, Any]:
    return {"key": "", "event": "purchase", "to": ORDER_COMPLETED, "properties": WORDS} | changes


def test_the_last_ten_events_are_shown_before_and_after(shop: Shop) -> None:
    for number in range(12):
        buy(shop, f"T{number}")
    found = preview(shop.lake, PURCHASE, currency="EUR", now=NOW + 60)
    assert len(found) == 10
    assert found[0].time > found[-1].time
    assert found[0].event == "purchase"
    assert found[0].properties["transaction_id"] == "T11"
    assert (found[0].after["event"], found[0].after["order_id"], found[0].after["revenue"]) == (
        ORDER_COMPLETED,
        "T11",
        900,
    )
    assert shop.rows()[0]["event"] == "purchase"
    assert preview(shop.lake, Naming(**_fields(event="sale")), currency="EUR", now=NOW) == []


@pytest.mark.parametrize(
    ("naming", "said"),
    [
        (Naming(key="", event=" ", to=ORDER_COMPLETED), "name of an event"),
        (Naming(key="", event="buy", to="Bought"), "no standard event"),
        (Naming(key="", event=ORDER_COMPLETED, to=ORDER_COMPLETED), "already"),
    ],
)
def test_a_naming_that_says_nothing_is_refused(naming: Naming, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        save_naming(Shop(MemoryLake()), naming, now=NOW)


def test_a_naming_is_kept_tidied_under_its_own_key() -> None:
    shop = Shop(MemoryLake())
    state = shop.state
    kept = save_naming(
        shop, Naming(**_fields(source="app", properties={" a ": " order_id ", "b": ""})), now=NOW
    )
    assert (kept.key, kept.properties, kept.made_at) == ("app:purchase", {"a": "order_id"}, NOW)
    assert names_of(state).of("app", "purchase") == kept
    drop_naming(shop, kept.key, now=NOW)
    assert not names_of(state)
    assert isinstance(names_of(state), Names)
    with pytest.raises(NotFound):
        drop_naming(shop, kept.key, now=NOW)


def test_a_property_of_a_standard_event_may_be_named_too(shop: Shop) -> None:
    shop.send(ORDER_COMPLETED, transaction_id="T1", total=9)
    kept = save_naming(shop, Naming(**_fields(event=ORDER_COMPLETED)), now=NOW)
    reread(shop, shop.lake, kept)
    assert [(row["order_id"], row["told"]) for row in shop.rows()] == [("T1", None)]
    drop_naming(shop, kept.key, now=NOW)
    reread(shop, shop.lake, kept)
    assert [(row["order_id"], row["revenue"]) for row in shop.rows()] == [(None, 900)]
