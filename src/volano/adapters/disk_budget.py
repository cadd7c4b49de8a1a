"""How much of the disk a home takes, and the sign that stops the intake when that is more than it may."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from volano.adapters.journal_notes import NO_ROOM

_BLOCK = 512  # bytes, the unit of st_blocks everywhere


def used(home: Path) -> int:
    """Bytes that the files of a home take on the disk, each once however many names it has."""
    sizes = {(stat.st_dev, stat.st_ino): stat.st_blocks for stat in _files(home)}
    return sum(sizes.values()) * _BLOCK


def enforce(home: Path, budget: int) -> str:
    """Puts up the sign or takes it away; what it says, "" while there is room (always if `budget` is 0)."""
    sign = home / "journal" / NO_ROOM
    taken = used(home) if budget else 0
    if taken <= budget:
        sign.unlink(missing_ok=True)
        return ""
    told = (
        f"the disk budget is used up ({taken / 1e9:,.1f} of {budget / 1e9:,.1f} GB): raise VOLANO_DISK_BUDGET"
    )
    told += ", or keep less with VOLANO_RETENTION_DAYS"
    with suppress(OSError):  # no disk at all: then the journal refuses by itself
        sign.parent.mkdir(exist_ok=True)
        sign.write_text(told)
    return told


def _files(home: Path) -> Iterator[os.stat_result]:
    for folder, _, names in os.walk(home):
        for name in names:
            with suppress(OSError):  # it went away meanwhile
                yield os.stat(os.path.join(folder, name), follow_symlinks=False)
