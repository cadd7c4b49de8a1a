"""Disks that are small, full or read-only: mounted if this user may mount, else as near as can be."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ROOM = 64 * 1024  # bytes that a full disk has left, less than a few requests


class Disk:
    """A folder on a disk that can be filled up; `how` says by what."""

    def __init__(self, folder: Path, how: str) -> None:
        self.folder, self.how = folder, how
        self._ballast = folder / "ballast"

    def fill(self, *pids: int) -> None:
        """Leaves these processes hardly any room."""
        if self.how == "tmpfs":
            with suppress(OSError), self._ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(_ROOM))
            os.truncate(self._ballast, self._ballast.stat().st_size - _ROOM)
            return
        largest = max(path.stat().st_size for path in self.folder.rglob("*.log"))
        for pid in pids:
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest + _ROOM, hard))

    def free(self, *pids: int) -> None:
        """Gives the room back."""
        self._ballast.unlink(missing_ok=True)
        for pid in pids if self.how != "tmpfs" else ():
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """A disk of so many megabytes, else a folder whose files can be kept from growing."""
    folder.mkdir()
    mounted = _mount(folder, f"size={megabytes}m")
    try:
        yield Disk(folder, "tmpfs" if mounted else "RLIMIT_FSIZE")
    finally:
        if mounted:
            _unmount(folder)


@contextmanager
def read_only(folder: Path) -> Iterator[str]:
    """A folder that nobody can write to; by what."""
    folder.mkdir(exist_ok=True)
    mounted = _mount(folder, "ro")
    if not mounted:
        folder.chmod(0o555)
    try:
        yield "mount" if mounted else "chmod"
    finally:
        if mounted:
            _unmount(folder)
        else:
            folder.chmod(0o755)


def _mount(folder: Path, options: str) -> bool:
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
