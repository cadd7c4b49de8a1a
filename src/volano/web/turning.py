"""The threads that keep the wheel turning while the server runs."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread
from time import monotonic
from typing import TypeVar

from volano.errors import VolanoError
from volano.wiring import House

_IDLE = 0.3  # seconds between looks at an empty journal
_THINK_EVERY = 15.0  # seconds between two plans while events come in
_THINK_ANYWAY = 600.0  # seconds between two plans while none do: a file may have been imported
_TIDY_EVERY = 120.0  # seconds between two compactions: each writes much of the lake anew
_REST = 10  # times what was just done takes, before it is done again
_FRAMES = 500  # of the journal in one go

T = TypeVar("T")


class Turning:
    """Moves what came in to the lake, and in another thread plans and judges anew when something did.

    `version` changes whenever the lake may have; `troubles` says what went wrong last, by what was being
    done; a trouble never ends a thread and goes away when the thing works again.
    """

    def __init__(self, house: House, clock: Callable[[], int]) -> None:
        self._house, self._clock = house, clock
        self._stop = Event()
        self._threads: list[Thread] = []
        self._lock = Lock()  # around what both threads and the console change
        self._fresh = True
        self._thought_at = self._tidied_at = float("-inf")  # when it ended
        self._thinking = self._tidying = 0.0  # seconds that it took last
        self.version = 0
        self.received_at = 0  # when events last came through here; UTC µs
        self.troubles: dict[str, str] = {}

    def start(self) -> None:
        """Begin to turn."""
        self._stop.clear()
        self._threads = [
            Thread(target=self._drain_on, name="volano-draining", daemon=True),
            Thread(target=self._think_on, name="volano-thinking", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is being done, then end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=30)
        self._threads = []

    def touched(self) -> None:
        """Something else changed the lake: plan anew soon."""
        with self._lock:
            self.version += 1
            self._fresh = True

    def _drain_on(self) -> None:
        while not self._stop.is_set():
            if not self.drain():
                self._stop.wait(_IDLE)

    def _think_on(self) -> None:
        while not self._stop.is_set():
            if monotonic() - self._thought_at >= pause(self._thinking, fresh=self._fresh):
                self.think()
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
        """Plan and judge anew, and put the lake in order where that makes the next time cheaper."""
        from volano.flow.propose import refresh
        from volano.flow.review import review

        house, now = self._house, self._clock()
        self._fresh, began = False, monotonic()
        self._try("looking for leaks", lambda: refresh(house.lake, house.state, now=now))
        self._try("judging campaigns", lambda: review(house.lake, house.state, now=now))
        with self._lock:
            self.version += 1
        self._thinking = monotonic() - began
        self._try("putting the lake in order", self._tidy)
        self._thought_at = monotonic()

    def _tidy(self) -> None:
        began, upkeep = monotonic(), self._house.upkeep
        rested = began - self._tidied_at >= max(_TIDY_EVERY, _REST * self._tidying)
        if rested and not self._stop.is_set() and upkeep.needs_compaction():
            upkeep.compact()
            self._tidied_at = monotonic()
            self._tidying = self._tidied_at - began

    def _try(self, what: str, act: Callable[[], T]) -> T | None:
        try:
            done = act()
        except VolanoError as error:
            self._tell(what, error.message)
        except Exception as error:  # noqa: BLE001  whatever it is, the thread must live and Today must say it
            self._tell(what, f"{type(error).__name__}: {error}")
        else:
            self._tell(what, "")
            return done
        return None

    def _tell(self, what: str, trouble: str) -> None:
        """Note a trouble, or that there is none any more; whoever reads `troubles` keeps what they read."""
        with self._lock:
            others = {name: text for name, text in self.troubles.items() if name != what}
            self.troubles = others | {what: trouble} if trouble else others


def pause(took: float, *, fresh: bool) -> float:
    """Seconds to rest after a plan that took so many, so that planning never takes the machine over.

    >>> pause(0.2, fresh=True), pause(40.0, fresh=True), pause(0.2, fresh=False)
    (15.0, 400.0, 600.0)
    """
    return max(_THINK_EVERY if fresh else _THINK_ANYWAY, _REST * took)
