"""Every client that a test asks for, run once against one server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.clients.expected import CLIENTS
from tests.clients.running import Ran, ran
from tests.clients.server import Row, serving
from tests.clients.visit import Visit, visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the clients told, and all that is in the lake; `origin` of a row is the client's name."""

    visits: dict[str, Visit]
    ran: dict[str, Ran]
    tables: dict[str, list[Row]]

    def rows(self, client: str, table: str = "events") -> list[Row]:
        """What came of one client."""
        return [row for row in self.tables[table] if row["origin"] == client]


@pytest.fixture(scope="package")
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """The lake after all clients that were asked for have told, while the server runs on."""
    chosen = {
        item.callspec.params.get("client") for item in request.session.items if hasattr(item, "callspec")
    }
    names = [name for name in CLIENTS if name in chosen] or list(CLIENTS)
    with serving(tmp_path_factory.mktemp("clients") / "home", names) as server:
        visits = {name: visit(name, server.address, server.write_keys[name]) for name in names}
        ended = ran(visits)
        wanted = Counter({name: len(CLIENTS[name]) for name in names if not ended[name].wrong})
        events = server.events(lambda rows: Counter(row["origin"] for row in rows) >= wanted)
        tables = {name: server.rows(name) for name in ("order_lines", "merges", "quarantine")}
        yield Found(visits=visits, ran=ended, tables={"events": events, **tables})
