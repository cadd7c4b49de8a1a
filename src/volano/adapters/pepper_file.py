"""The pepper of a home: what the digests of its secret keys are worth nothing without."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from secrets import token_bytes

from volano.errors import BrokenHome

NAME = "pepper"
SIZE = 32  # bytes


def pepper_of(home: Path) -> bytes:
    """The pepper of a home, made the first time: whoever comes at that moment gets the same.

    It is on the disk, for its owner's eyes only, before anybody goes by it. BrokenHome if it is damaged.
    """
    path = home / NAME
    if not path.exists():
        _make(path)
    found = path.read_bytes()
    if len(found) != SIZE:
        raise BrokenHome(
            f"{path} has {len(found)} bytes instead of {SIZE}, and without it no secret key is good: "
            "put it back from a backup, or delete it and make new keys"
        )
    return found


def _make(path: Path) -> None:
    """Puts a whole file in place at once; the first one stays."""
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # it has mode 0600
    try:
        with open(handle, "wb") as file:
            file.write(token_bytes(SIZE))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(beside, path)
    finally:
        os.unlink(beside)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
