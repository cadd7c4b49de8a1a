"""Turns at a lake: one writer commits at a time, others may prepare files meanwhile."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from volano.adapters.lake_files import MANIFEST, Files
from volano.adapters.lake_manifest import Draft, Manifest, Snapshot, decode
from volano.errors import BrokenHome

T = TypeVar("T")

_TRIES = 3


class Store:
    """Reads and replaces the manifest of one lake; writers of all processes take turns.

    A commit is: files written and synced, manifest written beside, synced, renamed, directory synced.
    What a torn commit left behind is swept by the next writer that opens the lake, unless somebody is
    `preparing` files at that moment.
    """

    def __init__(self, files: Files, *, clock: Callable[[], float], grace: float) -> None:
        self.files = files
        self._clock = clock
        self._grace = grace
        self._lock = threading.Lock()
        self._seen: tuple[object, Snapshot] | None = None
        self._swept = False

    def create(self, buckets: int) -> None:
        """Makes an empty lake unless there is one."""
        self.files.root.mkdir(parents=True, exist_ok=True)
        if self.files.mark() is None:
            with self._turn():
                self.files.renew()
                if self.files.mark() is None:
                    self.files.replace(msgspec.json.encode(Manifest(buckets=buckets)))

    def snapshot(self) -> Snapshot:
        """The newest snapshot; BrokenHome when it cannot be read."""
        place = f"{self.files.place}/{MANIFEST}"
        try:
            mark = self.files.mark()
            seen = self._seen
            if seen is not None and seen[0] == mark:
                return seen[1]
            snapshot = Snapshot.of(decode(self.files.manifest(), place))
        except OSError as error:
            raise BrokenHome(
                f"the lake's {place} cannot be read ({error.strerror or error}): restore a backup"
            ) from error
        self._seen = (mark, snapshot)
        return snapshot

    def lasting(self, act: Callable[[], T]) -> T:
        """What `act` reads of a snapshot; done again if files of it were deleted meanwhile."""
        for _ in range(_TRIES):
            commits = self.snapshot().manifest.commits
            try:
                return act()
            except BrokenHome:
                if self.snapshot().manifest.commits == commits:
                    raise
        return act()

    @contextmanager
    def writing(self) -> Iterator[Draft]:
        """One writer's turn: yields the next manifest as a draft and commits it, or nothing if it raises."""
        with self._turn():
            self.files.renew()
            manifest = self.snapshot().manifest
            self._sweep(manifest)
            draft = self._draft(msgspec.structs.replace(manifest, commits=manifest.commits + 1))
            try:
                yield draft
            except BaseException:
                self.files.remove(draft.fresh)
                raise
            if draft.fresh or msgspec.structs.replace(draft.manifest, commits=manifest.commits) != manifest:
                self._commit(draft)

    @contextmanager
    def preparing(self) -> Iterator[Draft]:
        """A draft for files that are written while others commit; it becomes nothing by itself.

        Whoever takes files over into a commit (`Draft.fresh`) removes them from this draft; the others go.
        """
        with self._held("preparing", fcntl.LOCK_SH):
            draft = self._draft(self.snapshot().manifest, mark=f"{os.urandom(4).hex()}-")
            try:
                yield draft
            finally:
                self.files.remove(draft.fresh)

    def _draft(self, manifest: Manifest, mark: str = "") -> Draft:
        now = self._clock()
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        return Draft(files=self.files, manifest=manifest, day=day, now=now, mark=mark)

    def _commit(self, draft: Draft) -> None:
        self.files.seal(draft.fresh)
        waste = draft.manifest.waste
        old = [it.path for it in waste if it.since <= draft.now - self._grace]
        draft.change(waste=tuple(it for it in waste if it.since > draft.now - self._grace))
        self.files.replace(msgspec.json.encode(draft.manifest))
        self.files.remove(old)

    def _sweep(self, manifest: Manifest) -> None:
        """Deletes what no manifest names: only a writer that died can have left it."""
        if self._swept:
            return
        with self._held("preparing", fcntl.LOCK_EX | fcntl.LOCK_NB) as alone:
            if alone:
                named = manifest.paths()
                self.files.remove([path for path in self.files.found() if path not in named])
                self._swept = True

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Threads of this process take turns by a lock, processes by a lock on a file."""
        with self._lock, self._held("lock", fcntl.LOCK_EX):
            yield

    @contextmanager
    def _held(self, name: str, how: int) -> Iterator[bool]:
        """Holds a lock on a file; False when another has it and `how` says not to wait."""
        path: Path = self.files.root / name
        with path.open("w") as file:
            try:
                fcntl.flock(file, how)
            except BlockingIOError:
                yield False
                return
            yield True
