"""Which rows an analysis wants to see."""

from __future__ import annotations

from dataclasses import dataclass

Only = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Rows of one or more tables, as one table sorted by (person_id, time, id).

    `columns` are those wanted (`person_id` and `time` are always there; a column that a table lacks is
    null in its rows). With several tables a string column `table` says where a row is from. `since` and
    `until` bound `time` to [since, until) in UTC microseconds. `only` keeps rows whose column (neither
    `properties` nor `push_token`, which may be sealed) has one of the given values, numbers as their digits
    (rows of tables that lack the column are kept). `people` are the persons wanted (None: everybody; cheap
    for a few thousand among millions of rows), `without` those left out; `humans` leaves out rows with `bot`
    set. Persons are those of now, whatever a row once said.
    """

    tables: tuple[str, ...] = ("events",)
    columns: tuple[str, ...] = ("event",)
    since: int | None = None
    until: int | None = None
    only: Only = ()
    people: tuple[int, ...] | None = None
    humans: bool = False
    without: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Offset:
    """How far a reader has come in a journal; `position` is the start of the next frame."""

    journal: str
    position: int
