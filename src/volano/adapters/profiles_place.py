"""Where the profiles of a home are: in the home, or on a server, where the home has a name. Never in both.

What would be in two places would be forgotten in one of them only.
"""

from __future__ import annotations

import fcntl
import secrets
from pathlib import Path

from volano.errors import BadInput

_ELSEWHERE = "elsewhere"  # holds the name of the home on the server, and its own number as a file
_HERE = "data.mdb"


def stays(folder: Path) -> None:
    """BadInput if the profiles are on a server."""
    if (folder / _ELSEWHERE).exists():
        raise BadInput(
            f"the live profiles of {folder.parent} are on a server: name it in VOLANO_PROFILES; or to keep "
            f"them in the home again stop Volano and delete {folder}, they are made anew from the lake"
        )


def name_of(folder: Path) -> str:
    """The name of the home on whatever server; BadInput if its profiles are in the home.

    A copy of the home has another one: the file is no longer the one that was named.
    """
    if (folder / _HERE).exists():
        raise BadInput(
            f"the live profiles are kept in {folder}: to keep them where VOLANO_PROFILES says stop Volano "
            "and delete that folder, they are made anew from the lake"
        )
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / _ELSEWHERE
    with (folder / f"{_ELSEWHERE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two at a time one gives the name
        name = _named(file)
        if not name:
            name, beside = secrets.token_hex(8), folder / f"{_ELSEWHERE}.part"
            beside.unlink(missing_ok=True)
            beside.touch(mode=0o600)
            beside.write_text(f"{name} {beside.stat().st_ino}\n")
            beside.replace(file)
    return name


def _named(file: Path) -> str:
    """The name in a file; "" if there is none, or it is a copy."""
    try:
        name, number = file.read_text().split()
        return name if int(number) == file.stat().st_ino else ""
    except (FileNotFoundError, ValueError):
        return ""
