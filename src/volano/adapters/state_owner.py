"""Which home a state in PostgreSQL is of: no two homes write one, and no home takes an empty one for its own.

The home keeps a mark with a name made up for it and the place of its state; the database has that name in the
comment of the table in which Alembic keeps its version. Either goes along with a copy of what it is in.
"""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex

import msgspec
from sqlalchemy import Connection, inspect, select, text

from volano.adapters.state_schema import METADATA
from volano.errors import BrokenHome

FILE = "state.db"  # a state in the home
MARK = "state.where"  # the mark of one that is elsewhere
VERSION = "alembic_version"
_SIGN = "the state of the Volano home "


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The name of a home, and the database with its state (without a password)."""

    home: str
    database: str


def kept(home: Path) -> bool:
    """Whether a home has a state, here or elsewhere."""
    return (home / FILE).is_file() or (home / MARK).is_file()


def place(home: Path, address: str) -> str:
    """The address of a home's state; BrokenHome if it has been kept elsewhere so far."""
    mark = _mark(home)
    if address and (home / FILE).exists():
        raise BrokenHome(
            f"{home} has a state of its own and VOLANO_STATE names another place: take it there with "
            "`volano backup`, and `volano restore` with that setting, or unset it"
        )
    if mark is not None and not address:
        raise BrokenHome(f"the state of {home} is in {mark.database}: set VOLANO_STATE to its address")
    return address or f"sqlite:///{home / FILE}"


class Owner:
    """A home, towards the database called `name`."""

    def __init__(self, home: Path, name: str) -> None:
        self._home, self._name = home, name

    def has(self, connection: Connection) -> bool:
        """Whether the database is this home's."""
        mark = _mark(self._home)
        return mark is not None and _signed(connection) == mark.home

    def check(self, connection: Connection) -> None:
        """BrokenHome unless it is, or may become so: when it is new, or nothing was ever put into it."""
        mark, tables = _mark(self._home), set(inspect(connection).get_table_names())
        ours = [table for table in METADATA.sorted_tables if table.name in tables]
        if VERSION not in tables and not ours:
            if mark is not None:
                raise BrokenHome(
                    f"the state of {self._home} was in {mark.database} and {self._name} is empty: set "
                    f"VOLANO_STATE to the right one, or delete {self._home / MARK} to begin anew"
                )
            return self._check_encoding(connection)
        own = "give this home a database, or a schema, of its own"
        signed = _signed(connection)
        if VERSION not in tables or not signed:
            raise BrokenHome(f"{self._name} has tables of another program: {own}")
        if mark is not None or any(connection.scalar(select(table.c.seq).limit(1)) for table in ours):
            raise BrokenHome(f"{self._name} is not empty, it has the state of another home: {own}")
        return None

    def sign(self, connection: Connection) -> None:
        """Make the database this home's. Whoever calls it is the only one to write to it at that moment."""
        mark = _mark(self._home) or Mark(home=token_hex(8), database=self._name)
        connection.execute(text(f"COMMENT ON TABLE {VERSION} IS '{_SIGN}{mark.home}'"))
        (self._home / MARK).write_bytes(msgspec.json.encode(mark))

    def _check_encoding(self, connection: Connection) -> None:
        encoding = connection.scalar(text("SHOW server_encoding"))
        if encoding != "UTF8":
            raise BrokenHome(f"{self._name} is written in {encoding}: make it with ENCODING 'UTF8'")


def _mark(home: Path) -> Mark | None:
    try:
        return msgspec.json.decode((home / MARK).read_bytes(), type=Mark)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise BrokenHome(f"{home / MARK} cannot be read ({error}): delete it") from error


def _signed(connection: Connection) -> str:
    """The name of the home whose state this is, "" if nobody has signed."""
    said = connection.scalar(text(f"SELECT obj_description(to_regclass('{VERSION}'), 'pg_class')"))
    return str(said or "").removeprefix(_SIGN) if str(said or "").startswith(_SIGN) else ""
