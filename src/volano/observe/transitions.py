"""Who moved from which RFM type to which: the types at a moment in the past and at one later."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa

from volano.domain.rfm import RfmBounds
from volano.domain.view import View
from volano.maths.columns import integers
from volano.observe.traits import tally
from volano.observe.traits.bills import BILLS, MONEYED
from volano.observe.traits.rfm import USUAL, rfm

VIEW = View(columns=BILLS.columns, only=(("event", MONEYED),), humans=True)
NO_ORDER = "no order"  # who had not ordered yet


@dataclass(frozen=True, slots=True)
class Transitions:
    """How many people went from one type to another, or stayed; they add up, as blocks hold whole people."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __add__(self, other: Transitions) -> Transitions:
        return Transitions(self.counts + other.counts)

    def of(self, before: str, after: str) -> int:
        """How many were of the one type and are of the other."""
        return self.counts[before, after]


@dataclass(frozen=True, slots=True)
class Movers:
    """The people who went from one type to another, or stayed; they add up."""

    people: tuple[int, ...] = ()

    def __add__(self, other: Movers) -> Movers:
        return Movers(self.people + other.people)


def transitions(
    block: pa.Table, *, since: int, now: int, currency: str = "USD", bounds: RfmBounds = USUAL
) -> Transitions:
    """The moves of everybody in a block of VIEW between `since` and `now` (both UTC µs).

    The types at `since` are those that the rows before it give; `currency` is the shop's.
    """
    was, became = _both(block, since, now, currency, bounds)
    return Transitions(Counter((was.get(person, NO_ORDER), kind) for person, kind in became.items()))


def movers(
    block: pa.Table,
    *,
    move: tuple[str, str],
    since: int,
    now: int,
    currency: str = "USD",
    bounds: RfmBounds = USUAL,
) -> Movers:
    """Those of a block of VIEW who made a move, (the type at `since`, the type at `now`)."""
    was, became = _both(block, since, now, currency, bounds)
    return Movers(
        tuple(person for person, kind in became.items() if (was.get(person, NO_ORDER), kind) == move)
    )


def _both(
    block: pa.Table, since: int, now: int, currency: str, bounds: RfmBounds
) -> tuple[dict[int, str], dict[int, str]]:
    time = integers(block["time"])
    was = _types(block.filter(pa.array(time < since)), since, currency, bounds)
    return was, _types(block.filter(pa.array(time <= now)), now, currency, bounds)


def _types(rows: pa.Table, at: int, currency: str, bounds: RfmBounds) -> dict[int, str]:
    found = {}
    for profile in tally(rows, currency=currency) if rows.num_rows else []:
        scores = rfm(profile, now=at, bounds=bounds)
        if scores is not None:
            found[profile.person_id] = scores.type
    return found
