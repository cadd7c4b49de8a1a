"""Every tracking library that a shop may have, unmodified, against the real server."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.clients.conftest import Found
from tests.clients.expected import (
    ALIASING,
    BROWSERS,
    CLIENTS,
    MACHINE,
    ORIGIN,
    POSTHOG,
    SERVERS,
    ZONE,
    ZONES,
    Expected,
)
from tests.clients.server import Row
from volano.observe.identity import identity

every = pytest.mark.parametrize("client", CLIENTS)
EXPECTED = [(client, tells) for client, all_told in CLIENTS.items() for tells in all_told]


def known_as(found: Found, client: str, expected: Expected) -> str:
    """The identity under which the event has to be in the lake."""
    visit = found.visits[client]
    match expected.by:
        case "user_id":
            return f"u:{visit.user_id}"
        case "told_id":
            return f"u:{visit.anonymous_id}"
        case "till_id":
            return f"a:{visit.till_id}"
        case _:
            return f"a:{found.ran[client].anonymous_id}"


def the_row(found: Found, client: str, expected: Expected) -> Row:
    rows = [row for row in found.rows(client) if row["event"] == expected.event]
    assert len(rows) == 1, f"{expected.event} is {len(rows)} times in the lake"
    return rows[0]


@every
def test_a_client_tells_its_visit_without_an_error(client: str, found: Found) -> None:
    assert found.ran[client].wrong == ""


@every
def test_each_event_of_a_client_is_in_the_lake_exactly_once(client: str, found: Found) -> None:
    told = Counter(tells(found.visits[client]).event for tells in CLIENTS[client])
    assert Counter(row["event"] for row in found.rows(client)) == told


@every
def test_nothing_of_a_client_is_quarantined(client: str, found: Found) -> None:
    assert found.rows(client, "quarantine") == []


@pytest.mark.parametrize(("client", "tells"), EXPECTED, ids=lambda one: getattr(one, "__name__", one))
def test_an_event_of_a_client_has_its_fields(client: str, tells: Any, found: Found) -> None:
    expected = tells(found.visits[client])
    row = the_row(found, client, expected)
    assert row["known_as"] == known_as(found, client, expected)
    assert {name: row[name] for name in expected.columns} == expected.columns
    properties = json.loads(row["properties"])
    assert {name: properties.get(name) for name in expected.kept} == expected.kept
    assert abs(row["time"] - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.parametrize("client", BROWSERS)
def test_each_event_of_a_browser_tells_of_the_visit_and_the_machine(client: str, found: Found) -> None:
    wanted = {**ORIGIN, **MACHINE, "timezone": ZONES.get(client, ZONE)}
    for row in found.rows(client):
        assert {name: row[name] for name in wanted} == wanted, row["event"]


@pytest.mark.parametrize("client", SERVERS)
def test_the_machine_of_a_server_is_not_taken_for_the_visitors(client: str, found: Found) -> None:
    for row in found.rows(client):
        assert (row["device"], row["os"], row["browser"]) == (None, None, None), row["event"]


@every
def test_nobody_is_taken_for_a_bot(client: str, found: Found) -> None:
    assert {row["bot"] for row in found.rows(client)} == {None}


@every
def test_all_of_a_visit_is_one_person(client: str, found: Found) -> None:
    assert len({row["person_id"] for row in found.rows(client)}) == 1


@pytest.mark.parametrize("client", ALIASING)
def test_the_id_that_an_alias_names_is_joined(client: str, found: Found) -> None:
    visit = found.visits[client]
    earlier = visit.anonymous_id if CLIENTS[client] is POSTHOG else visit.till_id
    joined = {row[name] for row in found.rows(client, "merges") for name in ("alias", "claimed")}
    assert joined & {identity(f"a:{earlier}"), identity(f"u:{earlier}")}


@every
def test_the_lines_of_the_order_are_in_the_lake(client: str, found: Found) -> None:
    order = found.visits[client].order
    lines = [
        {name: row[name] for name in ("order_id", "product", "quantity", "revenue", "currency")}
        for row in found.rows(client, "order_lines")
    ]
    product = order["products"][0]["product_id"]
    assert lines == [
        {"order_id": order["order_id"], "product": product, "quantity": 2, "revenue": 3980, "currency": "EUR"}
    ]
