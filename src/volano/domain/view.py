"""Which rows an analysis wants to see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Rows of one or more tables, as one table sorted by (person_id, time, id).

    `columns` are those wanted (`person_id` and `time` are always there; a column that a table lacks is
    null in its rows). With several tables a string column `table` says where a row is from. `since` and
    `until` bound `time` to [since, until) in UTC microseconds. `only` keeps rows whose column has one
    of the given values, numbers as their digits (rows of tables that lack the column are kept).
    """

    tables: tuple[str, ...] = ("events",)
    columns: tuple[str, ...] = ("event",)
    since: int | None = None
    until: int | None = None
    only: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Offset:
    """How far a reader has come in a journal; `position` is the start of the next frame."""

    journal: str
    position: int
