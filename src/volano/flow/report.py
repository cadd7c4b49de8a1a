"""Lake → numbers: how far people get on a journey, and where they are lost."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from msgspec.structs import replace

from volano.domain.durations import DAY
from volano.domain.leak import Journey, Leak
from volano.domain.tables import EVENTS, empty
from volano.domain.view import View
from volano.flow.shop import PEOPLE, Lens
from volano.observe.bots import Slowly, slow
from volano.observe.sessions import DIMENSIONS, with_visits
from volano.observe.span import Span
from volano.plan.journey import count, journey_json
from volano.plan.leaks import LeakRun, search
from volano.plan.reached import JourneyTally
from volano.ports import Lake

__all__ = ["count_journey", "find_leaks", "journey_json", "leak_run", "newest"]

LEAK_DAYS = 28
_VISIT_COLUMNS = ("source", "medium", "utm_campaign", "device", "path")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountJourney:
    """Counts a block as it comes from the lake: visits where they are asked for, then the journey."""

    journey: Journey
    by: tuple[str, ...]
    since: int | None
    until: int | None
    first_only: bool = False

    @property
    def by_visits(self) -> bool:
        """Whether a dimension is of the visit rather than of the event."""
        return not set(self.by).isdisjoint(DIMENSIONS)

    @property
    def view(self) -> View:
        """What it needs of the lake: all events if visits matter, else those of the steps and page views."""
        columns = ["event", "revenue", "currency", *[name for name in self.by if name in EVENTS.names]]
        if not set(self.by) <= {*EVENTS.names, *DIMENSIONS}:
            columns.append("properties")
        if self.by_visits:
            return View(columns=tuple(dict.fromkeys([*columns, *_VISIT_COLUMNS])))
        steps = (("event", tuple(dict.fromkeys(self.journey.steps))),)
        return Slowly.view(View(columns=tuple(dict.fromkeys(columns)), only=steps))

    def __call__(self, block: pa.Table) -> JourneyTally:
        block = slow(block)
        if self.by_visits:
            block = with_visits(block)
        return count(
            block, self.journey, self.by, since=self.since, until=self.until, first_only=self.first_only
        )


def newest(lake: Lake) -> int | None:
    """Up to when the data reach (UTC µs), see `Span.newest`; None when there are none."""
    span = lake.tally(View(columns=("time",)), Span.of)
    return None if span is None else span.newest


def count_journey(
    lake: Lake,
    journey: Journey,
    *,
    by: tuple[str, ...] = (),
    since: int | None = None,
    until: int | None = None,
    lens: Lens = PEOPLE,
) -> JourneyTally | None:
    """People by step and slice, of the chains that set out in [since, until); None without events.

    Whether a visit is somebody's first is told from all there is, not from the window.
    """
    counter = CountJourney(journey=journey, by=by, since=since, until=until)
    found = lake.tally(lens.on(counter.view), counter)
    if found is None and newest(lake) is not None:
        return counter(empty("events"))  # there are events, but none of a step
    return found


def first_tries(
    lake: Lake, step: str, order: str, *, within: int, lens: Lens = PEOPLE
) -> JourneyTally | None:
    """Who came to the step in the last 28 days, and ordered within `within` µs of the first time they did.

    By the visit of that time; of people whose window has closed.
    """
    span = lake.tally(View(columns=("time",)), Span.of)
    if span is None:
        return None
    journey = seen_through(Journey(steps=(step, order), within=within), span)
    since, until = leak_window(span, journey)
    counter = CountJourney(journey=journey, by=DIMENSIONS, since=since, until=until, first_only=True)
    return lake.tally(lens.on(counter.view), counter)


def find_leaks(lake: Lake, journey: Journey, *, now: int, lens: Lens = PEOPLE) -> list[Leak]:
    """The leaks of the journey as of the newest event, the one that loses most orders a week first."""
    return list(leak_run(lake, journey, now=now, lens=lens).leaks)


def leak_run(
    lake: Lake,
    journey: Journey,
    *,
    now: int,
    since: int | None = None,
    until: int | None = None,
    lens: Lens = PEOPLE,
) -> LeakRun:
    """The leaks, how many slices × steps were tested for them, and the share that comes to each step.

    Unless told otherwise, of the last 28 days of people whose window has closed: somebody who set out
    yesterday is not lost yet. In young data everybody's window is shorter, see `seen_through`.
    """
    span = lake.tally(View(columns=("time",)), Span.of)
    if span is None:
        return LeakRun(leaks=(), tested=0, steps=())
    if until is None:
        journey = seen_through(journey, span)
    since, until = leak_window(span, journey, since, until)
    tally = count_journey(lake, journey, by=DIMENSIONS, since=since, until=until, lens=lens)
    return LeakRun(leaks=(), tested=0, steps=()) if tally is None else search(tally, now=now)


def seen_through(journey: Journey, span: Span) -> Journey:
    """The journey with a window of at most a third of the time the data span, the same for everybody.

    Else a slice that began last week would be compared with people who had longer to go on.

    >>> from collections import Counter
    >>> day = Span(oldest=0, last=9 * DAY, hours=Counter({9 * 24: 1}))
    >>> seen_through(Journey(), day).within // DAY
    3
    """
    return replace(journey, within=max(1, min(journey.within, (span.newest - span.oldest) // 3)))


def leak_window(
    span: Span, journey: Journey, since: int | None = None, until: int | None = None
) -> tuple[int, int]:
    """From when until when people set out whose leaks are looked for.

    >>> from collections import Counter
    >>> days = leak_window(Span(oldest=0, last=60 * DAY, hours=Counter({60 * 24: 9})), Journey())
    >>> [moment // DAY for moment in days]
    [25, 53]
    """
    if until is None:
        until = span.newest - journey.within + 1
    return (until - LEAK_DAYS * DAY if since is None else since), until
