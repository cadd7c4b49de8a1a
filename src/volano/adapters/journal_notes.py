"""What a journal tells of itself: what was cut or could not be read, and how far it is drained."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from volano.errors import Busy

DRAINED = "drained"  # a file with the position up to which the lake has read
NO_ROOM = "no-room"  # a file beside the journals: whoever appends is refused with what it says
_INCIDENTS = "incidents"
_ASIDE = "damaged"  # the folder with the bytes that could not be read
_DIGITS = 20


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """A torn tail, bytes that are damaged, or bytes that are not there; where they begin, and how many."""

    what: Literal["torn", "damaged", "missing"]
    at: int
    size: int

    def told(self, journal: str) -> str:
        """In a sentence.

        >>> Incident(what="torn", at=7, size=3).told("j0")
        'journal j0 ended in 3 bytes at 7 that were never acknowledged; they are cut off'
        """
        where = f"{self.size:,} bytes at {self.at}"
        if self.what == "torn":
            return f"journal {journal} ended in {where} that were never acknowledged; they are cut off"
        if self.what == "missing":
            return f"journal {journal} lacks {where}; what came after them is read"
        return f"journal {journal} has {where} that cannot be read; they are kept in {journal}/{_ASIDE}"


def note(folder: Path, incident: Incident) -> None:
    """Keeps an incident; the same one is kept once."""
    if incident not in incidents(folder):
        with (folder / _INCIDENTS).open("ab") as file:
            file.write(msgspec.json.encode(incident) + b"\n")


def incidents(folder: Path) -> list[Incident]:
    """What was noted of the journal in a folder, the oldest first."""
    found = []
    with suppress(FileNotFoundError):
        for line in (folder / _INCIDENTS).read_bytes().splitlines():
            with suppress(msgspec.MsgspecError):  # a line that a crash cut off
                found.append(msgspec.json.decode(line, type=Incident))
    return found


def set_aside(folder: Path, incident: Incident, raw: bytes) -> None:
    """Keeps bytes that cannot be read where a person can look at them; Busy if the disk is full."""
    place = folder / _ASIDE / f"{incident.at:0{_DIGITS}d}.bin"
    try:
        if not place.exists():
            place.parent.mkdir(exist_ok=True)
            beside = place.with_suffix(".new")
            beside.write_bytes(raw)
            beside.replace(place)
        note(folder, incident)
    except OSError as error:
        raise Busy(
            f"{place} cannot be written ({error.strerror}); free some disk, it holds what is damaged"
        ) from error


def clear_aside(folder: Path) -> None:
    """Deletes the bytes that were set aside; that there were some stays known."""
    for place in (folder / _ASIDE).glob("*"):
        place.unlink(missing_ok=True)


def write_drained(folder: Path, position: int) -> None:
    """Tells other processes how far the lake has read, unless the disk is full."""
    with suppress(OSError):
        handle = os.open(folder / DRAINED, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(handle, b"%0*d" % (_DIGITS, position), 0)
        finally:
            os.close(handle)


def read_drained(folder: Path) -> int:
    """How far the lake has read, as far as was told; 0 if it was not."""
    try:
        return int((folder / DRAINED).read_bytes() or b"0")
    except (OSError, ValueError):
        return 0


def refusal(journals: Path) -> str:
    """Why nothing may be appended to any of these journals; "" if it may."""
    try:
        return (journals / NO_ROOM).read_text()
    except OSError:
        return ""
