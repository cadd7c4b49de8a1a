"""Visits: what a person does without a break of half an hour or a new campaign, and where it came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from volano.domain.visit import GAP, NONE, UNKNOWN, came_from
from volano.maths.columns import Bools, Ints, Texts, changes, integers, text_column, texts_or_null
from volano.observe.referrers import UNPAID

DIMENSIONS = ("source", "device", "landing", "visitor")  # what `with_visits` says of every row

NEW, RETURNING = "new", "returning"


def with_visits(block: pa.Table) -> pa.Table:
    """The block with, for every row, what is known of the visit it belongs to.

    A visit ends after `GAP` without an event, and where a row tells a campaign other than the one that the
    visit came by: a campaign has a name, or a medium that no plain link has.

    `visit` numbers the visits of the block from 0. `source` is "<source> / <medium>" of the first row of
    the visit that tells of traffic; `device` the first known of the visit, else the last known before it;
    `landing` the first path; `visitor` is "new" in a person's first visit in the block. The block is
    sorted by (person_id, time); columns it lacks count as null.
    """
    person, time = integers(block["person_id"]), integers(block["time"])
    fresh = changes(person)
    opens = fresh.copy()
    opens[1:] |= time[1:] - time[:-1] > GAP
    opens |= _new_campaigns(block, np.cumsum(opens) - 1, int(opens.sum()))
    visit = np.cumsum(opens) - 1
    starts = np.flatnonzero(opens)
    columns = {
        "source": _sources(block, visit, len(starts)),
        "device": _devices(block, visit, starts, person),
        "landing": _landings(block, visit, len(starts)),
        "visitor": (np.where(fresh[starts], 0, 1), pa.array([NEW, RETURNING])),
    }
    for name, (codes, values) in columns.items():
        block = _replaced(block, name, text_column(codes.astype(np.int32)[visit], values))
    return _replaced(block, "visit", pa.array(visit))


def _replaced(block: pa.Table, name: str, column: Any) -> pa.Table:
    if name in block.column_names:
        return block.set_column(block.column_names.index(name), name, column)
    return block.append_column(name, column)


def _first_rows(known: Bools, visit: Ints, visits: int) -> Ints:
    """The first row of each visit where something is known, or −1."""
    rows = np.flatnonzero(known)
    owner = visit[rows]
    lead = changes(owner)
    first = np.full(visits, -1, dtype=np.int64)
    first[owner[lead]] = rows[lead]
    return first


def _new_campaigns(block: pa.Table, visit: Ints, visits: int) -> Bools:
    """The rows that tell a campaign other than what was told last in a visit (as the gaps alone part them).

    What is told first of a visit names it, whatever it is; after that only campaigns count.
    """
    source, medium = texts_or_null(block, "source"), texts_or_null(block, "medium")
    name = texts_or_null(block, "utm_campaign")
    found = np.zeros(block.num_rows, dtype=bool)
    told = (source.codes >= 0) | (medium.codes >= 0) | (name.codes >= 0)
    campaign = (name.codes >= 0) | ((medium.codes >= 0) & ~medium.among(UNPAID))
    if not campaign.any():
        return found
    first = _first_rows(told, visit, visits)
    campaign[first[first >= 0]] = True
    rows = np.flatnonzero(campaign)
    triple = (source.codes[rows], medium.codes[rows], name.codes[rows])
    found[rows] = changes(visit[rows], *triple) & ~changes(visit[rows])
    return found


def _sources(block: pa.Table, visit: Ints, visits: int) -> tuple[Ints, Any]:
    source, medium = texts_or_null(block, "source"), texts_or_null(block, "medium")
    first = _first_rows((source.codes >= 0) | (medium.codes >= 0), visit, visits)
    told = np.flatnonzero(first >= 0)
    width = len(medium.values) + 1
    pair = np.zeros(visits, dtype=np.int64)  # 0: neither is known
    pair[told] = (source.codes[first[told]].astype(np.int64) + 1) * width + medium.codes[first[told]] + 1
    pairs, codes = np.unique(pair, return_inverse=True)
    names = [came_from(_word(source, p // width - 1), _word(medium, p % width - 1)) for p in pairs.tolist()]
    return codes, pa.array(names, pa.string())


def _word(column: Texts, code: int) -> str | None:
    return None if code < 0 else str(column.values[code])


def _devices(block: pa.Table, visit: Ints, starts: Ints, person: Ints) -> tuple[Ints, Any]:
    device = texts_or_null(block, "device")
    known = device.codes >= 0
    row = _first_rows(known, visit, len(starts))
    lacking = np.flatnonzero(row < 0)
    rows = np.flatnonzero(known)
    if len(lacking) and len(rows):
        at = np.searchsorted(rows, starts[lacking]) - 1
        before = rows[np.maximum(at, 0)]
        same = (at >= 0) & (person[before] == person[starts[lacking]])
        row[lacking[same]] = before[same]
    return _with_default(device, row, UNKNOWN)


def _landings(block: pa.Table, visit: Ints, visits: int) -> tuple[Ints, Any]:
    path = texts_or_null(block, "path")
    return _with_default(path, _first_rows(path.codes >= 0, visit, visits), NONE)


def _with_default(column: Texts, row: Ints, default: str) -> tuple[Ints, Any]:
    """The texts at `row` as codes, those of row −1 being `default`."""
    at = column.code(default)
    values = column.values
    if at < 0:
        at, values = len(values), pa.concat_arrays([values, pa.array([default], values.type)])
    if not len(column.codes):
        return np.zeros(0, dtype=np.int64), values
    return np.where(row >= 0, column.codes[row], at).astype(np.int64), values
