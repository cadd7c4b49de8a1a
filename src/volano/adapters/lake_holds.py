"""Locks on files and folders, which the kernel lets go of when their holder dies."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def held(path: Path, how: int = fcntl.LOCK_EX) -> Iterator[bool]:
    """Holds a lock on a folder, or on a file that is made if need be; False when another has it.

    Waits for the other unless `how` has LOCK_NB.
    """
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield _locked(handle, how)
    finally:
        os.close(handle)


def abandoned(path: Path) -> bool:
    """Whether nobody who lives holds the file or folder; False where there is none."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return _locked(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(handle)


def _locked(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how)
    except BlockingIOError:
        return False
    return True


class Readers:
    """Who reads which commit of a lake: a locked file `<commit>-<mark>` for each, of all processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._mine: dict[int, _Hold] = {}

    @contextmanager
    def holding(self, newest: Callable[[], int]) -> Iterator[None]:
        """Holds the newest commit, and with it whatever comes later, until the block is left."""
        commit = self._take(newest)
        try:
            yield
        finally:
            self._let_go(commit)

    def lowest(self) -> float:
        """The oldest commit that somebody reads; infinite when nobody reads."""
        commits = [float("inf")]
        for path in self._folder.glob("*-*"):
            if abandoned(path):
                path.unlink(missing_ok=True)
            else:
                commits.append(int(path.name.partition("-")[0]))
        return min(commits)

    def _take(self, newest: Callable[[], int]) -> int:
        while True:
            commit = newest()
            with self._lock:
                known = self._mine.setdefault(commit, _Hold())
                known.readers += 1
                if known.readers == 1:
                    with suppress(OSError):  # a full disk: what is replaced stays a while anyhow
                        known.open(self._folder, commit)
            if newest() == commit:  # else a writer may have looked before it was held
                return commit
            self._let_go(commit)

    def _let_go(self, commit: int) -> None:
        with self._lock:
            known = self._mine[commit]
            known.readers -= 1
            if not known.readers:
                del self._mine[commit]
                known.close()


class _Hold:
    """The file of one commit, for all readers of this process."""

    def __init__(self) -> None:
        self.readers = 0
        self._path: Path | None = None
        self._handle = -1

    def open(self, folder: Path, commit: int) -> None:
        folder.mkdir(exist_ok=True)
        while self._path is None:
            path = folder / f"{commit}-{os.urandom(4).hex()}"
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if path.exists():
                self._path, self._handle = path, handle
            else:  # taken for abandoned before it was locked
                os.close(handle)

    def close(self) -> None:
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._handle)
