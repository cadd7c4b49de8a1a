"""Turns at a lake: one writer commits at a time, others may prepare files meanwhile."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from volano.adapters.lake_files import MANIFEST, Files
from volano.adapters.lake_holds import Readers, held
from volano.adapters.lake_manifest import Draft, Manifest, Snapshot, decode
from volano.errors import BrokenHome

T = TypeVar("T")

_TRIES = 3
_SWEEP_EVERY = 86_400.0  # seconds between two looks at every file, where nothing calls for one
_UNSWEPT = "unswept"


class Store:
    """Reads and replaces the manifest of one lake; writers of all processes take turns.

    A commit is: files written and synced, manifest written beside, synced, renamed, directory synced.
    What a torn commit left behind is swept by the next writer that opens the lake, and once a day, unless
    somebody is `preparing` files at that moment. A replaced file stays for the `grace` (seconds) and as long
    as somebody is `reading` a commit that had it.
    """

    def __init__(self, files: Files, *, clock: Callable[[], float], grace: float) -> None:
        self.files = files
        self._clock = clock
        self._grace = grace
        self._lock = threading.Lock()
        self._seen: tuple[object, Snapshot] | None = None
        self._swept_at = float("-inf")
        self._readers = Readers(files.root / "readers")

    def create(self, buckets: int, *, sealed: bool = False) -> None:
        """Makes an empty lake unless there is one."""
        self.files.root.mkdir(parents=True, exist_ok=True)
        if self.files.mark() is None:
            with self._turn():
                self.files.renew()
                if self.files.mark() is None:
                    self.files.replace(msgspec.json.encode(Manifest(buckets=buckets, sealed=sealed)))

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
        """What `act` reads of a snapshot that is held; done again if files of it were shredded meanwhile."""
        for _ in range(_TRIES):
            commits = self.snapshot().manifest.commits
            try:
                with self.reading():
                    return act()
            except BrokenHome:
                if self.snapshot().manifest.commits == commits:
                    raise
        with self.reading():
            return act()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """No file of the newest snapshot, or of a later one, is deleted meanwhile, unless it is shredded."""
        with self._readers.holding(lambda: self.snapshot().manifest.commits):
            yield

    @contextmanager
    def writing(self) -> Iterator[Draft]:
        """One writer's turn: yields the next manifest as a draft and commits it, or nothing if it raises.

        Should the commit itself raise, nobody knows whether it holds until the manifest is read again.
        """
        with self._turn():
            self.files.renew()
            manifest = self.snapshot().manifest
            self._sweep(manifest)
            draft = self._draft(msgspec.structs.replace(manifest, commits=manifest.commits + 1))
            try:
                yield draft
            except BaseException:
                self._remove(draft.fresh)
                raise
            old = draft.ripe(draft.now - self._grace, self._readers.lowest())
            if draft.fresh or msgspec.structs.replace(draft.manifest, commits=manifest.commits) != manifest:
                self._commit(draft)
                self._remove(old)

    @contextmanager
    def preparing(self) -> Iterator[Draft]:
        """A draft for files that are written while others commit; it becomes nothing by itself.

        Whoever takes files over into a commit (`Draft.fresh`) removes them from this draft; the others go.
        """
        with held(self.files.root / "preparing", fcntl.LOCK_SH):
            draft = self._draft(self.snapshot().manifest)
            try:
                yield draft
            finally:
                self._remove(draft.fresh)

    def sweep(self) -> None:
        """Deletes what was replaced and nobody reads any more, and now and then what dead writers left."""
        manifest = self.snapshot().manifest
        due = self._clock() - self._grace
        if self._unswept() or any(it.since <= due for it in manifest.waste):
            with self.writing():
                pass

    def leftovers(self) -> None:
        """What dead writers left is to be deleted by the next writer, of any process."""
        self._swept_at = float("-inf")
        with suppress(OSError):
            (self.files.root / _UNSWEPT).touch()

    def _draft(self, manifest: Manifest) -> Draft:
        now = self._clock()
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        return Draft(files=self.files, manifest=manifest, day=day, now=now, mark=os.urandom(4).hex())

    def _commit(self, draft: Draft) -> None:
        try:
            self.files.seal(draft.fresh)
            self.files.replace(msgspec.json.encode(draft.manifest))
        except BaseException:
            for path in draft.fresh:  # they stay: the manifest that names them may be there all the same
                self.files.forget(path)
            self.leftovers()
            raise

    def _remove(self, paths: Iterable[str]) -> None:
        """Deletes files that no manifest names; what cannot be deleted now is swept later."""
        try:
            self.files.remove(paths)
        except OSError:
            self.leftovers()

    def _unswept(self) -> bool:
        aged = self._clock() - self._swept_at >= _SWEEP_EVERY
        return aged or (self.files.root / _UNSWEPT).exists()

    def _sweep(self, manifest: Manifest) -> None:
        """Deletes what no manifest names, unless somebody is preparing it: then a later writer does so."""
        if not self._unswept():
            return
        with held(self.files.root / "preparing", fcntl.LOCK_EX | fcntl.LOCK_NB) as alone:
            if alone:
                self.files.sweep(manifest.paths())
                self._swept_at = self._clock()
                (self.files.root / _UNSWEPT).unlink(missing_ok=True)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Threads of this process take turns by a lock, processes by a lock on a file."""
        with self._lock, held(self.files.root / "lock"):
            yield
