"""A home whose live profiles are on a Valkey server: from an event to a decision, and to nothing again."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from benchmarks.memory import Visitor

from tests.cli.test_home_commands import said, volano
from tests.served import PATIENCE, Served, serving, until
from tests.valkey_server import Server, a_server
from volano.domain.profile import Profile
from volano.flow.decide import person_of
from volano.observe.identity import identity
from volano.settings import Settings
from volano.wiring import open_house

PASSWORD = "open-sesame"
MAIL = "ann.unlikely@shop.example"


def comes(served: Served, user: str, number: int) -> int:
    """Somebody says who they are, and orders; the status."""
    batch = [
        {"type": "identify", "userId": user, "traits": {"email": f"{user}.unlikely@shop.example"}},
        {
            "type": "track",
            "event": "Order Completed",
            "userId": user,
            "properties": {"order_id": f"{user}{number}"},
        },
    ]
    told = [{**one, "messageId": f"{user}-{number}-{place}"} for place, one in enumerate(batch)]
    body = {"writeKey": served.key, "batch": told}
    return httpx.post(f"{served.address}/v1/batch", json=body, timeout=PATIENCE).status_code


def decided(served: Served, user: str) -> int:
    """The status of a decision."""
    body = {"writeKey": served.key, "userId": user}
    return httpx.post(f"{served.address}/v1/decide", json=body, timeout=PATIENCE).status_code


def files(server: Server) -> bytes:
    return b"".join(path.read_bytes() for path in server.folder.rglob("*") if path.is_file())


def test_events_become_people_decisions_and_segments_and_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    with a_server("--appendonly", "yes", password=PASSWORD) as server:
        monkeypatch.setenv("VOLANO_PROFILES", server.address)

        def orders(user: str) -> int:
            found = store.get(Profile, person_of(store, identity(f"u:{user}")))
            return found.orders if found else 0

        with serving(home) as served:
            store = open_house(Settings(home=str(home), profiles=server.address)).profiles
            assert [comes(served, user, 1) for user in ("ann", "bob")] == [200, 200]
            until(lambda: orders("ann") == orders("bob") == 1)
            ann = person_of(store, identity("u:ann"))
            visitor = Visitor(served.setup)
            assert MAIL in visitor.ask("GET", f"/people/{ann}")
            assert decided(served, "ann") == 200

            server.kill()
            assert (comes(served, "bob", 2), decided(served, "bob")) == (200, 503)
            server.start()
            until(lambda: orders("bob") == 2)

            assert MAIL.encode() in files(server)
            told = volano("people", "forget", "ann", "--json", home=home)
            assert PASSWORD not in told.stdout + told.stderr
            assert orders("ann") == 0
            assert MAIL.encode() not in files(server)
            assert said("segment", "--rule", '{"orders":{"$gte":1}}', "--count", home=home) == {"count": 1}
        server.kill()
        server.start()
        with serving(home) as again:
            again.key = served.key
            assert comes(again, "bob", 3) == 200
            until(lambda: orders("bob") == 3)
            assert orders("ann") == 0
        assert not (home / "profiles" / "data.mdb").exists()
