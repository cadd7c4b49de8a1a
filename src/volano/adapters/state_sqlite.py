"""SQLite as the state wants it: for one machine, in a file of the home."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event


class Sqlite:
    """One writer at a time, who waits for the one before; readers wait for nobody."""

    def __init__(self, address: str) -> None:
        self.engine = create_engine(address, connect_args={"timeout": 10}, hide_parameters=True)
        self.reader: Engine = self.engine.execution_options(reads=True)
        self.name = self.engine.url.database or ""
        event.listen(self.engine, "connect", _on_connect)
        event.listen(self.engine, "begin", _on_begin)

    def why(self, error: BaseException) -> str:
        """What went wrong, in its words."""
        return str(error)

    def wipe(self) -> None:
        """Empties the write-ahead log; what is deleted in the file itself is overwritten at once."""
        with closing(self.engine.raw_connection()) as connection:  # it cannot be within a transaction
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy says BEGIN itself, see _on_begin
    for line in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "secure_delete=ON"):
        connection.execute(f"PRAGMA {line}")


def _on_begin(connection: Connection) -> None:
    # A transaction that may write takes its lock at once, so that two of them queue instead of failing.
    reads = connection.get_execution_options().get("reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
