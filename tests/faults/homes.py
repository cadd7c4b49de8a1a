"""A home on disk, brought up to date and looked into without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tests.flow.site import NOW, event
from volano.domain.event import SEGMENT_ENTERED, SEGMENT_LEFT, Event, Intake
from volano.domain.view import View
from volano.ports import Journal
from volano.settings import Settings
from volano.web.turning import Turning
from volano.wiring import House, open_house


def opened(home: Path) -> House:
    """The house in a folder."""
    return open_house(Settings(home=str(home)))


def frame(*events: Event, at: int = NOW) -> bytes:
    """A request, as the journal keeps it."""
    return msgspec.msgpack.encode(Intake(source="web", received_at=at, events=list(events)))


def sent(journal: Any, *messages: str) -> None:
    """A request for each of these message ids."""
    for message in messages:
        journal.append_now(frame(event(message, user="u", message_id=message)))


def caught_up(house: House, now: int = NOW) -> dict[str, str]:
    """Moves all that waits to the lake; the troubles."""
    turning = Turning(house, lambda: now)
    while turning.drain():
        pass
    return turning.troubles


def rows(house: House, *columns: str) -> list[dict[str, Any]]:
    """What the lake has been told, without what we tell ourselves of segments."""
    found = house.lake.read(View(columns=(*columns, "event"))).to_pylist()
    return [row for row in found if row["event"] not in (SEGMENT_ENTERED, SEGMENT_LEFT)]


def names(house: House) -> list[str]:
    """The names of the events in the lake, in order."""
    return sorted(row["event"] for row in rows(house))


def logs(house: House, journal: Journal | None = None) -> list[Path]:
    """The segments of a journal."""
    return sorted((house.home / "journal" / (journal or house.journal).name).glob("*.log"))
