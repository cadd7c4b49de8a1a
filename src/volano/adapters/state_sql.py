"""State in a SQL database: SQLite beside the lake, by SQLAlchemy Core and Alembic."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, create_engine, delete, event, inspect, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import OperationalError

from volano.adapters.state_schema import KINDS
from volano.errors import Busy, NotFound
from volano.ports import N

HEAD = "0004"  # the newest migration; a test holds it to the folder


class SqlState:
    """Keeps the promises of `State` in the database at `url`; migrates it when it is opened."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, connect_args={"timeout": 10})
        self._reader = self._engine.execution_options(reads=True)
        event.listen(self._engine, "connect", _on_connect)
        event.listen(self._engine, "begin", _on_begin)
        self._migrate()

    def get(self, kind: type[N], key: str) -> N:
        """The noun, or NotFound."""
        table = KINDS[kind]
        with self._reader.connect() as connection:
            body = connection.scalar(select(table.c.body).where(table.c.key == key))
        if body is None:
            raise NotFound(f"there is no {kind.__name__.lower()} with the key {key!r}")
        return msgspec.json.decode(body, type=kind)

    def find(self, kind: type[N]) -> list[N]:
        """All nouns of a kind, in the order in which they were first put."""
        table = KINDS[kind]
        with self._reader.connect() as connection:
            bodies = connection.scalars(select(table.c.body).order_by(table.c.seq)).all()
        return [msgspec.json.decode(body, type=kind) for body in bodies]

    def put(self, *nouns: msgspec.Struct) -> None:
        """Keep all of them in one transaction."""
        try:
            with self._engine.begin() as connection:
                for noun in nouns:
                    _upsert(connection, noun)
        except OperationalError as error:
            raise Busy(f"the state database did not take the change ({error.orig}); try again") from error

    def drop(self, kind: type[msgspec.Struct], key: str) -> None:
        """Forget one; nothing happens if it is not there."""
        table = KINDS[kind]
        with self._engine.begin() as connection:
            connection.execute(delete(table).where(table.c.key == key))

    def wipe(self) -> None:
        """Empties the write-ahead log; what is deleted in the file itself is overwritten at once."""
        with closing(self._engine.raw_connection()) as connection:  # it cannot be within a transaction
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _migrate(self) -> None:
        with self._engine.connect() as connection:
            if inspect(connection).has_table("alembic_version"):
                version = connection.exec_driver_sql("select version_num from alembic_version").scalar()
                if version == HEAD:
                    return
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self._engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _upsert(connection: Connection, noun: msgspec.Struct) -> None:
    table = KINDS[type(noun)]
    row = {
        "key": str(getattr(noun, noun.__struct_fields__[0])),
        "body": msgspec.json.encode(noun).decode(),
    }
    change = insert(table).values(row)
    connection.execute(change.on_conflict_do_update(index_elements=["key"], set_={"body": row["body"]}))


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy says BEGIN itself, see _on_begin
    for line in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "secure_delete=ON"):
        connection.execute(f"PRAGMA {line}")


def _on_begin(connection: Connection) -> None:
    # A transaction that may write takes its lock at once, so that two of them queue instead of failing.
    reads = connection.get_execution_options().get("reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
