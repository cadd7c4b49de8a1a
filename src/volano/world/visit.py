"""One round of visits: how far each comes, what it looks at, and the rows it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from volano.domain.campaign import CONTROL
from volano.domain.durations import DAY, SECOND
from volano.domain.event import (
    CAMPAIGN_CLICKED,
    CAMPAIGN_CLOSED,
    EXPERIMENT_VIEWED,
    IDENTIFIED,
    ORDER_COMPLETED,
    ORDER_REFUNDED,
    PAGE_VIEWED,
)
from volano.maths.draw import Floats, uniform, words
from volano.world.behaviour import STEPS, SURE
from volano.world.people import People, picked, rows_picked
from volano.world.rows import CHECKOUT, FIRST_PRODUCT_PAGE, THANKS, Rows, rows_of
from volano.world.spec import Flags, Ints, Offer
from volano.world.supply import Catalogue

_PAGE_LEAD = 300_000  # a page is viewed so long before the shop event on it
_EXPOSURE_LAG = 400_000
_SIGN_IN_LAG = 4_200_000  # later than any click, earlier than any next step
_VIEWS_MIX = (0.30, 0.30, 0.25, 0.15)  # one to four products looked at
_TWO_PIECES = 0.15
_REFUNDED = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Visits as they begin, one a person: who, where from, where to, when (µs)."""

    who: Ints
    source: Ints
    page: Ints
    start: Ints
    known: Flags  # signed in before


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Where arrivals go: `depth` is the index of the last step reached, `at` the µs of each step.

    `seen` and `seen_at` are the (visits, 4) products looked at and when, of which `views` count.
    """

    depth: Ints
    at: Ints  # (visits, 5)
    views: Ints
    seen: Ints
    seen_at: Ints
    amount: Floats  # of the order, USD

    @property
    def chosen(self) -> Ints:
        """The product that is added: the last one looked at."""
        return np.take_along_axis(self.seen, self.views[:, None] - 1, axis=1)[:, 0]


def lifted(shares: Floats, offers: Sequence[Offer], lifts: Mapping[str, float]) -> Floats:
    """Shares (visits, 4) with the effect of the variants shown; several effects multiply."""
    changed = shares.copy()
    for offer in offers:
        step = step_of(offer)
        if step < changed.shape[1]:
            changed[:, step] *= 1 + lifts.get(offer.recipe, 0.0) * _shown(offer.arm)
    return np.minimum(changed, SURE)


def step_of(offer: Offer) -> int:
    """The index of the step at which an offer triggers."""
    if offer.on not in STEPS:
        raise ValueError(f"offer.on == {offer.on!r}, must be one of {', '.join(STEPS)}")
    return STEPS.index(offer.on)


def walk(visits: Arrivals, shares: Floats, people: People, catalogue: Catalogue, salt: str) -> Walk:
    """Lets every visit go as far as chance and its shares take it; `salt` names the round of visits."""
    key = visits.who
    went = uniform(key[:, None] * 4 + np.arange(4), f"{salt}/go on") < shares
    views = picked(uniform(key, f"{salt}/views"), _VIEWS_MIX) + 1
    gaps = (5 + 115 * uniform(key[:, None] * 8 + np.arange(7), f"{salt}/gap")) * SECOND
    seen_at = visits.start[:, None] + np.cumsum(gaps[:, :4], axis=1).astype(np.int64)
    last_seen = np.take_along_axis(seen_at, views[:, None] - 1, axis=1)
    later = last_seen + np.cumsum(gaps[:, 4:], axis=1).astype(np.int64)
    seen = _looked_at(visits, people, catalogue, salt)
    chosen = np.take_along_axis(seen, views[:, None] - 1, axis=1)[:, 0]
    pieces = 1 + (uniform(key, f"{salt}/pieces") < _TWO_PIECES)
    return Walk(
        depth=np.cumprod(went, axis=1).sum(axis=1).astype(np.int64),
        at=np.column_stack([visits.start, seen_at[:, 0], later]),
        views=views,
        seen=seen,
        seen_at=seen_at,
        amount=np.round(catalogue.price[chosen] * pieces, 2).astype(np.float64),
    )


def _looked_at(visits: Arrivals, people: People, catalogue: Catalogue, salt: str) -> Ints:
    """Up to four products of categories after the person's taste."""
    keys = visits.who[:, None] * 4 + np.arange(4)
    taste = np.repeat(people.taste[visits.who], 4, axis=0)
    category = rows_picked(uniform(keys, f"{salt}/category").ravel(), taste)
    sensitivity = np.repeat(people.sensitivity[visits.who], 4)
    product = catalogue.pick(category, uniform(keys, f"{salt}/product").ravel(), sensitivity)
    return product.reshape(keys.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Turns arrivals and their walk into rows; `signs` marks those who sign in during the visit."""

    visits: Arrivals
    walk: Walk
    signs: Flags
    salt: str

    def rows(self) -> list[Rows]:
        """All rows of the shop itself, in no order."""
        visits, walk = self.visits, self.walk
        first = self._told(PAGE_VIEWED, walk.depth >= 0, "land", time=visits.start, path=visits.page)
        first["source"] = visits.source
        return [first, *self._product_rows(), *self._basket_rows(), self._order_rows()]

    def _product_rows(self) -> list[Rows]:
        found = []
        for number in range(4):
            here = (self.walk.depth >= 1) & (self.walk.views > number)
            product, at = self.walk.seen[:, number], self.walk.seen_at[:, number]
            path = FIRST_PRODUCT_PAGE + product
            page = self._told(PAGE_VIEWED, here, f"page {number}", time=at - _PAGE_LEAD, path=path)
            view = self._told(STEPS[1], here, f"view {number}", time=at, path=path, product=product)
            found += [page, view]
        return found

    def _basket_rows(self) -> list[Rows]:
        at, chosen, depth = self.walk.at, self.walk.chosen, self.walk.depth
        path = FIRST_PRODUCT_PAGE + chosen
        out = depth >= 3
        page_at, signs_at = at[:, 3] - _PAGE_LEAD, at[:, 3] + _SIGN_IN_LAG
        signed = self._told(IDENTIFIED, out & self.signs, "identified", time=signs_at, path=CHECKOUT)
        signed["known"] = True
        return [
            self._told(STEPS[2], depth >= 2, "added", time=at[:, 2], path=path, product=chosen),
            self._told(PAGE_VIEWED, out, "checkout page", time=page_at, path=CHECKOUT),
            self._told(STEPS[3], out, "checkout", time=at[:, 3], path=CHECKOUT),
            signed,
        ]

    def _order_rows(self) -> Rows:
        walk, done = self.walk, self.walk.depth >= 4
        rows = self._told(
            ORDER_COMPLETED, done, "order", time=walk.at[:, 4], path=THANKS, product=walk.chosen
        )
        rows["revenue"] = walk.amount[done]
        rows["order"] = self._order_keys()[done]
        rows["known"] = (self.visits.known | self.signs)[done]
        return rows

    def refunds(self, day: int, start: int) -> dict[int, Rows]:
        """Rows of orders that are sent back, by the day on which that happens, two to six days later."""
        key, walk = self.visits.who, self.walk
        back = (walk.depth >= 4) & (uniform(key, f"{self.salt}/refunded") < _REFUNDED)
        days = day + 2 + np.floor(uniform(key, f"{self.salt}/refund day") * 5).astype(np.int64)
        hour = (8 + 10 * uniform(key, f"{self.salt}/refund hour")) / 24
        at = start + days * DAY + (hour * DAY).astype(np.int64)
        rows = self._told(ORDER_REFUNDED, back, "refund", time=at, product=walk.chosen)
        rows["revenue"] = -walk.amount[back]
        rows["order"] = self._order_keys()[back]
        rows["known"] = (self.visits.known | self.signs)[back]
        return {int(when): rows[days[back] == when] for when in np.unique(days[back])}

    def campaign_rows(self, offer: Offer, code: Mapping[str, int], people: People) -> list[Rows]:
        """Exposures of every arm where the visit reaches the trigger; clicks and closes of those shown."""
        step, name = step_of(offer), f"{offer.campaign}.{offer.round}"
        reached = (self.walk.depth >= step) & (offer.arm != "")
        offers = np.array([code.get(arm, -1) for arm in offer.arm])
        at = self.walk.at[:, step] + _EXPOSURE_LAG
        after = (1 + 2.5 * uniform(self.visits.who, f"{self.salt}/react/{name}")) * SECOND
        drawn = uniform(self.visits.who, f"{self.salt}/click/{name}")
        who = self.visits.who
        click = people.clicks[who]
        shown = reached & _shown(offer.arm)
        clicked = shown & (drawn < click)
        closed = shown & ~clicked & (drawn < click + (1 - click) * people.closes[who])
        react = at + after.astype(np.int64)
        return [
            self._told(EXPERIMENT_VIEWED, reached, f"exposed {name}", time=at, offer=offers),
            self._told(CAMPAIGN_CLICKED, clicked, f"clicked {name}", time=react, offer=offers),
            self._told(CAMPAIGN_CLOSED, closed, f"closed {name}", time=react, offer=offers),
        ]

    def _order_keys(self) -> npt.NDArray[np.uint64]:
        return words(self.visits.who, f"{self.salt}/order") | np.uint64(1)

    def _told(self, event: str, where: Flags, kind: str, **columns: Any) -> Rows:
        """Rows of one event for the visits marked; columns are given for all visits."""
        picked_ = {name: values[where] if np.ndim(values) else values for name, values in columns.items()}
        rows = rows_of(int(where.sum()), event, **picked_)
        rows["key"] = words(self.visits.who[where], f"{self.salt}/row/{kind}")
        rows["person"] = self.visits.who[where]
        rows["known"] = self.visits.known[where]
        return rows


def _shown(arm: npt.NDArray[Any]) -> Flags:
    return np.asarray((arm != "") & (arm != CONTROL), dtype=bool)
