"""The thread that keeps the wheel turning while the server runs."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from time import monotonic
from typing import TypeVar

from volano.errors import VolanoError
from volano.wiring import House

_IDLE = 0.3  # seconds between looks at an empty journal
_THINK_EVERY = 15.0  # seconds between two plans while events come in
_THINK_ANYWAY = 600.0  # seconds between two plans while none do: a file may have been imported
_FRAMES = 500  # of the journal in one go

T = TypeVar("T")


class Turning:
    """Moves what came in to the lake, and plans and judges anew when something did.

    `version` changes whenever the lake may have; `troubles` says what went wrong last, by what was being
    done; a trouble never ends the thread and goes away when the thing works again.
    """

    def __init__(self, house: House, clock: Callable[[], int]) -> None:
        self._house, self._clock = house, clock
        self._stop = Event()
        self._thread: Thread | None = None
        self._fresh = True
        self._thought_at = -_THINK_ANYWAY
        self.version = 0
        self.received_at = 0  # when events last came through here; UTC µs
        self.troubles: dict[str, str] = {}

    def start(self) -> None:
        """Begin to turn."""
        self._stop.clear()
        self._thread = Thread(target=self._run, name="volano-turning", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being done, then end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=30)
            self._thread = None

    def touched(self) -> None:
        """Something else changed the lake: plan anew soon."""
        self.version += 1
        self._fresh = True

    def _run(self) -> None:
        while not self._stop.is_set():
            moved = self.drain()
            if self._due():
                self.think()
            if not moved:
                self._stop.wait(_IDLE)

    def drain(self) -> int:
        """Move frames from the journal to the lake; how many were moved."""
        from volano.flow.ingest import drain

        house = self._house
        moved = self._try(
            "bringing events in",
            lambda: drain(
                house.journal, house.lake, house.profiles, limit=_FRAMES, currency=house.settings.currency
            ),
        )
        if moved:
            self.received_at = self._clock()
            self.touched()
        return moved or 0

    def think(self) -> None:
        """Plan and judge anew."""
        from volano.flow.propose import refresh
        from volano.flow.review import review

        house, now = self._house, self._clock()
        self._fresh, self._thought_at = False, monotonic()
        self._try("looking for leaks", lambda: refresh(house.lake, house.state, now=now))
        self._try("judging campaigns", lambda: review(house.lake, house.state, now=now))
        self.version += 1

    def _due(self) -> bool:
        waited = monotonic() - self._thought_at
        return waited >= (_THINK_EVERY if self._fresh else _THINK_ANYWAY)

    def _try(self, what: str, act: Callable[[], T]) -> T | None:
        try:
            done = act()
        except VolanoError as error:
            self.troubles = self.troubles | {what: error.message}
        except Exception as error:  # noqa: BLE001  whatever it is, the thread must live and Today must say it
            self.troubles = self.troubles | {what: f"{type(error).__name__}: {error}"}
        else:
            self.troubles = {name: text for name, text in self.troubles.items() if name != what}
            return done
        return None
