"""The manifest of a lake on disk: the one file that says which files are in it."""

from __future__ import annotations

import fcntl
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from volano.errors import BrokenHome

VERSION = 1
_NAME = "manifest.json"
_SIDE = "index"  # the directory of id runs and links


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file: sorted rows of one bucket. Bounds are inclusive, times UTC µs."""

    path: str
    table: str
    bucket: int
    day: str  # of arrival, YYYY-MM-DD
    rows: int
    time_low: int
    time_high: int
    person_low: int
    person_high: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One `.npy` file of the side index."""

    path: str
    rows: int


class Waste(msgspec.Struct, frozen=True, kw_only=True):
    """A file no longer in the lake, kept a while for readers of older snapshots; `since` is in seconds."""

    path: str
    since: float


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One snapshot of a lake. The first `settled` links are true of every file already."""

    version: int = VERSION
    buckets: int
    commits: int = 0
    parts: tuple[Part, ...] = ()
    ids: dict[str, tuple[Run, ...]] = {}
    links: tuple[Run, ...] = ()
    settled: int = 0
    offsets: dict[str, int] = {}
    waste: tuple[Waste, ...] = ()

    def paths(self) -> set[str]:
        """Every file this snapshot names, waste too."""
        runs = [run.path for table in self.ids.values() for run in table]
        links = [run.path for run in self.links]
        return {*(part.path for part in self.parts), *runs, *links, *(old.path for old in self.waste)}


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """A manifest with its parts at hand by table and bucket, in order of arrival."""

    manifest: Manifest
    parts: dict[tuple[str, int], list[Part]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, manifest: Manifest) -> Snapshot:
        """The parts, grouped."""
        snapshot = cls(manifest=manifest)
        for part in sorted(manifest.parts, key=lambda part: (part.day, part.path)):
            snapshot.parts[part.table, part.bucket].append(part)
        return snapshot


@dataclass(slots=True, kw_only=True)
class Draft:
    """The next manifest while its files are written; `commit` of the store makes it true."""

    manifest: Manifest
    day: str
    now: float
    fresh: list[str] = field(default_factory=list)

    def name(self, folder: str, ending: str, day: str = "") -> str:
        """A path nobody has used, below the root of the lake; the file is part of this commit."""
        path = f"{folder}/{day or self.day}-{self.manifest.commits:08d}-{len(self.fresh):04d}.{ending}"
        self.fresh.append(path)
        return path

    def side(self, kind: str) -> str:
        """A path for a run of the side index."""
        return self.name(f"{_SIDE}/{kind}", "npy")

    def change(self, **values: object) -> None:
        """Replaces fields of the manifest to be."""
        self.manifest = msgspec.structs.replace(self.manifest, **values)

    def swap(self, old: list[Part], new: list[Part]) -> None:
        """Takes parts out and puts others in; the files of the old ones go to waste."""
        gone = {part.path for part in old}
        kept = tuple(part for part in self.manifest.parts if part.path not in gone)
        self.change(parts=kept + tuple(new))
        self.discard(gone)

    def discard(self, paths: set[str]) -> None:
        """Marks files for deletion once no reader can need them."""
        waste = tuple(Waste(path=path, since=self.now) for path in sorted(paths))
        self.change(waste=self.manifest.waste + waste)


class ManifestStore:
    """Reads and replaces the manifest of one lake; writers of all processes take turns.

    A commit is: files written and synced, manifest written beside, synced, renamed, directory synced.
    What a torn commit left behind is swept by the next writer that opens the lake.
    """

    def __init__(self, root: Path, *, clock: Callable[[], float], grace: float) -> None:
        self.root = root
        self._clock = clock
        self._grace = grace
        self._lock = threading.Lock()
        self._seen: tuple[tuple[int, int, int], Snapshot] | None = None
        self._swept = False

    def create(self, buckets: int) -> None:
        """Makes an empty lake unless there is one."""
        self.root.mkdir(parents=True, exist_ok=True)
        if not (self.root / _NAME).exists():
            with self._turn():
                if not (self.root / _NAME).exists():
                    self._replace(Manifest(buckets=buckets))

    def snapshot(self) -> Snapshot:
        """The newest snapshot; BrokenHome when it cannot be read."""
        path = self.root / _NAME
        try:
            stat = path.stat()
            mark = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            seen = self._seen
            if seen is not None and seen[0] == mark:
                return seen[1]
            snapshot = Snapshot.of(_decode(path.read_bytes(), path))
        except OSError as error:
            raise BrokenHome(
                f"the lake's {path} cannot be read ({error.strerror}): restore a backup"
            ) from error
        self._seen = (mark, snapshot)
        return snapshot

    @contextmanager
    def writing(self) -> Iterator[Draft]:
        """One writer's turn: yields the next manifest as a draft and commits it, or nothing if it raises."""
        with self._turn():
            manifest = self.snapshot().manifest
            self._sweep(manifest)
            now = self._clock()
            draft = Draft(
                manifest=msgspec.structs.replace(manifest, commits=manifest.commits + 1),
                day=_day(now),
                now=now,
            )
            try:
                yield draft
            except BaseException:
                self._remove(draft.fresh)
                raise
            if draft.fresh or msgspec.structs.replace(draft.manifest, commits=manifest.commits) != manifest:
                self._commit(draft)

    def _commit(self, draft: Draft) -> None:
        folders = {Path(path).parent for path in draft.fresh}
        for folder in sorted(folders | {folder.parent for folder in folders}):
            sync_directory(self.root / folder)
        waste = draft.manifest.waste
        old = [it.path for it in waste if it.since <= draft.now - self._grace]
        draft.change(waste=tuple(it for it in waste if it.since > draft.now - self._grace))
        self._replace(draft.manifest)
        self._remove(old)

    def _replace(self, manifest: Manifest) -> None:
        path = self.root / _NAME
        beside = path.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(msgspec.json.encode(manifest))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_directory(self.root)

    def _sweep(self, manifest: Manifest) -> None:
        """Deletes what no manifest names: only a writer that died can have left it."""
        if self._swept:
            return
        named = manifest.paths()
        found = [*self.root.glob("*/*/*.parquet"), *self.root.glob(f"{_SIDE}/*/*.npy")]
        self._remove(
            [
                str(path.relative_to(self.root))
                for path in found
                if str(path.relative_to(self.root)) not in named
            ]
        )
        self._swept = True

    def _remove(self, paths: list[str]) -> None:
        for path in paths:
            (self.root / path).unlink(missing_ok=True)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Threads of this process take turns by a lock, processes by a lock on a file."""
        with self._lock, (self.root / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def sync_directory(path: Path) -> None:
    """Makes the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _decode(raw: bytes, path: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BrokenHome(f"the lake's {path} is damaged ({error}): restore a backup") from error
    if manifest.version != VERSION:
        raise BrokenHome(
            f"the lake's {path} has version {manifest.version}, this program knows {VERSION}: upgrade it"
        )
    return manifest


def _day(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).date().isoformat()
