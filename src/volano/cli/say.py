"""How a command speaks: one JSON value on standard output if asked, words and progress on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from volano.domain.durations import SECOND
from volano.errors import BadInput

Home = Annotated[
    str | None,
    typer.Option("--home", metavar="DIR", help="Data directory (default ./volano-data or VOLANO_HOME)."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, nothing else.")]

words = Console(stderr=True, highlight=False)
answers = Console(highlight=False)


def now() -> int:
    """The wall clock in UTC microseconds."""
    return time.time_ns() // 1000


def day(at: int, zone: str) -> str:
    """The date of a moment (UTC µs) by the clock of a time zone, nothing for 0."""
    return f"{datetime.fromtimestamp(at / SECOND, ZoneInfo(zone)):%Y-%m-%d}" if at else ""


def minute(at: int, zone: str) -> str:
    """Date and time of day of a moment (UTC µs) by the clock of a time zone, nothing for 0.

    >>> minute(1_700_000_000_000_000, "UTC"), minute(1_700_000_000_000_000, "Asia/Kolkata")
    ('2023-11-14 22:13', '2023-11-15 03:43')
    """
    return f"{datetime.fromtimestamp(at / SECOND, ZoneInfo(zone)):%Y-%m-%d %H:%M}" if at else ""


def one_of(option: str, given: str | None, known: tuple[str, ...]) -> None:
    """BadInput, naming the option, if what is given is none of those known; None is nothing given."""
    if given is not None and given not in known:
        raise BadInput(f"{option} is {given!r}; it must be {' or '.join(known)}")


def answer(value: Any, as_json: bool, show: Callable[[], None]) -> None:
    """Print the value as JSON, or let `show` print it for people."""
    if as_json:
        print(msgspec.json.encode(value).decode())  # noqa: T201  the answer itself
    else:
        show()


_CONTROLS = {code: "�" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}  # of terminals


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table for people on standard output; nothing in it is read as markup."""
    drawn = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        numbers = all(row[index][:1] in "0123456789+-−" for row in rows)
        drawn.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell.translate(_CONTROLS)) for cell in row))
    answers.print(drawn)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, moved by `move(done, total)`; silent where nobody watches."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=words, transient=True, disable=not words.is_terminal) as bars:
        task = bars.add_task(what, total=None)

        def move(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total or None)

        yield move
