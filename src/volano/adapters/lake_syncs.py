"""Makes files of a lake and their names durable, many at once: a disk takes syncs together in one go."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LARGE = 1 << 20  # bytes from which a file is synced at once, so that a writer's turn does not wait for it
_AT_ONCE = 8


class Syncs:
    """What was written below a directory and is not durable yet.

    The name of a folder is made durable with the first file that this process puts into it, whoever made
    the folder: they may have died before they came to it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._pending: set[str] = set()
        self._anchored: set[Path] = set()
        self._pool: ThreadPoolExecutor | None = None

    def wrote(self, path: str) -> None:
        """Notes a new file; a large one is durable at once, its name not yet."""
        if (self._root / path).stat().st_size >= LARGE:
            sync(self._root / path)
            return
        with self._lock:
            self._pending.add(path)

    def drop(self, path: str) -> None:
        """Forgets a file that is deleted."""
        with self._lock:
            self._pending.discard(path)

    def seal(self, paths: Iterable[str]) -> None:
        """Makes these files and their names durable."""
        some = set(paths)
        folders = {Path(path).parent for path in some}
        with self._lock:
            files = self._pending & some
            new = folders - self._anchored
        above = {outer for folder in new for outer in folder.parents}
        due = [self._root / name for name in [*map(Path, sorted(files)), *sorted(folders | above)]]
        if len(due) > 1:
            list(self._threads().map(sync, due))
        else:
            list(map(sync, due))
        with self._lock:
            self._pending -= files
            self._anchored |= new

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="sync")
            return self._pool


def sync(path: Path) -> None:
    """Makes the contents of a file, or the names in a directory, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
