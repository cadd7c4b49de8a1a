"""How the server is set up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from volano.adapters.profiles_valkey import ValkeyProfiles
from volano.adapters.valkey_room import ValkeyRoom
from volano.cli.listening import configured
from volano.cli.serve import locked, unreached
from volano.testing.profiles_memory import MemoryProfiles


def test_a_header_does_not_change_who_asks() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["client"], scope["scheme"]))

    config = configured(app)
    config.load()
    forged = [(b"x-forwarded-for", b"10.9.8.7"), (b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "client": ("127.0.0.1", 4711), "scheme": "http", "headers": forged}
    asyncio.run(config.loaded_app(scope, None, None))
    assert seen == [(("127.0.0.1", 4711), "http")]


def test_nobody_else_may_look_into_a_new_home(tmp_path: Path) -> None:
    home = tmp_path / "shop"
    with locked(home):
        assert home.stat().st_mode & 0o777 == 0o700


def test_it_is_said_at_the_start_that_the_live_profiles_cannot_be_reached(tmp_path: Path) -> None:
    away = ValkeyProfiles(ValkeyRoom("valkey://127.0.0.1:1/0", "home"), tmp_path)
    assert unreached(away).startswith("the live profiles at valkey://127.0.0.1:1/0 cannot be reached")
    assert unreached(MemoryProfiles()) == ""
