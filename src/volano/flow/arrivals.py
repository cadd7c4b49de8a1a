"""What arrives, for people: the registry by source, and the newest events as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

import msgspec

from volano.domain.account import Source
from volano.domain.erasure import Erasures
from volano.domain.event import Frame, Intake
from volano.domain.naming import Suggestion
from volano.domain.registry import Seen
from volano.flow.naming import names_of
from volano.observe.identity import known_as
from volano.observe.naming import unknown_shopping
from volano.observe.registry import seen_key
from volano.ports import Profiles, State

RECENT = 200


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """One event or refusal as it came; `code` and `message` are empty for events. Times are UTC µs."""

    number: int  # ascending; whoever has seen number n asks for what came after it
    received_at: int
    source: str
    event: str = ""
    kind: str = ""
    known_as: str = ""
    time: int = 0
    path: str = ""
    code: str = ""
    message: str = ""
    sample: str = ""


class Recent:
    """The last 200 events and refusals, newest last. Threads may add and read at the same time.

    All begins anew when `forgotten` gives something else: nothing here tells any more who was forgotten, and
    another process may have done it.
    """

    def __init__(self, size: int = RECENT, forgotten: Callable[[], object] = lambda: None) -> None:
        self._kept: deque[Arrival] = deque(maxlen=size)
        self._forgotten = forgotten
        self._before: object = None  # it is asked first when there is something to keep
        self._lock = Lock()
        self._number = 0

    def add(self, frames: Iterable[Frame]) -> None:
        """What a drain brings; of many frames only the last are looked at."""
        with self._lock:
            self._begin_anew()
            for frame in frames:
                if isinstance(frame, Intake):
                    self._frame(frame)

    def after(self, number: int = 0) -> list[Arrival]:
        """What came after the arrival of that number and is still kept, oldest first."""
        with self._lock:
            self._begin_anew()
            return [one for one in self._kept if one.number > number]

    def _begin_anew(self) -> None:
        now = self._forgotten()
        if now != self._before:
            self._kept.clear()
            self._before = now

    def _frame(self, frame: Intake) -> None:
        size = self._kept.maxlen or RECENT
        for event in frame.events[-size:]:
            self._keep(
                frame,
                event=event.event,
                kind=event.kind,
                known_as=known_as(event.user_id, event.anonymous_id),
                time=event.time,
                path=_path(event.context),
            )
        for refusal in frame.refusals[-size:]:
            self._keep(frame, code=refusal.code, message=refusal.message, sample=refusal.sample)

    def _keep(self, frame: Intake, **told: Any) -> None:
        self._number += 1
        at, source = frame.received_at, frame.source
        self._kept.append(Arrival(number=self._number, received_at=at, source=source, **told))


class _Page(msgspec.Struct):
    path: Any = None


class _Context(msgspec.Struct):
    page: _Page | None = None


_context = msgspec.json.Decoder(_Context)


def _path(context: bytes) -> str:
    try:
        page = _context.decode(context).page
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
    return page.path[:200] if page and isinstance(page.path, str) else ""


def erasures(profiles: Profiles) -> int:
    """How many times somebody was forgotten: what was read before it changed is not shown any more."""
    found = profiles.get(Erasures, 0)
    return found.times if found else 0


def sources_seen(profiles: Profiles) -> list[Seen]:
    """The record of each source that ever sent something, the busiest first."""
    found = [one for _, one in profiles.scan(Seen) if not one.event]
    return sorted(found, key=lambda one: (-one.count, one.source))


def source_seen(profiles: Profiles, source: str) -> Seen | None:
    """The record of one source."""
    return profiles.get(Seen, seen_key(source, ""))


def events_seen(profiles: Profiles, source: str = "") -> list[Seen]:
    """The events of a source, or of all, the most frequent first."""
    found = [one for _, one in profiles.scan(Seen) if one.event and source in ("", one.source)]
    return sorted(found, key=lambda one: (-one.count, one.source, one.event))


def event_seen(profiles: Profiles, source: str, event: str) -> Seen | None:
    """One event of a source, with its properties."""
    return profiles.get(Seen, seen_key(source, event))


def suggestions(profiles: Profiles, state: State) -> list[Suggestion]:
    """What comes in under unknown words and looks like shopping: clear cases first, then by frequency.

    Sources whose keys were revoked are not asked about.
    """
    revoked = {one.key for one in state.find(Source) if one.revoked_at}
    seen = (one for _, one in profiles.scan(Seen) if one.source not in revoked)
    return unknown_shopping(seen, names_of(state))
