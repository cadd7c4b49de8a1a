"""The manifest of a lake on disk: the one file that says which files are in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from volano.adapters.lake_files import SIDE, Files
from volano.errors import BrokenHome

VERSION = 3
SEALING = 3  # the version from which on some of a lake is sealed
_LONG_AGO = float("-inf")
NEVER = -(2**63)  # a time before all
HOT = -1  # the bucket of a small file with rows of any, sorted by bucket first


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file: sorted rows of one bucket, or HOT. Bounds are inclusive, times UTC µs."""

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
    """One `.npy` file of the side index.

    Of ids: `day` is when the last of them arrived ("": nobody knows), `freed` that they are none any more.
    """

    path: str
    rows: int
    day: str = ""
    freed: bool = False


class Waste(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is out of the lake since a `commit`, kept for readers of older ones; `since`: seconds."""

    path: str
    since: float
    commit: int = 0


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One snapshot of a lake: `links` say who each identity is, `moves` which rows may not lie there yet.

    What happened before `expired` (UTC µs) was removed and does not come in any more. `sealed` says that no
    file tells of somebody in the open. `settled` belongs to version 1, where links were kept in the order of
    their telling.
    """

    version: int = VERSION
    buckets: int
    commits: int = 0
    parts: tuple[Part, ...] = ()
    ids: dict[str, tuple[Run, ...]] = {}
    links: tuple[Run, ...] = ()
    moves: tuple[Run, ...] = ()
    offsets: dict[str, int] = {}
    waste: tuple[Waste, ...] = ()
    expired: int = NEVER
    sealed: bool = False
    settled: int = 0

    def runs(self) -> list[Run]:
        """Every file of the side index."""
        return [*(run for table in self.ids.values() for run in table), *self.links, *self.moves]

    def paths(self) -> set[str]:
        """Every file this snapshot names, waste too."""
        return {one.path for some in (self.parts, self.runs(), self.waste) for one in some}


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
    """The next manifest while its files are written; `writing` of the store makes it true.

    `mark` is chance: a name is never used twice, not even by who tries again what failed.
    """

    files: Files
    manifest: Manifest
    day: str
    now: float
    mark: str
    named: int = 0
    fresh: list[str] = field(default_factory=list)

    def name(self, folder: str, ending: str, day: str = "") -> str:
        """A path nobody has used, below the root of the lake; the file is part of this commit."""
        path = f"{folder}/{day or self.day}-{self.manifest.commits:08d}-{self.mark}-{self.named:04d}.{ending}"
        self.named += 1
        self.fresh.append(path)
        return path

    def side(self, kind: str) -> str:
        """A path for a run of the side index."""
        return self.name(f"{SIDE}/{kind}", "npy")

    def change(self, **values: object) -> None:
        """Replaces fields of the manifest to be."""
        self.manifest = msgspec.structs.replace(self.manifest, **values)

    def swap(self, old: Iterable[Part], new: Iterable[Part]) -> None:
        """Takes parts out and puts others in; the files of the old ones go to waste."""
        gone = {part.path for part in old}
        kept = tuple(part for part in self.manifest.parts if part.path not in gone)
        self.change(parts=kept + tuple(new))
        self.discard(gone)

    def discard(self, paths: set[str]) -> None:
        """Marks files for deletion once no reader can need them."""
        commit = self.manifest.commits
        waste = tuple(Waste(path=path, since=self.now, commit=commit) for path in sorted(paths))
        self.change(waste=self.manifest.waste + waste)

    def take_over(self, other: Draft, paths: Iterable[str]) -> None:
        """Makes files that were prepared part of this commit."""
        mine = set(paths)
        self.fresh += [path for path in other.fresh if path in mine]
        other.fresh = [path for path in other.fresh if path not in mine]

    def shred(self) -> None:
        """Deletes all waste with this commit, whoever may still read it."""
        waste = self.manifest.waste
        self.change(waste=tuple(msgspec.structs.replace(it, since=_LONG_AGO, commit=0) for it in waste))

    def ripe(self, since: float, lowest: float) -> list[str]:
        """Takes out the waste that is as old as this and not of readers of the `lowest` commit; its paths."""
        waste = self.manifest.waste
        ripe = [it.path for it in waste if it.since <= since and it.commit <= lowest]
        if ripe:
            self.change(waste=tuple(it for it in waste if it.path not in {*ripe}))
        return ripe


def decode(raw: bytes, place: str) -> Manifest:
    """The manifest; BrokenHome when it is damaged or of a version this program does not know."""
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BrokenHome(f"the lake's {place} is damaged ({error}): restore a backup") from error
    if not 1 <= manifest.version <= VERSION:
        raise BrokenHome(
            f"the lake's {place} has version {manifest.version}, this program knows {VERSION}: upgrade it"
        )
    return manifest
