"""The threads that keep the wheel turning while the server runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from threading import Event, Lock, Thread
from time import monotonic
from typing import TypeVar

from volano.domain.durations import DAY
from volano.domain.work import Work
from volano.errors import VolanoError
from volano.flow.arrivals import Recent, erasures
from volano.flow.calling import Caller
from volano.flow.capping import Capping
from volano.flow.ingest import drain, look_again
from volano.flow.knowledge import Knowing
from volano.flow.segments import DUE_AT_ONCE, waits
from volano.flow.shop import PEOPLE, lens_of
from volano.flow.working import Working
from volano.flow.works import expiring
from volano.ports import Journal
from volano.wiring import FIRST, House, hold_budget

_IDLE = 0.05  # seconds between looks at empty journals
_REST_DRAINED = 0.05  # seconds of rest after a small drain at most: each commit costs the same, full or not
_LOOK = 0.3  # seconds between looks at whether it is time to think
_TRY_AGAIN = 30.0  # seconds until long work that went wrong is tried again
_LOOK_CALLS = 0.2  # seconds between looks at whether another system is to be told something
_ASK_CALLS = 5.0  # seconds between looks at how it goes with them
_SWEEP_CALLS = 3_600.0  # seconds between two droppings of calls that nobody asks for
_LOOK_TIDY = 1.0  # seconds between looks at whether it is time to tidy
_THINK_EVERY = 15.0  # seconds between two plans while events come in
_THINK_ANYWAY = 600.0  # seconds between two plans while none do: a file may have been imported
_MEASURE_EVERY = 5.0  # seconds between two looks at how much of the disk is used
_EXPIRE_EVERY = 86_400.0  # seconds between two droppings of what is too old
_REST = 10  # times what was just done takes, before it is done again
_ROUNDS = 5  # of people whose time has come, before events are looked for again
_FRAMES = 500  # of the journal in one go

T = TypeVar("T")


class Turning:
    """Moves what came in to the lake, and beside that plans and judges anew, keeps the lake in order, does
    the long work there is and tells other systems what they want to know.

    Each of the five has a thread, so that none waits for another. `version` changes whenever the lake may
    have; `troubles` says what went wrong last, by what was being done; a trouble never ends a thread and
    goes away when the thing works again.
    """

    def __init__(self, house: House, clock: Callable[[], int]) -> None:
        self._house, self._clock = house, clock
        self._stop = Event()
        self._threads: list[Thread] = []
        self._lock = Lock()  # around what the threads and the console change
        self._fresh = True
        self._begun = False  # every journal is read once, whether it seems to need it or not
        self._thought_at = self._tidied_at = self._expired_at = self._measured_at = float("-inf")
        self._thinking = self._tidying = 0.0  # seconds that it took last
        self._going_by = Knowing(house.state, house.settings)
        self._working = Working(house, clock)
        self._capping = Capping(house)
        self._caller = Caller(house, clock)
        self._asked_at = self._swept_at = float("-inf")
        self._told_of: set[str] = set()  # what is told of other systems
        self.recent = Recent(forgotten=partial(erasures, house.profiles))
        self.version = 0
        self.received_at = 0  # when events last came through here; UTC µs
        self.troubles: dict[str, str] = {}

    def start(self) -> None:
        """Begin to turn."""
        self._stop.clear()
        turns = {
            "draining": self._drain_on,
            "thinking": self._think_on,
            "tidying": self._tidy_on,
            "working": self._work_on,
            "calling": self._call_on,
        }
        self._threads = [
            Thread(target=turn, name=f"volano-{name}", daemon=True) for name, turn in turns.items()
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

    @property
    def jobs(self) -> tuple[str, ...]:
        """The long work that is under way, with how much of it is done."""
        return tuple(work.said for work in self._house.state.find(Work))

    def _drain_on(self) -> None:
        while not self._stop.is_set():
            began = monotonic()
            moved = self.drain()
            self._stop.wait(rest(moved, monotonic() - began))

    def _think_on(self) -> None:
        while not self._stop.is_set():
            if monotonic() - self._thought_at >= pause(self._thinking, fresh=self._fresh):
                self.think()
            self._stop.wait(_LOOK)

    def _tidy_on(self) -> None:
        while not self._stop.is_set():
            self.tidy()
            self._stop.wait(_LOOK_TIDY)

    def _work_on(self) -> None:
        while not self._stop.is_set():
            did = self.work()
            self._stop.wait(_TRY_AGAIN if did is None else 0 if did else _LOOK)

    def _call_on(self) -> None:
        while not self._stop.is_set():
            did = self.call()
            self._stop.wait(0.0 if did else _LOOK_CALLS)

    def call(self) -> bool:
        """Tell the next of the other systems what waits for it; whether any was told something."""
        did = self._try("telling other systems", self._caller.step)
        if monotonic() - self._asked_at >= _ASK_CALLS:
            self._try("looking how it goes with other systems", self._ask)
        if monotonic() - self._swept_at >= _SWEEP_CALLS:
            self._try("dropping old calls", self._caller.sweep)
            self._swept_at = monotonic()
        return bool(did)

    def _ask(self) -> None:
        found = {f"telling {name}": said for name, said in self._caller.troubles().items()}
        for what in self._told_of | found.keys():
            self._tell(what, found.get(what, ""))
        self._told_of, self._asked_at = set(found), monotonic()

    def work(self) -> bool | None:
        """Do a stretch of the long work there is; whether there was any, None if it went wrong."""
        did = self._try("working through the past", lambda: self._working.step() is not None)
        if did:
            self.touched()
        return did

    def drain(self) -> int:
        """Move frames from every journal to the lake; how many were moved."""
        journals = self._try("finding the journals", self._house.journals) or [self._house.journal]
        moved = sum(self._drained(journal, journals) for journal in journals)
        self._begun = True
        if moved:
            self.received_at = self._clock()
        self._try("counting what has a cap", lambda: self._capping(moved, now=self._clock()))
        settled = self._try("following segments as time passes", lambda: self._look_again(moved))
        if moved or settled:
            self.touched()
        return moved

    def _look_again(self, moved: int) -> int:
        """Settles the people whose time has come; a drain that moves frames tells the moves itself."""
        house, done = self._house, 0
        if not waits(house.profiles, now=self._clock()):
            return 0  # most often: others need not wait for us to look
        for _ in range(_ROUNDS):
            some = look_again(
                house.lake, house.profiles, self._going_by, now=self._clock, telling=done + moved == 0
            )
            done += some
            if some < DUE_AT_ONCE:
                break
        return done

    def _drained(self, journal: Journal, journals: Sequence[Journal]) -> int:
        which = "" if journal.name == FIRST else f" from {journal.name}"
        return self._try(f"bringing events in{which}", lambda: self._moved(journal, journals)) or 0

    def _moved(self, journal: Journal, journals: Sequence[Journal]) -> int:
        house, name = self._house, journal.name
        if self._begun and journal.end == house.lake.offset(name) == house.profiles.offset(name):
            return 0  # to know what the drain goes by costs more than to look here
        return drain(
            journal,
            house.lake,
            house.profiles,
            limit=_FRAMES,
            by=self._going_by,
            now=self._clock,
            heard=self.recent.add,
            beside=journals,
        )

    def think(self) -> None:
        """Plan and judge anew."""
        from volano.flow.propose import refresh
        from volano.flow.review import review

        house, now = self._house, self._clock()
        self._fresh, began = False, monotonic()
        lens = self._try("reading the shop's settings", lambda: lens_of(house)) or PEOPLE
        self._try("looking for leaks", lambda: refresh(house.lake, house.state, now=now, lens=lens))
        self._try("judging campaigns", lambda: review(house.lake, house.state, now=now, lens=lens))
        with self._lock:
            self.version += 1
        self._thinking = monotonic() - began
        self._thought_at = monotonic()

    def tidy(self) -> None:
        """Keep to the disk budget, drop what is too old, and put the lake in order, where it is time to."""
        settings = self._house.settings
        if monotonic() - self._measured_at >= _MEASURE_EVERY:
            self._measure()
        if settings.retention_days and monotonic() - self._expired_at >= _EXPIRE_EVERY:
            self._try("dropping old events", self._expire)
        if monotonic() - self._tidied_at >= breath(self._tidying, settings.tidy_seconds):
            self._try("putting the lake in order", self._compact)

    def _measure(self) -> None:
        self._try("deleting files that nobody needs", self._house.upkeep.sweep)
        said = self._try("measuring the disk", lambda: hold_budget(self._house))
        self._tell("taking events", said or "")
        self._measured_at = monotonic()

    def _expire(self) -> None:
        state, now = self._house.state, self._clock()
        state.put(expiring(state, now - self._house.settings.retention_days * DAY, now=now))
        self._expired_at = monotonic()

    def _compact(self) -> None:
        began, upkeep = monotonic(), self._house.upkeep
        if upkeep.needs_compaction():
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


def breath(took: float, every: int) -> float:
    """Seconds to rest after a compaction that took so many; none where the owner wants none.

    >>> breath(0.2, 120), breath(40.0, 120), breath(40.0, 0)
    (120, 400.0, 0)
    """
    return max(every, _REST * took) if every else 0


def rest(moved: int, took: float) -> float:
    """Seconds to rest after a drain: as long as a small one took, that frames gather; none while many wait.

    >>> rest(0, 0.01), rest(40, 0.2), rest(40, 3.0), rest(500, 2.0)
    (0.05, 0.05, 0.05, 0.0)
    """
    if moved >= _FRAMES:
        return 0.0
    return min(_REST_DRAINED, took) if moved else _IDLE
