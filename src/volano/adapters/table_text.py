"""Rows of delimited text (RFC 4180 and its relatives, and tables set with blanks), with their lines."""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from volano.domain.event import Refusal

Stretch = tuple[pa.Table, Any, tuple[Refusal, ...]]  # texts, line of each row, what was no row

_BATCH = 50_000  # lines looked at together: enough to be quick, few enough to stay small
_SAMPLE = 200
_DATA = re.compile(r"[^A-Za-z]*\d[^A-Za-z]*|\d{4}-\d\d-\d\d.*", re.DOTALL)  # a number, a date, an amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a text is cut into fields; the delimiter " " stands for runs of blanks."""

    delimiter: str
    header: bool
    columns: tuple[str, ...]


def refused(line: int, code: str, message: str, raw: str) -> Refusal:
    """A line that is no row of its file."""
    return Refusal(index=line, code=code, message=message, sample=raw.rstrip("\r\n")[:2000])


def sniff(lines: list[str], header: bool | None = None, delimiter: str | None = None) -> Shape:
    """The shape of a text from its first lines.

    The delimiter is the one that cuts most lines into as many fields (more than one) as the first line;
    a first line in which nothing looks like a number or a date is a header.

    >>> sniff(["who;when;amount\\n", "1;2020-01-31;12,50\\n"])
    Shape(delimiter=';', header=True, columns=('who', 'when', 'amount'))
    >>> sniff([" 00001 19970101  1   11.77\\n"]).columns
    ('1', '2', '3', '4')
    """
    first = next(index for index, line in enumerate(lines) if line.strip())
    sample = lines[first : first + _SAMPLE]
    mark = delimiter or _delimiter(sample)
    top = next(iter(records(sample, mark)))[1] or [lines[first].strip()]
    names = header if header is not None else not any(_DATA.fullmatch(cell.strip()) for cell in top)
    width = len(top)
    if not names:
        widths = Counter(len(cells) for _, cells, _ in records(sample, mark) if cells)
        width = widths.most_common(1)[0][0] if widths else width
    return Shape(delimiter=mark, header=names, columns=_named(top if names else [""] * width))


def _delimiter(sample: list[str]) -> str:
    fits = {mark: _fit(sample, mark) for mark in ",;\t|"}
    best = max(fits, key=lambda mark: fits[mark])
    return " " if fits[best] == (0, 0) and _fit(sample, " ") > (0, 0) else best


def _fit(sample: list[str], mark: str) -> tuple[int, int]:
    """How many records have as many fields as the first, and how many fields that is; (0, 0) for one."""
    widths = [len(cells) for _, cells, _ in records(sample, mark) if cells]
    if not widths or widths[0] < 2:
        return 0, 0
    return sum(width == widths[0] for width in widths), widths[0]


def _named(cells: list[str]) -> tuple[str, ...]:
    """Column names: a nameless column is called by its number, a second of the same name gets a number."""
    names: list[str] = []
    for index, cell in enumerate(cells, 1):
        name = cell.strip() or str(index)
        names.append(name if name not in names else f"{name} ({index})")
    return tuple(names)


class _Lines:
    """Lines that can be taken back as far as the last `mark`."""

    def __init__(self, text: Iterable[str]) -> None:
        self._text = iter(text)
        self._back: deque[str] = deque()
        self.seen: list[str] = []  # since the mark
        self.number = 0  # of the last line handed out

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._text)
        self.seen.append(line)
        self.number += 1
        return line

    def mark(self) -> None:
        self.seen.clear()

    def back_to(self, keep: int) -> str:
        """Take back all but the first `keep` lines since the mark; those are returned."""
        kept = "".join(self.seen[:keep])
        self._back.extendleft(reversed(self.seen[keep:]))
        self.number -= len(self.seen) - keep
        return kept


def records(text: Iterable[str] | _Lines, mark: str, width: int = 0) -> Iterator[tuple[int, list[str], str]]:
    """Line number, fields, and for what is no record its raw line; blank lines are passed over.

    A quote that is never closed costs its own line only: the lines it would have swallowed are read again.
    With a `width`, so does a record of several lines that has another number of fields.
    """
    lines = text if isinstance(text, _Lines) else _Lines(text)
    reader = _reader((line for line in lines), mark)
    while True:
        lines.mark()
        start = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield start, [], lines.back_to(1)
            reader = _reader((line for line in lines), mark)
            continue
        if width and len(lines.seen) > 1 and len(_cut(cells, width)) != width:
            yield start, [], lines.back_to(1)
        elif cells and (len(cells) > 1 or cells[0].strip()):
            yield start, cells, ""


def _reader(lines: Iterator[str], mark: str) -> Iterator[list[str]]:
    if mark == " ":
        bare = (line.strip().replace("\t", " ") for line in lines)
        return csv.reader(bare, delimiter=" ", skipinitialspace=True, strict=True)
    return csv.reader(lines, delimiter=mark, strict=True)


def _cut(cells: list[str], width: int) -> list[str]:
    """Without the empty fields that delimiters at the end of a line make."""
    return cells[:width] if len(cells) > width and not any(cells[width:]) else cells


def delimited(text: Iterable[str], shape: Shape, rows: int) -> Iterator[Stretch]:
    """The rows of a text in stretches of `rows` (a little more where lines are looked at together)."""
    lines = _Lines(text)
    if shape.header:
        next(records(lines, shape.delimiter), None)
    numbers: list[Any] = []
    parts: list[pa.Table] = []
    refusals: list[Refusal] = []
    at_once = min(_BATCH, rows)
    while True:
        found = _batch(lines, shape, at_once)
        if found is None:
            break
        parts.append(found[0])
        numbers.append(found[1])
        refusals.extend(found[2])
        if sum(map(len, numbers)) >= rows:
            yield pa.concat_tables(parts), np.concatenate(numbers), tuple(refusals)
            numbers, parts, refusals = [], [], []
    if parts:
        yield pa.concat_tables(parts), np.concatenate(numbers), tuple(refusals)


def _batch(lines: _Lines, shape: Shape, size: int) -> Stretch | None:
    lines.mark()
    start = lines.number + 1
    ahead = list(islice(lines, size))
    if not ahead:
        return None
    width = len(shape.columns)
    quotes = any('"' in line for line in ahead)
    if not quotes and (quick := _plain(ahead, shape)) is not None:
        return quick, np.arange(start, start + len(ahead), dtype=np.int64), ()
    if quotes:
        lines.back_to(0)
        return _stretch(list(islice(records(lines, shape.delimiter, width), size)), shape)
    reader = map(str.split, ahead) if shape.delimiter == " " else csv.reader(ahead, delimiter=shape.delimiter)
    try:
        cells = list(reader)
    except csv.Error:  # a field of more than 128 KB
        lines.back_to(0)
        return _stretch(list(islice(records(lines, shape.delimiter, width), size)), shape)
    if len(cells) == len(ahead) and all(len(row) == width for row in cells):
        return _texts(cells, shape), np.arange(start, start + len(cells), dtype=np.int64), ()
    found = [
        (start + index, row, "")
        for index, row in enumerate(cells)
        if row and (len(row) > 1 or row[0].strip())
    ]
    return _stretch(found, shape)


def _plain(ahead: list[str], shape: Shape) -> pa.Table | None:
    """Lines without a quote, cut by Arrow, ten times as quick; None where they are not all rows."""
    if len(shape.columns) < 2 or shape.delimiter == " ":
        return None
    try:
        found = pa_csv.read_csv(
            pa.BufferReader("".join(ahead).encode()),
            pa_csv.ReadOptions(use_threads=False, column_names=shape.columns, block_size=1 << 24),
            pa_csv.ParseOptions(delimiter=shape.delimiter, quote_char=False, ignore_empty_lines=False),
            pa_csv.ConvertOptions(column_types=dict.fromkeys(shape.columns, pa.string()), check_utf8=False),
        )
    except pa.ArrowInvalid:  # some line has another number of fields
        return None
    return found if found.num_rows == len(ahead) else None


def _stretch(found: list[tuple[int, list[str], str]], shape: Shape) -> Stretch:
    width = len(shape.columns)
    numbers: list[int] = []
    kept: list[list[str]] = []
    refusals: list[Refusal] = []
    for number, cells, raw in found:
        whole = _cut(cells, width)
        if len(whole) == width:
            numbers.append(number)
            kept.append(whole)
        elif not cells:
            reason = "a quote is not closed, or stands inside a field"
            if len(raw) > csv.field_size_limit():
                reason = "a field is longer than 128 KB"
            refusals.append(refused(number, "bad_quotes", reason, raw))
        else:
            reason = f"{len(cells)} field{'s' * (len(cells) != 1)} where {width} are expected"
            refusals.append(refused(number, "bad_width", reason, _joined(cells, shape.delimiter)))
    return _texts(kept, shape), np.array(numbers, np.int64), tuple(refusals)


def _joined(cells: list[str], mark: str) -> str:
    return mark.join(cells)


def _texts(kept: list[list[str]], shape: Shape) -> pa.Table:
    columns = list(zip(*kept, strict=True)) or [()] * len(shape.columns)
    return pa.Table.from_arrays([pa.array(column, pa.string()) for column in columns], list(shape.columns))
