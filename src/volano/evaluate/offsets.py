"""What people did after they were exposed: additive moments per goal and arm, from blocks of whole people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from volano.domain.campaign import Campaign, Goal
from volano.domain.durations import DAY
from volano.domain.view import View
from volano.maths.columns import Bools, Ints, Texts, changes, integers, texts, texts_or_null
from volano.maths.moments import Moments, moments_by

NOTHING = Moments()


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalTally:
    """One goal in one arm, of people whose window has closed; those who did nothing count with zero."""

    values: Moments = NOTHING  # of zeros and ones, or of minor units a person
    converters: int = 0

    def __add__(self, other: GoalTally) -> GoalTally:
        return GoalTally(
            values=self.values + other.values,
            converters=self.converters + other.converters,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTally:
    """People exposed per arm, people seen in two arms (excluded everywhere), and goals × arms."""

    exposed: tuple[int, ...]
    mixed: int
    goals: tuple[tuple[GoalTally, ...], ...]

    @classmethod
    def empty(cls, campaign: Campaign) -> ArmTally:
        """The tally of nobody."""
        arms = len(campaign.arms)
        return cls(exposed=(0,) * arms, mixed=0, goals=((GoalTally(),) * arms,) * len(campaign.goals))

    def __add__(self, other: ArmTally) -> ArmTally:
        return ArmTally(
            exposed=tuple(map(int.__add__, self.exposed, other.exposed)),
            mixed=self.mixed + other.mixed,
            goals=tuple(
                tuple(map(GoalTally.__add__, *rows)) for rows in zip(self.goals, other.goals, strict=True)
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exposed:
    """People of one arm only, ascending, with the arm and time (µs) of their first exposure."""

    person: Ints
    arm: Ints
    time: Ints


def view(campaign: Campaign, until: int) -> View:
    """The rows that `tally` wants of the lake; `until` is the time (µs) of the last event looked at."""
    return View(
        tables=("exposures", "events"),
        columns=("event", "campaign", "variant", "round", "revenue", "currency"),
        until=until + 1,
        only=(("event", tuple(sorted({goal.event for goal in campaign.goals}))),),
    )


def tally(block: pa.Table, campaign: Campaign, until: int, currency: str = "USD") -> ArmTally:
    """The outcomes of the people of a block (whole people, by person and time) as known at `until` (µs).

    Exposure is a person's first in this campaign and round. A goal counts people whose window
    [exposure, exposure + days) had closed by `until`. Rows of other campaigns are no outcomes of this one.
    Money in another currency than the shop's is no revenue; a row that names none is in the shop's.
    """
    rows = _Rows(block, campaign, until, currency)
    people, mixed = _people(rows)
    arms = len(campaign.arms)
    return ArmTally(
        exposed=tuple(np.bincount(people.arm, minlength=arms).tolist()),
        mixed=mixed,
        goals=tuple(_goal(goal, rows, people) for goal in campaign.goals),
    )


class _Rows:
    """The columns of a block as arrays, with what is ours marked."""

    def __init__(self, block: pa.Table, campaign: Campaign, until: int, currency: str) -> None:
        self.arms, self.until = [arm.key for arm in campaign.arms], until
        self.person, self.time = integers(block["person_id"]), integers(block["time"])
        told = texts_or_null(block, "currency")
        home = (told.codes < 0) | (told.codes == told.code(currency))
        self.revenue, self.events = np.where(home, integers(block["revenue"]), 0), texts(block["event"])
        of = texts(block["campaign"])
        known, ours = self.time <= until, of.among([campaign.key])
        exposure = texts(block["table"]).among(["exposures"])
        self.exposure: Bools = exposure & ours & known & (integers(block["round"]) == campaign.round)
        self.outcome: Bools = ~exposure & (ours | (of.codes < 0)) & known
        self.variant = _index(texts(block["variant"]), self.arms)


def _people(rows: _Rows) -> tuple[_Exposed, int]:
    """Who was exposed to one arm, and how many to several; an unknown variant is no exposure."""
    mine = rows.exposure & (rows.variant >= 0)
    person, arm, time = rows.person[mine], rows.variant[mine], rows.time[mine]
    if not len(person):
        return _Exposed(person=person, arm=arm, time=time), 0
    first = np.flatnonzero(changes(person))
    pure = np.minimum.reduceat(arm, first) == np.maximum.reduceat(arm, first)
    at = first[pure]
    return _Exposed(person=person[at], arm=arm[at], time=time[at]), int((~pure).sum())


def _goal(goal: Goal, rows: _Rows, people: _Exposed) -> tuple[GoalTally, ...]:
    """One goal in every arm."""
    arms, size, window = len(rows.arms), len(people.person), round(goal.days * DAY)
    mature = people.time + window <= rows.until
    at = np.flatnonzero(rows.outcome & rows.events.among([goal.event]))
    who = np.searchsorted(people.person, rows.person[at])
    there = who < size
    there[there] = people.person[who[there]] == rows.person[at][there]
    at, who = at[there], who[there]
    since = rows.time[at] - people.time[who]
    inside = (since >= 0) & (since < window) & mature[who]
    at, who = at[inside], who[inside]
    did = np.bincount(who, minlength=size)[mature] > 0
    arm = people.arm[mature]
    count, hits = np.bincount(arm, minlength=arms), np.bincount(arm[did], minlength=arms)
    if goal.measure == "people":
        shares = [Moments.of_share(*pair) for pair in zip(hits.tolist(), count.tolist(), strict=True)]
        return _told(shares, hits)
    total = np.bincount(who, rows.revenue[at], minlength=size)[mature]
    return _told(moments_by(arm, total.astype(np.float64), arms), hits)


def _told(values: Sequence[Moments], hits: Ints) -> tuple[GoalTally, ...]:
    rows = zip(values, hits.tolist(), strict=True)
    return tuple(GoalTally(values=each, converters=number) for each, number in rows)


def _index(column: Texts, names: Sequence[str]) -> Ints:
    """The place in `names` of each text, −1 where it is another or null."""
    place = np.full(len(column.values) + 1, -1, np.int64)  # the last place answers for null
    for at, name in enumerate(names):
        if (code := column.code(name)) >= 0:
            place[code] = at
    return place[column.codes]
