"""State in a SQL database, by SQLAlchemy Core and Alembic: SQLite beside the lake, or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from volano.adapters.state_owner import VERSION, Owner
from volano.adapters.state_postgres import Postgres
from volano.adapters.state_schema import KINDS
from volano.adapters.state_sqlite import Sqlite
from volano.errors import BrokenHome, Busy, NotFound
from volano.ports import N

HEAD = "0006"  # the newest migration; a test holds it to the folder
_MENDS = {  # by SQLSTATE
    "25006": "it can only be read: name the one that is written to",
    "3F000": "make that schema first",
    "42501": "let its user make and change tables there",
    "53100": "make room on its disk",
}


class Database(Protocol):
    """What differs: in transactions of `engine` one writes at a time, in those of `reader` anybody reads.

    `name` is for people, `why` says what went wrong; neither has a password. `wipe` is that of `State`.
    """

    name: str
    engine: Engine
    reader: Engine

    def why(self, error: BaseException) -> str: ...

    def wipe(self) -> None: ...


class SqlState:
    """Keeps the promises of `State` in the database at an address; migrates it when it is opened.

    One in PostgreSQL is of a `home` and of no other. BrokenHome if it cannot be used, Busy if it does not
    answer later on.
    """

    def __init__(self, address: str, home: Path | None = None) -> None:
        embedded = address.startswith("sqlite:")
        self._database: Database = Sqlite(address) if embedded else Postgres(address)
        self._owner = None if embedded or home is None else Owner(home, self.name)
        try:
            with self._in_words(
                "open", "try again" if embedded else "does it run, and is VOLANO_STATE right?"
            ):
                self._open()
        except Busy as error:
            raise error if embedded else BrokenHome(error.message) from error

    @property
    def name(self) -> str:
        """Where it is, without a password."""
        return self._database.name

    def get(self, kind: type[N], key: str) -> N:
        """The noun, or NotFound."""
        table = KINDS[kind]
        with self._in_words("answer"), self._database.reader.connect() as connection:
            body = connection.scalar(select(table.c.body).where(table.c.key == key))
        if body is None:
            raise NotFound(f"there is no {kind.__name__.lower()} with the key {key!r}")
        return msgspec.json.decode(body, type=kind)

    def find(self, kind: type[N]) -> list[N]:
        """All nouns of a kind, in the order in which they were first put."""
        with self._in_words("answer"), self._database.reader.connect() as connection:
            return _found(connection, kind)

    def put(self, *nouns: msgspec.Struct) -> None:
        """Keep all of them in one transaction."""
        with self._in_words("take the change"), self._database.engine.begin() as connection:
            for noun in nouns:
                _keep(connection, noun)

    def drop(self, kind: type[msgspec.Struct], key: str) -> None:
        """Forget one; nothing happens if it is not there."""
        table = KINDS[kind]
        with self._in_words("take the change"), self._database.engine.begin() as connection:
            connection.execute(delete(table).where(table.c.key == key))

    def wipe(self) -> None:
        """See `State`; docs/how-to/forget.md says what a PostgreSQL keeps."""
        with self._in_words("wipe itself"):
            self._database.wipe()

    def copy_to(self, file: Path) -> None:
        """Write all as it is at one moment to a new SQLite file; nobody else writes meanwhile."""
        with self._in_words("answer"), self._database.engine.begin() as connection:
            nouns = [noun for kind in KINDS for noun in _found(connection, kind)]
        copy = SqlState(f"sqlite:///{file}")
        copy.put(*nouns)
        copy.close()

    def take_from(self, file: Path) -> None:
        """Keep all of such a file, and remove it."""
        copy = SqlState(f"sqlite:///{file}")
        self.put(*(noun for kind in KINDS for noun in copy.find(kind)))
        copy.close()
        file.unlink()

    def close(self) -> None:
        """Let the connections go."""
        self._database.engine.dispose()

    def _open(self) -> None:
        with self._database.reader.connect() as connection:
            if _version(connection) == HEAD and (self._owner is None or self._owner.has(connection)):
                return
        with self._database.engine.begin() as connection:  # who waited here finds it done
            if self._owner is not None and not self._owner.has(connection):
                self._owner.check(connection)
            if _version(connection) != HEAD:
                _upgrade(connection, self.name)
            if self._owner is not None:
                self._owner.sign(connection)

    @contextmanager
    def _in_words(self, what: str, mend: str = "try again") -> Iterator[None]:
        try:
            yield
        except NoConnection as error:
            raise Busy(f"all connections to the state database {self.name} are taken; try again") from error
        except DBAPIError as error:
            cause = error.orig or error
            told = f"the state database {self.name} did not {what} ({self._database.why(cause)})"
            known = _MENDS.get(getattr(cause, "sqlstate", None) or "")
            if isinstance(error, OperationalError | InterfaceError | InternalError):
                raise Busy(f"{told}; {known or mend}") from error
            raise BrokenHome(f"{told}; {known or 'restore the newest backup'}") from error


def _found(connection: Connection, kind: type[N]) -> list[N]:
    table = KINDS[kind]
    bodies = connection.scalars(select(table.c.body).order_by(table.c.seq)).all()
    return [msgspec.json.decode(body, type=kind) for body in bodies]


def _keep(connection: Connection, noun: msgspec.Struct) -> None:
    """Changed if it is there, else added; an upsert would use up a number of PostgreSQL's for each change."""
    table, key = KINDS[type(noun)], str(getattr(noun, noun.__struct_fields__[0]))
    body = msgspec.json.encode(noun).decode()
    if not connection.execute(update(table).where(table.c.key == key).values(body=body)).rowcount:
        connection.execute(insert(table).values(key=key, body=body))


def _version(connection: Connection) -> str:
    """The newest migration that was made, "" for a new database."""
    if not inspect(connection).has_table(VERSION):
        return ""
    return str(connection.scalar(text(f"SELECT version_num FROM {VERSION}")) or "")


def _upgrade(connection: Connection, name: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise BrokenHome(
            f"{name} was written by a newer Volano ({_version(connection)}): use that one"
        ) from error
