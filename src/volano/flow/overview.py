"""What came in lately, for the first page of the console."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from volano.domain.campaign import Campaign
from volano.domain.durations import DAY
from volano.domain.idea import Idea
from volano.domain.leak import Leak
from volano.domain.verdict import Lesson, Verdict
from volano.domain.view import View
from volano.flow.shop import PEOPLE, Lens
from volano.observe.calendar import day_edges, week_edges
from volano.observe.daily import Daily, Lately, Refused, count_lately, count_refused
from volano.ports import Lake, State

DAYS = 14  # the last seven and the seven before
WEEKS = 4  # the one that goes on among them
STALE = 7 * DAY  # µs after which old data is shown as of its own end


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Days from `since` to `until` (UTC µs), what was quarantined in the last seven before now, and the loop.

    `until` is now, or the newest event where nothing came in for a week (old data was imported). Leaks
    are worst first, ideas best first (those that can still be tried), verdicts newest first. `days` are the
    edges of the last 14 days by the shop's clock; the halves of `daily` are twice seven times 24 hours.
    `weeks` are the edges of the last four weeks as the shop begins them, the last cut at `until`, and
    `weekly` counts between them.
    """

    newest: int | None
    since: int
    until: int
    days: tuple[int, ...]
    daily: Lately | None
    weeks: tuple[int, ...]
    weekly: Daily | None
    refused: Refused
    leaks: list[Leak]
    ideas: list[Idea]
    campaigns: list[Campaign]
    verdicts: list[Verdict]
    lessons: list[Lesson]


def overview(lake: Lake, state: State, *, now: int, lens: Lens = PEOPLE) -> Overview:
    """Gather the numbers of Today."""
    from volano.flow.propose import outlook
    from volano.flow.report import newest

    last = newest(lake)
    until = now if last is None or last >= now - STALE else last + 1
    until = max(until, last + 1) if last is not None else until  # a clock that is ahead hides nothing
    since = until - DAYS * DAY
    days = day_edges(since, until, lens.shop.timezone)[-DAYS - 1 :]
    halves = (since, (since + until) // 2, until)
    shop = lens.shop
    weeks = week_edges(until - (WEEKS + 1) * 7 * DAY, until, shop.timezone, shop.week_start)[-WEEKS - 1 :]
    count = partial(count_lately, days=days, halves=halves, weeks=weeks)
    counted = lake.tally(lens.on(_events(min(since, weeks[0]), until)), count)
    found = outlook(state)
    return Overview(
        newest=last,
        since=since,
        until=until,
        days=days,
        daily=counted,
        weeks=weeks,
        weekly=counted.weeks if counted else None,
        refused=lake.tally(_quarantine(now), count_refused) or Refused(count=0, newest=()),
        leaks=found.leaks,
        ideas=[idea for idea in found.ideas if idea.status in ("proposed", "open")],
        campaigns=state.find(Campaign),
        verdicts=sorted(state.find(Verdict), key=lambda verdict: -verdict.made_at),
        lessons=state.find(Lesson),
    )


def _events(since: int, until: int) -> View:
    return View(columns=("event", "revenue", "currency"), since=since, until=until)


def _quarantine(now: int) -> View:
    return View(tables=("quarantine",), columns=("code", "message", "sample"), since=now - STALE)
