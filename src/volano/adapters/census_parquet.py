"""The census in Parquet files beside the profiles; which of them hold is noted in the store of profiles."""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from volano.adapters.census_notes import Noted, Notes
from volano.adapters.profiles_packed import number
from volano.domain.change import Counted
from volano.errors import Busy

_ROWS = 122_880  # of a row group
_SQUEEZE = {"compression": "zstd", "compression_level": 1}


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """Which files hold, and how many rows they have."""

    stamp: str
    base: str
    base_rows: int
    late: str
    late_rows: int


class ParquetCensus:
    """Files in the folder `census` of that of the profiles; names that are not noted are of nobody."""

    def __init__(self, path: Path, notes: Notes) -> None:
        self._notes = notes
        self._folder = Path(path) / "census"
        self._lock = Path(path) / "census.lock"

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One thread of one process at a time."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def look(self, stamp: str) -> Counted:
        """How it stands; where nothing of that stamp is kept, changes are noted from now on."""
        found, kept = self._noted()
        if kept is not None and stamp in ("", kept.stamp) and self._there(kept):
            people = frozenset(key for key in map(number, found.people) if isinstance(key, int))
            rows = {"base": kept.base_rows, "late": kept.late_rows}
            return Counted(stamp=kept.stamp, mark=found.mark, changed=people, **rows)
        mark = self._notes.begin()
        self._clear()  # what is kept no more may name people who are forgotten before it is kept anew
        return Counted(stamp=stamp, mark=mark)

    def read(self, columns: Sequence[str]) -> tuple[pa.Table, pa.Table]:
        """The large table and the small one."""
        kept = self._kept()
        texts = [name for name in columns if name not in ("person_id", "given", "until")]
        large, small = (
            pq.read_table(
                self._folder / name,
                columns=[*columns],
                memory_map=True,
                read_dictionary=_words(self._folder / name, texts),
            )
            for name in (kept.base, kept.late)
        )
        return large, small

    def parts(self) -> Iterator[pa.Table]:
        """The large table by its row groups."""
        with pq.ParquetFile(self._folder / self._kept().base) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group)

    def keep(self, seen: Counted, late: pa.Table, base: Iterable[pa.Table] | None = None) -> None:
        """Writes beside what is there, notes it in one transaction, then takes away what it replaces."""
        before = None if seen.base < 0 else self._kept()
        small = self._written("late", [late.combine_chunks()], late.schema)
        assert before is not None or base is not None
        large = (
            (before.base, before.base_rows)
            if base is None and before is not None
            else self._written("base", base or (), late.schema)
        )
        kept = _Kept(seen.stamp, *large, *small)
        self._notes.settle(seen.mark, msgspec.msgpack.encode(kept))
        self._clear()

    def _clear(self) -> None:
        """Deletes the files that are not noted."""
        _, kept = self._noted()
        wanted = () if kept is None else (kept.base, kept.late)
        for path in self._folder.iterdir():
            if path.name not in wanted:
                path.unlink()

    def _written(self, name: str, tables: Iterable[pa.Table], schema: pa.Schema) -> tuple[str, int]:
        """In a file of its own name: notes of a store that has lost its last ones must not find another."""
        path, rows = self._folder / f"{name}-{secrets.token_hex(8)}.parquet", 0
        with pq.ParquetWriter(path, schema, **_SQUEEZE) as file:
            for table in _gathered(tables):
                file.write_table(table)
                rows += table.num_rows
        return path.name, rows

    def _noted(self) -> tuple[Noted, _Kept | None]:
        found = self._notes.noted()
        return found, None if found.kept is None else msgspec.msgpack.decode(found.kept, type=_Kept)

    def _kept(self) -> _Kept:
        _, kept = self._noted()
        if kept is None:
            raise Busy("the store of profiles has lost what it noted of everybody: ask again")
        return kept

    def _there(self, kept: _Kept) -> bool:
        return all((self._folder / name).is_file() for name in (kept.base, kept.late))


def _gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of a row group each, so that few are in memory at a time."""
    waiting: list[pa.Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += table.num_rows
        if rows >= _ROWS:
            yield pa.concat_tables(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


def _words(path: Path, columns: Sequence[str]) -> list[str]:
    """The columns of texts, which are read as dictionaries."""
    schema = pq.read_schema(path)
    return [name for name in columns if pa.types.is_string(schema.field(name).type)]
