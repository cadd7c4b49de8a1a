"""Where the files of a lake lie, and how one is made durable: a directory, or what can stand in for one."""

from __future__ import annotations

import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from volano.adapters.lake_holds import abandoned
from volano.adapters.lake_syncs import Syncs, sync
from volano.errors import BrokenHome

SIDE = "index"  # the folder of id runs and links
MANIFEST = "manifest.json"
SORTING = "sort-"  # how the folders begin in which large parts are sorted
HALF = ".part"  # how a file ends that is still being fetched
_KEPT = 512  # footers and runs at hand
_HOT_BYTES = 64 << 20  # of decoded hot files, and of turned runs, at hand

Mark = tuple[int, int, int]


class Files:
    """The files of a lake in a directory; paths are relative to its root and use slashes.

    A file and its name are durable when `seal` has returned. No file ever changes, so footers, runs and hot
    rows that were read once are kept at hand.
    """

    _pre_buffer = False  # costs more than it gains on a disk

    def __init__(self, root: Path) -> None:
        self.root = root
        self._footers: Kept = Kept(_KEPT)
        self._runs: Kept = Kept(_KEPT)
        self._hot: Kept = Kept(_HOT_BYTES)
        self._turns: Kept = Kept(_HOT_BYTES)
        self._syncs = Syncs(root)

    @property
    def place(self) -> str:
        """Where the lake is, for a person to read."""
        return str(self.root)

    @property
    def system(self) -> Any:
        """The file system that `address` is in, for Arrow; None is that of this machine."""
        return None

    def address(self, path: str) -> str:
        """Where a file is in its file system."""
        return str(self.root / path)

    def reader(self, path: str, texts: Collection[str] | None = None) -> pq.ParquetFile:
        """A Parquet file, its `texts` as dictionaries; BrokenHome when it cannot be read."""
        try:
            footer = self.footer(path)
            return pq.ParquetFile(
                self._source(path),
                metadata=footer,
                read_dictionary=texts,
                pre_buffer=self._pre_buffer,
            )
        except (OSError, pa.ArrowException) as error:
            raise self._unread(path, error) from error

    def footer(self, path: str) -> pq.FileMetaData:
        """What a Parquet file says of itself; OSError or ArrowException when it cannot be read."""
        known = self._footers.get(path)
        if known is None:
            known = pq.read_metadata(self._source(path))
            self._footers.put(path, known, 1)
        return known

    def whole(self, path: str) -> pa.Table:
        """All rows of a small file that is read again and again; texts are dictionary-encoded."""
        rows = self._hot.get(path)
        if rows is None:
            try:
                rows = self.reader(path, self.footer(path).schema.names).read(use_threads=False)
            except (OSError, pa.ArrowException) as error:
                raise self._unread(path, error) from error
            self._hot.put(path, rows, rows.nbytes)
        return rows

    def write(self, path: str, rows: Iterable[pa.Table], schema: pa.Schema, **how: Any) -> None:
        """Writes tables of one schema, one after the other, as one Parquet file."""
        target = self._fresh(path)
        size = how.pop("row_group_size", None)
        with pq.ParquetWriter(target, schema, store_schema=False, **how) as writer:
            for some in rows:
                writer.write_table(some, row_group_size=size)
        self._finish(target, path)

    def load(self, path: str) -> npt.NDArray[Any]:
        """The numbers of a run, memory-mapped; BrokenHome when the file is missing or short."""
        numbers: npt.NDArray[Any] | None = self._runs.get(path)
        if numbers is None:
            try:
                numbers = np.load(self._copy(path), mmap_mode="r")
            except (OSError, ValueError) as error:
                raise self._unread(path, error) from error
            self._runs.put(path, numbers, 1)
        return numbers

    def turn(self, path: str) -> npt.NDArray[np.intp]:
        """The order in which the second row of a run ascends."""
        turn: npt.NDArray[np.intp] | None = self._turns.get(path)
        if turn is None:
            turn = np.argsort(self.load(path)[1], kind="stable")
            self._turns.put(path, turn, turn.nbytes)
        return turn

    def save(self, path: str, numbers: npt.NDArray[Any]) -> None:
        """Writes a run."""
        target = self._fresh(path)
        with target.open("wb") as file:
            np.save(file, numbers)
        self._finish(target, path)

    def pour(self, path: str, blocks: Iterable[npt.NDArray[np.int64]]) -> int:
        """Writes a run of one row of which only a block is at hand at a time; how long it is."""
        target, rows = self._fresh(path), 0
        with target.open("wb") as file:
            _begin(file, 0)
            for block in blocks:
                block.tofile(file)
                rows += len(block)
            file.seek(0)
            _begin(file, rows)  # NumPy leaves room for the longest number there can be
        self._finish(target, path)
        return rows

    def local(self, path: str, folder: Path) -> Path:
        """The file where other programs of this machine can open it: a copy in `folder`, if need be."""
        return self.root / path

    def adopt(self, local: Path, path: str) -> None:
        """Takes a finished file of this machine into the lake."""
        target = self._fresh(path)
        local.replace(target)
        self._finish(target, path)

    def seal(self, paths: Iterable[str]) -> None:
        """Makes new files and their names durable."""
        self._syncs.seal(paths)

    def remove(self, paths: Iterable[str]) -> None:
        """Deletes files; one that is gone already is no error."""
        for path in paths:
            self.forget(path)
            self._syncs.drop(path)
            self._delete(path)

    def forget(self, path: str) -> None:
        """Lets go of what was read of a file."""
        for kept in (self._footers, self._runs, self._hot, self._turns):
            kept.drop(path)

    def sweep(self, named: Collection[str]) -> None:
        """Deletes every part and run that is not named, and what was half done by whoever died."""
        self.remove([path for path in {*self.found()} if path not in named])
        for folder in self.root.glob(f"{SORTING}*"):
            shutil.rmtree(folder, ignore_errors=True)
        for half in self.root.glob(f"*/*/*{HALF}"):
            if abandoned(half):
                half.unlink(missing_ok=True)

    def found(self) -> Iterator[str]:
        """Every part and run that lies there."""
        for pattern in ("*/*/*.parquet", f"{SIDE}/*/*.npy"):
            for path in self.root.glob(pattern):
                yield path.relative_to(self.root).as_posix()

    def renew(self) -> None:
        """Sees to it that the manifest is the newest there is, before a writer begins."""

    def mark(self) -> Mark | None:
        """Something that changes with every manifest; None when there is none. Cheap."""
        try:
            stat = (self.root / MANIFEST).stat()
        except FileNotFoundError:
            return None
        return (stat.st_ino, stat.st_mtime_ns, stat.st_size)

    def manifest(self) -> bytes:
        """The manifest as it stands."""
        return (self.root / MANIFEST).read_bytes()

    def replace(self, manifest: bytes) -> None:
        """Makes this the manifest, durably, all of it or nothing."""
        path = self.root / MANIFEST
        beside = path.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(manifest)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync(self.root)

    def _source(self, path: str) -> Any:
        return self.root / path

    def _copy(self, path: str) -> Path:
        return self.root / path

    def _delete(self, path: str) -> None:
        (self.root / path).unlink(missing_ok=True)

    def _fresh(self, path: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _finish(self, target: Path, path: str) -> None:
        self._syncs.wrote(path)

    def _unread(self, path: str, error: Exception) -> BrokenHome:
        return BrokenHome(f"the lake's {self.place}/{path} cannot be read ({error}): restore a backup")


def _begin(file: IO[bytes], rows: int) -> None:
    """The head of a `.npy` file."""
    said = {"descr": "<i8", "fortran_order": False, "shape": (rows,)}
    np.lib.format.write_array_header_1_0(file, said)


class Kept:
    """The things used last, up to a weight; safe to share between threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._things: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> Any:
        """The thing, or None."""
        with self._lock:
            if name not in self._things:
                return None
            self._things.move_to_end(name)
            return self._things[name][0]

    def put(self, name: str, thing: Any, weight: int) -> None:
        """Keeps a thing, at the cost of those not used for longest."""
        with self._lock:
            self._weight += weight - self._things.pop(name, (None, 0))[1]
            self._things[name] = (thing, weight)
            while self._weight > self._most and len(self._things) > 1:
                self._weight -= self._things.popitem(last=False)[1][1]

    def drop(self, name: str) -> None:
        """Forgets a thing."""
        with self._lock:
            self._weight -= self._things.pop(name, (None, 0))[1]
