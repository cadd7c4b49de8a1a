"""A server whose state is in PostgreSQL, from one start to the next, with the database hurt between them."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.act.campaigns import campaign
from tests.postgres import Postgres, kill_backends, postgres
from tests.served import PATIENCE, Served, serving, until
from volano.domain.view import View
from volano.settings import Settings
from volano.wiring import open_house

__all__ = ["postgres"]

PASSWORD = "correct horse battery"


class Owner:
    """Somebody at the console, over HTTP."""

    def __init__(self, served: Served) -> None:
        self.client = httpx.Client(base_url=served.address, timeout=PATIENCE, follow_redirects=True)

    def send(self, path: str, **fields: str) -> httpx.Response:
        """A form with the token of the pages."""
        token = re.search(r'name="csrf" value="([^"]+)"', self.client.get("/settings").text)
        return self.client.post(path, data={"csrf": token[1] if token else "", **fields})


def test_a_shop_lives_through_a_restart_and_a_database_that_is_hurt(
    tmp_path: Path, postgres: Postgres
) -> None:
    database, home = postgres.database(), tmp_path / "home"
    name = urlsplit(database).path[1:]
    words = ("--workers", "2")
    with serving(home, *words, VOLANO_STATE=database) as served:
        token = urlsplit(served.setup).query.partition("=")[2]
        owner = Owner(served)
        owner.client.post("/welcome", data={"token": token, "password": PASSWORD})
        made = owner.send("/sources/add", name="App")
        key = re.search(r"wk_[\w-]+", made.text)
        assert key
        open_house(Settings(home=str(home), state=database)).state.put(campaign())
        kill_backends(database)
        served.key = key[0]
        until(lambda: served.send("m1", event="m1").status_code == 200)
        ask = {"writeKey": key[0], "anonymousId": "me"}
        until(lambda: httpx.post(f"{served.address}/v1/decide", json=ask).json().get("campaigns"))
        assert owner.client.get("/sources").status_code == 200
        postgres.shut(database)
        # a process that never looked for the key while it could says 503, and the client comes again
        until(lambda: served.send("m2", event="m2").status_code == 200)
        until(lambda: httpx.post(f"{served.address}/v1/decide", json=ask).json().get("campaigns"))
        told = owner.client.get("/sources")
        assert (told.status_code, f"postgresql://localhost/{name} did not answer" in told.text) == (503, True)
        assert "sesame" not in told.text
        postgres.reopen(database)
    with serving(home, *words, VOLANO_STATE=database) as served:
        assert (served.key, served.setup) == ("", "")
        owner = Owner(served)
        owner.client.post("/login", data={"password": PASSWORD})
        assert "App" in owner.client.get("/sources").text
        served.key = key[0]
        assert served.send("m3", event="m3").status_code == 200
        until(lambda: "m3" in events(home, database))
        assert events(home, database) == ["m1", "m2", "m3"]
        assert httpx.post(f"{served.address}/v1/decide", json=ask).json()["campaigns"]
    assert not (home / "state.db").exists()


def events(home: Path, database: str) -> list[str]:
    """The events in the lake that were sent."""
    rows = open_house(Settings(home=str(home), state=database)).lake.read(View(columns=("event",)))
    return sorted(name for name in rows["event"].to_pylist() if name.startswith("m"))
