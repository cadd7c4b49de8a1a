"""How people behave: shares that go on, planted leaks, true effects, habit, hours of the day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from volano.domain.event import ORDER_COMPLETED, PAGE_VIEWED
from volano.maths.draw import Floats, normal, uniform, words
from volano.world.people import DEVICES, DIRECT, SOURCES, People, logistic, picked, rows_picked
from volano.world.spec import Flags, Ints, WorldSpec
from volano.world.supply import FIRST_CATEGORY_PAGE, PAGES

STEPS = (PAGE_VIEWED, "Product Viewed", "Product Added", "Checkout Started", ORDER_COMPLETED)
GO_ON = (0.72, 0.42, 0.62, 0.62)  # of a visit by an average person, from each step to the next
CONVERSION_SPREAD = 0.35  # of the log-odds of every step, per standard deviation between people
SURE = 0.98  # no share goes above, whatever the effects

# True relative lifts of the share that goes on from the step where the recipe's campaign is shown.
LIFTS: Mapping[str, float] = {
    "cart-discount-10": 0.20,
    "free-delivery-bar": 0.32,
    "cheaper-alternatives": 0.08,
    "basket-reminder": 0.10,
    "one-question-survey": 0.0,
    "source-welcome": 0.15,
    "first-order-coupon": 0.22,
    "checkout-reassurance": 0.36,
    "trust-badges-bar": 0.10,
    "product-bestsellers": 0.06,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """A leak as it is planted: at the step of that index, for visits with all the values of `slice`."""

    step: int
    slice: tuple[tuple[str, str], ...]
    factor: float


PLANTED = (
    Hole(
        step=3,
        slice=(("source", "instagram / social"), ("device", "low-end android")),
        factor=0.45,
    ),
    Hole(step=0, slice=(("landing", "/sale"),), factor=0.8),
    Hole(step=2, slice=(("source", "facebook / social"),), factor=0.8),
)

# Pages on which a visit begins, by where it comes from: the front page, the sale, two articles, and
# the page of a category that the person likes.
LANDING_MIX = (
    (0.30, 0.10, 0.15, 0.12, 0.33),
    (0.28, 0.12, 0.06, 0.04, 0.50),
    (0.32, 0.12, 0.06, 0.05, 0.45),
    (0.35, 0.25, 0.05, 0.05, 0.30),
    (0.20, 0.15, 0.03, 0.02, 0.60),
    (0.70, 0.10, 0.05, 0.05, 0.10),
)
KEEPS_SOURCE = 0.85  # share of visits that come from the person's own source; the others are direct

_HOURS = ((8.0, 19.0), (11.0, 15.0), (22.0, 22.0))  # peaks of commuter, home and night people
_HOUR_SPREAD = 2.2
_LATEST = 23.2  # a visit that begins by then has ended well before midnight
_CHURN_FIRST, _CHURN_SETTLED = 0.55, 0.15
_LIVELIER = 0.25  # each good early order adds this share of the first visit rate


def holes(spec: WorldSpec) -> tuple[Hole, ...]:
    """The leaks that this world has."""
    if spec.truth not in {"planted", "none"}:
        raise ValueError(f"truth == {spec.truth!r}, must be 'planted' or 'none'")
    return PLANTED if spec.truth == "planted" else ()


def lifts(spec: WorldSpec) -> dict[str, float]:
    """The true relative lift by recipe; recipes that are not named have none."""
    if isinstance(spec.effects, Mapping):
        return {**LIFTS, **spec.effects}
    if spec.effects not in {"true", "none"}:
        raise ValueError(f"effects == {spec.effects!r}, must be 'true', 'none' or lifts by recipe")
    return dict(LIFTS) if spec.effects == "true" else dict.fromkeys(LIFTS, 0.0)


def go_on(conversion: Floats) -> Floats:
    """Shares (visits, 4) that go on from each step without leaks and campaigns."""
    odds = np.log(np.array(GO_ON) / (1 - np.array(GO_ON)))
    return logistic(odds + CONVERSION_SPREAD * conversion[:, None])


def inside(hole: Hole, source: Ints, device: Ints, page: Ints) -> Flags:
    """Which visits the leak touches."""
    code = {
        "source": (source, tuple(" / ".join(pair) for pair in SOURCES)),
        "device": (device, DEVICES),
        "landing": (page, PAGES),
    }
    touched = np.ones(len(source), dtype=bool)
    for dimension, value in hole.slice:
        values, names = code[dimension]
        touched &= values == names.index(value)
    return touched


def visit_source(people: People, who: Ints, salt: str) -> Ints:
    """Where each visit comes from: mostly the person's own source, else direct."""
    return np.where(uniform(who, f"{salt}/source") < KEEPS_SOURCE, people.source[who], DIRECT)


def landing(people: People, who: Ints, source: Ints, salt: str) -> Ints:
    """The page each visit begins on, as an index of `PAGES`."""
    kind = rows_picked(uniform(who, f"{salt}/page"), np.cumsum(np.array(LANDING_MIX), axis=1)[source])
    liked = rows_picked(uniform(who, f"{salt}/page category"), people.taste[who])
    return np.where(kind == FIRST_CATEGORY_PAGE, FIRST_CATEGORY_PAGE + liked, kind)


def visit_rate(people: People, orders: Ints) -> Floats:
    """Visits a day of everyone who has not left; good early orders make people come more often."""
    return np.asarray(people.rate * (1 + _LIVELIER * np.minimum(orders, people.habit)), dtype=np.float64)


def leaves(people: People, who: Ints, orders: Ints, salt: str) -> Flags:
    """Who never comes back after this order (their `orders`-th).

    The log-odds fall from those of 0.55 after the first order to those of 0.15 after the k*-th, and stay.
    """
    first = np.log(_CHURN_FIRST / (1 - _CHURN_FIRST))
    settled = np.log(_CHURN_SETTLED / (1 - _CHURN_SETTLED))
    way = np.minimum((orders - 1) / (people.habit[who] - 1), 1.0)
    chance = logistic(first + (settled - first) * way + people.churn[who])
    drawn = uniform(words(who, f"{salt}/leaves") + orders.astype(np.uint64), 0)
    return np.asarray(drawn < chance, dtype=bool)


def hours(people: People, who: Ints, count: Ints, salt: str) -> Floats:
    """Hours of the day (people, 3) at which visits begin, an hour or more apart; unused ones are infinite.

    A person's visits lie around two peaks of the persona, seven of ten around the first.
    """
    most = 3
    keys = who[:, None] * 4 + np.arange(most)
    second = picked(uniform(keys, f"{salt}/peak").ravel(), (0.7, 0.3)).reshape(keys.shape)
    peak = np.array(_HOURS)[people.persona[who][:, None], second]
    at = (peak + _HOUR_SPREAD * normal(keys, f"{salt}/hour")) % 24
    unused = np.arange(most) >= count[:, None]
    at = np.sort(np.where(unused, np.inf, at), axis=1)
    for slot in range(most):
        at[:, slot] = np.minimum(at[:, slot], _LATEST - np.maximum(count - 1 - slot, 0))
        if slot:
            at[:, slot] = np.maximum(at[:, slot], at[:, slot - 1] + 1)
    return np.where(unused, np.inf, at)
