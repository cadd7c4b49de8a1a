"""A file from outside into the lake, once: orders or events, and back out again."""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TextIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.account import Import
from volano.domain.event import ORDER_COMPLETED, Refusal
from volano.domain.identity import Claim
from volano.domain.naming import Naming
from volano.domain.tables import IMPORT
from volano.domain.view import View
from volano.errors import BadFile, BadInput, NotFound
from volano.flow.house import House
from volano.flow.inspecting import ImportRequest, make_out
from volano.flow.joining import recall, tell, whose
from volano.flow.naming import reread
from volano.flow.works import withdrawing
from volano.maths.occurrence import Occurrences
from volano.observe.claims import claims_of
from volano.observe.event_rows import read_events, tables
from volano.observe.order_lines import Known, at_odds, fresh, order_events, read_lines
from volano.observe.reading import Reading
from volano.ports import Corrections, Lake, State, TableFile, Upkeep

READ_AT_ONCE = 250_000  # rows
ADDED_AT_ONCE = 1_000_000  # rows: most imports make one sorted file a bucket

Progress = Callable[[int, int], None]


class Importing(House, Protocol):
    """A house that files are brought into."""

    @property
    def home(self) -> Path: ...
    @property
    def upkeep(self) -> Upkeep: ...
    @property
    def corrections(self) -> Corrections: ...


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an import: rows of the file, people among those not refused, money of those accepted.

    `revenue_minor` is in `currency`; `by_currency` has all of them. `refused_file` is None without refusals.
    """

    import_id: str
    file: str
    kind: str
    rows: int
    accepted: int
    duplicates: int
    refused: int
    people: int
    revenue_minor: int
    currency: str
    by_currency: dict[str, int]
    refused_file: str | None
    seconds: float


def run_import(
    house: Importing, file: TableFile, request: ImportRequest, *, now: int, progress: Progress | None = None
) -> ImportReport:
    """Bring a file in; what the lake has already is counted and not added again.

    Who is who by the file is told to lake and profiles store; profiles are the caller's to make anew. A file
    that turns out to be broken on the way leaves nothing behind (BadFile). An import that was interrupted can
    be run again. `progress(done, total)` counts bytes of the file.
    """
    start = time.perf_counter()
    key = f"{IMPORT}{md5(f'{now} {file.name} {file.size}'.encode(), usedforsecurity=False).hexdigest()[:10]}"
    reading = make_out(file, request, house.settings, origin=key, now=now)
    entry = Import(key=key, file=file.name, kind=request.kind, currency=reading.currency, made_at=now)
    house.state.put(entry)
    with _Refused(house.home / "imports" / f"{key}-refused.csv") as refused:
        try:
            tally = _pour(house, file, reading, refused, progress)
        except BadFile:
            house.corrections.withdraw(key)
            recall(house, now=now)
            house.state.drop(Import, key)
            refused.drop()
            raise
    report = _report(house, entry, tally, refused, time.perf_counter() - start)
    counts = {name: getattr(report, name) for name in ("rows", "accepted", "duplicates", "refused", "people")}
    house.state.put(
        msgspec.structs.replace(entry, **counts, revenue_minor=report.revenue_minor, currency=report.currency)
    )
    return report


def undo_import(house: Importing, key: str, *, now: int) -> tuple[Import, int]:
    """Take an import back, and whom it joined; returns its record and how many rows of the lake that removed.

    What it had kept out comes back as it was told, and is read again under the names of today. That profiles
    are to be made anew is on record before anything is done, see `flow.working`.
    NotFound for a key that no import has; BadInput if it was taken back before.
    """
    undone = undo_later(house.state, key, now=now)
    return undone, withdrawn(house, undone, now=now)


def undo_later(state: State, key: str, *, now: int) -> Import:
    """The same, but all of it remains to be done by `flow.working`."""
    try:
        entry = state.get(Import, key)
    except NotFound as error:
        raise NotFound(f"there is no import {key!r}; `volano import --list` shows all") from error
    if entry.undone_at:
        day = datetime.fromtimestamp(entry.undone_at / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        raise BadInput(
            f"import {key} of {entry.file} was undone already, on {day}; there is nothing left to undo"
        )
    undone = msgspec.structs.replace(entry, undone_at=now)
    state.put(undone, withdrawing(state, undone, now=now))
    return undone


def withdrawn(house: Importing, entry: Import, *, now: int) -> int:
    """Takes out of the lake what an import brought, and whom it joined; how many rows. Can be done again."""
    removed = house.corrections.withdraw(entry.key)
    for naming in house.state.find(Naming):
        reread(house, house.corrections, naming)
    if entry.kind == "events":
        recall(house, now=now)
    return removed


def imports(state: State) -> list[Import]:
    """All imports, the latest first."""
    return sorted(state.find(Import), key=lambda entry: entry.made_at, reverse=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """Rows for the lake, and how many rows of the file were `read` for them and not refused."""

    read: int
    done: int
    identities: Any
    refusals: list[Refusal]
    rows: dict[str, pa.Table] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Tally:
    """Counts, while they grow."""

    read: int = 0
    refused: int = 0
    accepted: int = 0
    appends: int = 0
    waiting: list[dict[str, pa.Table]] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    partly: bool = False  # of some piece only some rows were new
    money: Counter[str] = field(default_factory=Counter)
    identities: list[Any] = field(default_factory=list)


def _pour(
    house: Importing, file: TableFile, reading: Reading, refused: _Refused, progress: Progress | None
) -> _Tally:
    pieces, main = (_orders, "order_lines") if reading.mapped.kind == "orders" else (_events, "events")
    tally = _Tally()
    for piece in pieces(file, reading, house.lake):
        refused.write(piece.refusals)
        tally.read += piece.read
        tally.refused += len(piece.refusals)
        tally.identities.append(piece.identities)
        tally.waiting += [piece.rows] if piece.rows else []
        tally.claims += piece.claims
        if sum(rows[main].num_rows for rows in tally.waiting) >= ADDED_AT_ONCE:
            _add(house, main, tally)
        if progress is not None:
            progress(piece.done, file.size)
    _add(house, main, tally)
    if tally.partly:
        tally.money = _money(_added(house.lake, main, reading.origin))
    if tally.appends > 1 and tally.accepted:
        house.upkeep.compact()
    return tally


def _add(house: Importing, main: str, tally: _Tally) -> None:
    """Append the rows that wait with what they tell of who is who, and count those that are new."""
    names = {name for rows in tally.waiting for name in rows}
    together = {
        name: pa.concat_tables(rows[name] for rows in tally.waiting if name in rows) for name in names
    }
    tally.waiting = []
    if not together:
        return
    new = tell(house, tally.claims, together).get(main)
    added = new.num_rows if new is not None else 0
    tally.claims = []
    tally.appends += 1
    tally.accepted += added
    if added == together[main].num_rows:
        tally.money.update(_money(together[main]))  # += would drop what is not above 0
    elif added:
        tally.partly = True


def _added(lake: Lake, table: str, origin: str) -> pa.Table:
    """The rows that this import added, read back from the lake."""
    return lake.read(View(tables=(table,), columns=("revenue", "currency"), only=(("origin", (origin,)),)))


def _money(rows: pa.Table) -> Counter[str]:
    some = rows.select(["currency", "revenue"]).filter(pc.is_valid(rows.column("revenue")))
    sums = some.group_by("currency").aggregate([("revenue", "sum")])
    currencies, money = sums.column("currency").to_pylist(), sums.column("revenue_sum").to_pylist()
    found: Counter[str] = Counter()
    found.update(dict(zip(currencies, money, strict=True)))
    return found


def _identities(rows: pa.Table) -> Any:
    return np.unique(rows.column("identity").to_numpy())


def _events(file: TableFile, reading: Reading, lake: Lake) -> Iterator[_Piece]:
    seen = Occurrences()
    for texts in file.chunks(READ_AT_ONCE):
        rows, refusals = read_events(texts, reading, seen)
        yield _Piece(
            read=rows.num_rows,
            done=texts.done,
            identities=_identities(rows),
            refusals=[*texts.refusals, *refusals],
            rows=tables(rows) if rows.num_rows else {},
            claims=claims_of(rows, now=reading.now),
        )


def _orders(file: TableFile, reading: Reading, lake: Lake) -> Iterator[_Piece]:
    """Lines without order ids go at once; with order ids the orders are put together at the end."""
    seen = Occurrences()
    together = reading.mapped.column("order_id") is not None
    gathered: list[pa.Table] = []
    done = 0
    for texts in file.chunks(READ_AT_ONCE):
        lines, refusals = read_lines(texts, reading, seen)
        refusals = [*texts.refusals, *refusals]
        done = texts.done
        if together:
            gathered.append(lines)
            yield _Piece(read=0, done=done, identities=_identities(lines)[:0], refusals=refusals)
        else:
            yield _lines_piece(lines, lines, order_events(lines), refusals, done)
    if together:
        yield _put_together(pa.concat_tables(gathered), lake, done)


def _put_together(lines: pa.Table, lake: Lake, done: int) -> _Piece:
    lines, refusals = at_odds(lines.combine_chunks())
    known = _known(lake)
    new, told = fresh(lines, known)
    return _lines_piece(lines, new, order_events(new, known, told), refusals, done)


def _lines_piece(
    lines: pa.Table, new: pa.Table, events: pa.Table, refusals: list[Refusal], done: int
) -> _Piece:
    rows = {"events": events, "order_lines": new.drop_columns(["line"])} if new.num_rows else {}
    return _Piece(
        read=lines.num_rows,
        done=done,
        identities=_identities(lines),
        refusals=refusals,
        rows=rows,
    )


def _known(lake: Lake) -> Known:
    columns = ("id", "order_id", "origin")
    only = (("event", (ORDER_COMPLETED,)),)
    return Known(
        lines=lake.read(View(tables=("order_lines",), columns=columns)),
        orders=lake.read(View(tables=("events",), columns=columns, only=only)),
    )


class _Refused:
    """Writes refused rows to a file that is only there if there are any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: TextIO | None = None

    def __enter__(self) -> _Refused:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, refusals: list[Refusal]) -> None:
        """Add them, a line each: line of the file, reason, what stood there."""
        if refusals and self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", newline="", encoding="utf-8")
            csv.writer(self._file).writerow(["line", "reason", "raw"])
        if self._file is not None:
            rows = sorted(refusals, key=lambda refusal: refusal.index)
            csv.writer(self._file).writerows([row.index, row.message, row.sample] for row in rows)
        self.count += len(refusals)

    def drop(self) -> None:
        """Forget them."""
        self.path.unlink(missing_ok=True)


def _report(
    house: Importing, entry: Import, tally: _Tally, refused: _Refused, seconds: float
) -> ImportReport:
    people = whose(house.profiles, np.concatenate(tally.identities)) if tally.identities else []
    currency = entry.currency
    if tally.money and currency not in tally.money:
        currency = tally.money.most_common(1)[0][0]
    return ImportReport(
        import_id=entry.key,
        file=entry.file,
        kind=entry.kind,
        rows=tally.read + tally.refused,
        accepted=tally.accepted,
        duplicates=tally.read - tally.accepted,
        refused=tally.refused,
        people=len(np.unique(people)),
        revenue_minor=tally.money[currency],
        currency=currency,
        by_currency=dict(tally.money),
        refused_file=str(refused.path) if refused.count else None,
        seconds=round(seconds, 3),
    )
