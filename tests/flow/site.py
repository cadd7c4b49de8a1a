"""Journal, lake and profiles of a test, and what is sent to them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec

from volano.domain.event import ORDER_COMPLETED, Event, Frame, Intake, Refusal
from volano.domain.profile import Profile
from volano.domain.tables import TABLES
from volano.domain.view import View
from volano.flow.decide import person_of
from volano.flow.ingest import drain
from volano.observe.identity import identity
from volano.ports import Census, Lake, Profiles
from volano.testing.census_memory import MemoryCensus
from volano.testing.journal_memory import MemoryJournal
from volano.testing.lake_memory import MemoryLake
from volano.testing.profiles_memory import MemoryProfiles

NOW = 1_795_289_253_000_000
MINUTE = 60_000_000
_numbers = count()


def event(name: str = "Product Viewed", *, user: str = "", anon: str = "", **fields: Any) -> Event:
    """An event with its own message id, unless one is given."""
    for json_field in ("properties", "context"):
        if json_field in fields:
            fields[json_field] = json.dumps(fields[json_field]).encode()
    defaults: dict[str, Any] = {
        "kind": "track",
        "event": name,
        "message_id": f"m{next(_numbers)}",
        "time": NOW,
    }
    return Event(**(defaults | {"user_id": user, "anonymous_id": anon} | fields))


def order(number: str, revenue: object = 10, **ids: Any) -> Event:
    """A completed order."""
    return event(ORDER_COMPLETED, properties={"order_id": number, "revenue": revenue}, **ids)


@dataclass
class Site:
    """Journal, lake and profiles of one test."""

    journal: MemoryJournal = field(default_factory=MemoryJournal)
    lake: Lake = field(default_factory=MemoryLake)
    profiles: Profiles = field(default_factory=MemoryProfiles)
    on_disk: Census | None = None

    @property
    def census(self) -> Census:
        """The census of the profiles, which are in memory unless it was told."""
        if self.on_disk is None:
            assert isinstance(self.profiles, MemoryProfiles)
            self.on_disk = MemoryCensus(self.profiles)
        return self.on_disk

    def send(self, *events: Event, source: str = "web", refusals: tuple[Refusal, ...] = ()) -> None:
        """One request to the journal."""
        self.frame(Intake(source=source, received_at=NOW, events=list(events), refusals=list(refusals)))

    def frame(self, frame: Frame) -> None:
        """One frame to the journal."""
        self.journal.append_now(msgspec.msgpack.encode(frame))

    def drain(self, limit: int = 2000) -> int:
        """All that waits; how many frames."""
        return sum(iter(lambda: drain(self.journal, self.lake, self.profiles, limit=limit), 0))

    def rows(self, table: str = "events") -> list[dict[str, Any]]:
        """The rows of a table, by time and id."""
        columns = tuple(name for name in TABLES[table].names if name not in ("person_id", "time"))
        found = self.lake.read(View(tables=(table,), columns=columns)).to_pylist()
        return sorted(found, key=lambda row: (row["time"], row["id"]))

    def profile(self, known: str) -> Profile:
        """The profile of whom an identity stands for."""
        found = self.profiles.get(Profile, person_of(self.profiles, identity(known)))
        assert found is not None
        return found


def history() -> list[Frame]:
    """Visits, sign-ins, orders and repeats of them."""
    frames: list[Frame] = []
    for number in range(12):
        who, at = f"a{number % 4}", NOW + number * MINUTE
        events = [event(anon=who, time=at, context={"campaign": {"source": f"s{number % 3}"}})]
        events.append(
            order(
                f"o{number % 4}-{number // 8}", anon=who, user=f"u{number % 4}" if number > 5 else "", time=at
            )
        )
        frames.append(Intake(source="web", received_at=at, events=events))
    return frames


def told(site: Site, names: range = range(4)) -> dict[str, Profile]:
    """The profiles of everybody in the history."""
    return {f"a:a{number}": site.profile(f"a:a{number}") for number in names}
