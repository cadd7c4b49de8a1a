"""PostgreSQL as the state wants it: for a database of its own, on another machine."""

from __future__ import annotations

from time import monotonic
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, event

from volano.adapters.postgres import SCHEMES, named, parts_of, why
from volano.adapters.state_schema import METADATA
from volano.errors import BadInput

_WAIT = "10s"  # for the writer before, as with SQLite
_BRIEF = "2s"  # for whoever holds a table, as who writes it anew does: a door stands still meanwhile
_REST = 10.0  # seconds after which a database that could not be reached is tried again
_USUAL = {  # of libpq; the address may say otherwise
    "application_name": "volano",
    "client_encoding": "UTF8",
    "connect_timeout": "3",
    "tcp_user_timeout": "5000",  # ms until a host that went away without a word is given up
}


class Postgres:
    """One writer at a time, who waits for the one before; readers wait for nobody.

    A connection that died is replaced. While none can be made, whoever asks is told so at once: a door must
    not stand still for it. No message has the password.
    """

    def __init__(self, address: str) -> None:
        if not address.startswith(SCHEMES):
            raise BadInput("VOLANO_STATE takes a PostgreSQL address, such as postgresql://user@host/database")
        self._address, self.name = address, named(address)
        self._gone: tuple[float, BaseException] | None = None  # when none could be made, and why
        self.engine = create_engine(
            "postgresql+psycopg://",
            # Without prepared statements it works behind a pooler, too.
            connect_args={**_USUAL, **parts_of(address), "prepare_threshold": None},
            pool_pre_ping=True,
            pool_timeout=10,
            hide_parameters=True,
        )
        self.reader: Engine = self.engine.execution_options(reads=True, isolation_level="AUTOCOMMIT")
        event.listen(self.engine, "do_connect", self._on_connecting)
        event.listen(self.engine, "connect", _on_connect)
        event.listen(self.engine, "begin", _on_begin)

    def why(self, error: BaseException) -> str:
        """What went wrong, in its words."""
        return why(error, self._address)

    def wipe(self) -> None:
        """Writes the tables anew; their old files are deleted."""
        names = ", ".join(table.name for table in METADATA.sorted_tables)
        with self.reader.connect() as connection:
            connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {names}")

    def _on_connecting(self, dialect: Dialect, _record: Any, words: Any, options: Any) -> Any:
        if self._gone is not None and monotonic() - self._gone[0] < _REST:
            raise self._gone[1]
        try:
            made = dialect.connect(*words, **options)
        except Exception as error:
            self._gone = (monotonic(), error)
            raise
        self._gone = None
        return made


def _on_connect(connection: Any, _record: Any) -> None:
    connection.autocommit = True
    connection.execute(f"SET lock_timeout = '{_BRIEF}'")
    connection.autocommit = False


def _on_begin(connection: Connection) -> None:
    # Writers queue as they do with SQLite: two that change the same rows in another order cannot lock each
    # other out, and rows are numbered in the order in which they are committed.
    if not connection.get_execution_options().get("reads"):
        connection.exec_driver_sql(
            f"SET LOCAL lock_timeout = '{_WAIT}';"
            "SELECT pg_advisory_xact_lock(hashtext('volano ' || current_schema()))"
        )
