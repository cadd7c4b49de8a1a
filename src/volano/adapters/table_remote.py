"""Rows to import that are not in a file of this machine: Parquet in S3, and what a PostgreSQL query gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import fs

from volano.adapters.lake_s3 import in_bucket, s3_system
from volano.adapters.postgres import SCHEMES, named, why
from volano.adapters.table_typed import parquet_rows
from volano.domain.texts import Texts
from volano.errors import BadFile, BadInput
from volano.ports import TableFile


def open_object(address: str, environment: Mapping[str, str]) -> TableFile:
    """Parquet at `s3://bucket/key`, reached as the AWS_* variables say; BadFile if there is none."""
    place = in_bucket(address)
    system = s3_system(environment)
    with _in_words(address):
        info = system.get_file_info(place)
        if info.type != fs.FileType.File:
            raise BadFile(f"there is no object {address}; check bucket, key and AWS_ENDPOINT_URL")
        with system.open_input_file(place) as file:
            head = file.read(4)
    if head != b"PAR1":
        raise BadFile(f"{address} is not a Parquet file; copy it to this machine to import it from there")
    return _Object(name=address, size=info.size, place=place, system=system)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    name: str
    size: int
    place: str
    system: Any
    layout: str = "Parquet in S3"

    def chunks(self, rows: int) -> Iterator[Texts]:
        """Stretches of at most `rows` rows; lines are row numbers."""
        with _in_words(self.name), self.system.open_input_file(self.place) as file:
            for share, (table, lines, refusals) in parquet_rows(file, rows):
                yield Texts(table=table, lines=lines, refusals=refusals, done=int(self.size * share))


@contextmanager
def _in_words(address: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadFile(f"{address} is a broken Parquet file; copy or write it again") from error
    except FileNotFoundError as error:
        raise BadFile(f"there is no object {address}; check bucket, key and AWS_ENDPOINT_URL") from error
    except OSError as error:
        told = str(error).split("\n")[0]
        raise BadFile(f"{address} cannot be read ({told}); check the AWS_* variables") from error


def open_query(address: str, query: str) -> TableFile:
    """What a SELECT gives at `postgresql://user@host/database`; the password may be in PGPASSWORD, too.

    The query runs each time the rows are read, in a transaction that cannot write. Raises BadInput for an
    address or a query that is none, BadFile when the database does not answer. No message has the password.
    """
    if not address.startswith(SCHEMES):
        raise BadInput("--from takes a PostgreSQL address, such as postgresql://user@host/database")
    if not query.strip().rstrip(";"):
        raise BadInput('say what to bring: --query "select …"')
    found = _Query(name=named(address), address=address, query=query.strip().rstrip("; \n"))
    for _ in found.chunks(1):  # whatever is wrong is told before anything is written
        break
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    name: str
    address: str
    query: str
    size: int = 0  # nobody knows before
    layout: str = "a PostgreSQL query"

    def chunks(self, rows: int) -> Iterator[Texts]:
        """Stretches of at most `rows` rows, each value as PostgreSQL writes it; lines are row numbers."""
        with _connected(self.address, self.name) as connection, connection.cursor(name="volano") as cursor:
            cursor.execute(self.query)
            names = _distinct([column.name for column in cursor.description])
            read = 0
            while found := cursor.fetchmany(rows):
                columns = [pa.array(column, pa.string()) for column in zip(*found, strict=True)]
                lines = np.arange(read + 1, read + 1 + len(found), dtype=np.int64)
                read += len(found)
                yield Texts(table=pa.Table.from_arrays(columns, names), lines=lines)


@contextmanager
def _connected(address: str, name: str) -> Iterator[Any]:
    """A connection that gives texts and cannot write."""
    import psycopg

    try:
        connection = psycopg.connect(address, connect_timeout=10)
    except psycopg.ProgrammingError as error:  # its message quotes the address
        raise BadInput("the address of the database cannot be read; write it as postgresql://…") from error
    except (psycopg.Error, UnicodeError) as error:
        raise BadFile(
            f"{name} does not answer ({why(error, address)}); check address and password"
        ) from error
    try:
        with connection:
            connection.read_only = True
            connection.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'")
            for kind in psycopg.adapters.types:
                connection.adapters.register_loader(kind.oid, _loader())
            yield connection
    except psycopg.Error as error:
        raise BadInput(f"{name} refuses the query: {why(error, address)}") from error


def _loader() -> Any:
    from psycopg.types.string import TextLoader

    return TextLoader


def _distinct(names: list[str]) -> list[str]:
    """The names of columns, no two alike.

    >>> _distinct(["id", "id", ""])
    ['id', 'id (2)', '3']
    """
    found: list[str] = []
    for index, name in enumerate(names, 1):
        told = name or str(index)
        found.append(told if told not in found else f"{told} ({index})")
    return found
