"""Runs the marketplace day by day and keeps what people carry from one day to the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from volano.domain.durations import DAY, SECOND
from volano.maths.draw import Floats, uniform
from volano.world.behaviour import (
    STEPS,
    go_on,
    holes,
    hours,
    inside,
    landing,
    leaves,
    lifts,
    visit_rate,
    visit_source,
)
from volano.world.people import DEVICES, SOURCES, settle
from volano.world.rows import Rows, Shown, as_table, in_order
from volano.world.spec import Decide, Flags, Ints, Offer, PlantedLeak, Truth, Visits, WorldSpec
from volano.world.supply import PAGES, stock
from volano.world.visit import Arrivals, Teller, Walk, lifted, walk

_MOST_VISITS = 3  # a person a day


class World:
    """A marketplace. Days are simulated once and in order; pieces give the same rows as the whole."""

    def __init__(self, spec: WorldSpec) -> None:
        self.spec = spec
        self.people = settle(spec)
        self.catalogue = stock(spec.seed)
        self._holes = holes(spec)
        self._lifts = lifts(spec)
        self._day = 0
        self._orders: Ints = np.zeros(spec.people, dtype=np.int64)
        self._visits: Ints = np.zeros(spec.people, dtype=np.int64)
        self._left: Flags = np.zeros(spec.people, dtype=bool)
        self._known: Flags = np.zeros(spec.people, dtype=bool)
        self._refunds: dict[int, list[Rows]] = {}
        self._shown: dict[Shown, int] = {}
        self._lost: Floats = np.zeros(len(self._holes))

    def truth(self) -> Truth:
        """What was planted; losses are those expected over the visits simulated so far."""
        weeks = max(self._day, 1) / 7
        leaks = [
            PlantedLeak(
                step=STEPS[hole.step],
                next_step=STEPS[hole.step + 1],
                slice=dict(hole.slice),
                factor=hole.factor,
                lost_orders_per_week=float(lost / weeks),
            )
            for hole, lost in zip(self._holes, self._lost, strict=True)
        ]
        largest_first = sorted(leaks, key=lambda leak: -leak.lost_orders_per_week)
        return Truth(leaks=tuple(largest_first), effects=dict(self._lifts))

    def simulate(self, first_day: int, last_day: int, decide: Decide | None = None) -> pa.Table:
        """All events of days [first_day, last_day) by time, as `rows.SCHEMA` says.

        `decide` is asked as visits begin, up to three times a day, and its offers take effect.
        Raises ValueError unless `first_day` is the day after the last one simulated.
        """
        if first_day != self._day or last_day < first_day:
            raise ValueError(f"days [{first_day}, {last_day}) asked for, day {self._day} is next")
        blocks: list[Rows] = []
        for day in range(first_day, last_day):
            blocks += self._refunds.pop(day, [])
            blocks += self._live(day, decide)
        self._day = last_day
        return as_table(in_order(blocks), self.people, self.catalogue, list(self._shown))

    def _live(self, day: int, decide: Decide | None) -> list[Rows]:
        """One day: every first visit, then every second one, then every third."""
        salt, count = f"{self.spec.seed}/day {day}", self._visit_counts(day)
        who = np.flatnonzero(count)
        begin = hours(self.people, who, count[who], salt)
        found: list[Rows] = []
        for slot in range(_MOST_VISITS):
            here = (count[who] > slot) & ~self._left[who]
            if not here.any():
                break
            at = self.spec.start + day * DAY + (begin[here, slot] * 3600 * SECOND).astype(np.int64)
            found += self._receive(
                self._arrive(who[here], at, f"{salt}/{slot}"), f"{salt}/{slot}", day, decide
            )
        return found

    def _visit_counts(self, day: int) -> Ints:
        """Visits of everybody on that day: Poisson, at most three; newcomers come at least once."""
        rate = visit_rate(self.people, self._orders)
        drawn = uniform(np.arange(self.spec.people), f"{self.spec.seed}/day {day}/visits")
        below = np.exp(-rate)
        count = np.zeros(self.spec.people, dtype=np.int64)
        term = below.copy()
        for number in range(1, _MOST_VISITS + 1):
            count += drawn >= below
            term *= rate / number
            below = below + term
        count = np.maximum(count, self.people.arrival == day)
        return np.where((self.people.arrival <= day) & ~self._left, count, 0)

    def _arrive(self, who: Ints, start: Ints, salt: str) -> Arrivals:
        source = visit_source(self.people, who, salt)
        return Arrivals(
            who=who,
            source=source,
            page=landing(self.people, who, source, salt),
            start=start,
            known=self._known[who],
        )

    def _receive(self, visits: Arrivals, salt: str, day: int, decide: Decide | None) -> list[Rows]:
        """Decides, lets people walk, tells what they did, and remembers it."""
        offers = decide(self._seen(visits)) if decide else ()
        shares = lifted(self._shares(visits), offers, self._lifts)
        went = walk(visits, shares, self.people, self.catalogue, salt)
        signs = (went.depth >= 3) & self.people.signs_in[visits.who] & ~visits.known
        teller = Teller(visits=visits, walk=went, signs=signs, salt=salt)
        found = teller.rows()
        for offer in offers:
            found += teller.campaign_rows(offer, self._codes(offer), self.people)
        for when, rows in teller.refunds(day, self.spec.start).items():
            self._refunds.setdefault(when, []).append(rows)
        self._remember(visits.who, went, signs)
        return found

    def _shares(self, visits: Arrivals) -> Floats:
        """Shares that go on with the planted leaks; adds up what each leak is expected to cost."""
        shares = go_on(self.people.conversion[visits.who])
        device = self.people.device[visits.who]
        touched = [inside(hole, visits.source, device, visits.page) for hole in self._holes]
        for hole, here in zip(self._holes, touched, strict=True):
            shares[here, hole.step] *= hole.factor
        orders = shares.prod(axis=1)
        for number, (hole, here) in enumerate(zip(self._holes, touched, strict=True)):
            self._lost[number] += orders[here].sum() * (1 / hole.factor - 1)
        return shares

    def _remember(self, who: Ints, went: Walk, signs: Flags) -> None:
        self._visits[who] += 1
        self._known[who[signs]] = True
        buyers = who[went.depth >= 4]
        self._orders[buyers] += 1
        leaving = leaves(self.people, buyers, self._orders[buyers], str(self.spec.seed))
        self._left[buyers[leaving]] = True

    def _seen(self, visits: Arrivals) -> Visits:
        who, people = visits.who, self.people
        source = np.array(SOURCES, dtype=object)[visits.source]
        return Visits(
            person_id=np.where(visits.known, people.user_id[who], ""),
            anonymous_id=people.anonymous_id[who],
            source=source[:, 0],
            medium=source[:, 1],
            device=np.array(DEVICES, dtype=object)[people.device[who]],
            path=np.array(PAGES, dtype=object)[visits.page],
            time=visits.start,
            returning=self._visits[who] > 0,
            orders=self._orders[who],
        )

    def _codes(self, offer: Offer) -> dict[str, int]:
        """A number for each arm of the offer; the same for ever."""
        arms: Sequence[str] = sorted(set(offer.arm.tolist()) - {""})
        return {
            arm: self._shown.setdefault((offer.campaign, arm, offer.round), len(self._shown)) for arm in arms
        }
