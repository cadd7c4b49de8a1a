"""The command `sql`: questions to the lake in SQL, one at once or many at a prompt."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Annotated, Any

import msgspec
import typer

from volano.cli.say import Home, Json, table, words
from volano.errors import BadInput
from volano.wiring import open_sql, read_settings

_SHOWN = 200  # rows of a table for people
_MARKS = ("volano> ", "   ...> ")
_HELP = "One SELECT, ended by a semicolon. `.tables` lists the tables, `.quit` (or Ctrl-D) leaves."

Query = Annotated[str | None, typer.Argument(metavar="QUERY", help="One SELECT; without it, a prompt.")]
Csv = Annotated[bool, typer.Option("--csv", help="CSV with a header on standard output, nothing else.")]


def sql(query: Query = None, as_csv: Csv = False, home: Home = None, as_json: Json = False) -> None:
    """Ask the lake in DuckDB's SQL; nothing can be written.

    Example: volano sql "select event, count(*) from events group by all order by 2 desc"
    """
    if as_csv and as_json:
        raise BadInput("--csv and --json are two ways of saying the same; choose one")
    lake = open_sql(read_settings(home=home))
    say = _as_csv if as_csv else _as_json if as_json else _as_table
    if query is not None:
        return say(lake.ask(query))
    if as_json:
        raise BadInput('--json answers one question; give it, such as `volano sql --json "select 1"`')
    words.print(f"Tables: {', '.join(lake.tables)}. {_HELP}", markup=False)
    for asked in _questions():
        if asked == ".tables":
            words.print(", ".join(lake.tables), markup=False)
        elif asked.startswith("."):
            words.print(_HELP, markup=False)
        else:
            try:
                say(lake.ask(asked))
            except BadInput as error:
                words.print(error.message, markup=False)
    return None


def _questions() -> Iterator[str]:
    """What is typed, up to each semicolon; Ctrl-C throws away what stands there."""
    import readline  # noqa: F401  lines can be edited and called back

    lines: list[str] = []
    while True:
        try:
            lines.append(input(_MARKS[bool(lines)] if sys.stdin.isatty() else ""))
        except KeyboardInterrupt:
            lines = []
            continue
        except EOFError:
            break
        whole = "\n".join(lines).strip()
        if whole in (".quit", ".exit"):
            return
        if whole.endswith(";") or whole.startswith(".") or not whole:
            lines = []
            yield from [whole.rstrip("; \n")] if whole.rstrip("; \n") else []
    if "".join(lines).strip():
        yield "\n".join(lines)


def _rows(reader: Any) -> Iterator[list[Any]]:
    """The rows, with values that JSON has."""
    for batch in reader:
        columns = [[_value(value) for value in column.to_pylist()] for column in batch.columns]
        yield from map(list, zip(*columns, strict=True))


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and value != value:  # noqa: PLR0124  NaN, which JSON has not
        return None
    return value


def _as_table(reader: Any) -> None:
    rows = _rows(reader)
    shown = [["" if value is None else str(value) for value in row] for row in islice(rows, _SHOWN)]
    table("", reader.schema.names, shown)
    if next(rows, None) is not None:
        words.print(f"The first {_SHOWN} rows; --csv shows all.", markup=False)


def _as_json(reader: Any) -> None:
    names = reader.schema.names
    found = [dict(zip(names, row, strict=True)) for row in _rows(reader)]
    print(msgspec.json.encode(found, enc_hook=str).decode())  # noqa: T201  the answer itself


def _as_csv(reader: Any) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(reader.schema.names)
    writer.writerows(_rows(reader))
