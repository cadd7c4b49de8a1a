"""Who lives in the world: where people come from, what they hold, like, pay and bear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from volano.maths.draw import Floats, normal, uniform, words
from volano.world.spec import Flags, Ints, Texts, WorldSpec
from volano.world.supply import CATEGORIES

DEVICES = ("low-end android", "android", "iphone", "tablet", "desktop", "other")
SOURCES = (
    ("google", "organic"),
    ("instagram", "social"),
    ("facebook", "social"),
    ("newsletter", "email"),
    ("google", "cpc"),
    ("(direct)", "(none)"),
)
DIRECT = len(SOURCES) - 1
SOURCE_MIX = (0.26, 0.22, 0.14, 0.08, 0.15, 0.15)
# Devices depend on the source: whoever compares sources without looking at devices compares phones.
DEVICE_MIX = (
    (0.08, 0.22, 0.24, 0.06, 0.38, 0.02),
    (0.42, 0.24, 0.28, 0.02, 0.02, 0.02),
    (0.22, 0.28, 0.20, 0.08, 0.20, 0.02),
    (0.05, 0.15, 0.30, 0.08, 0.40, 0.02),
    (0.12, 0.28, 0.22, 0.06, 0.30, 0.02),
    (0.10, 0.22, 0.28, 0.05, 0.33, 0.02),
)
GROUP_MIX = (0.25, 0.5, 0.25)  # low, mid and high tolerance of messages
GROUP_TOLERANCE = (5.0, 10.0, 17.0)  # messages a day
GROUP_HABIT = (3, 4, 5)  # good early orders after which the order rate settles
PERSONA_MIX = (0.45, 0.35, 0.20)  # commuter, home, night
KNOWN_BEFORE = 0.4  # share of people who existed before day 0
VISITS_A_DAY = 0.18  # mean organic visits of a person
MOST_VISITS_A_DAY = 1.2
SIGNS_IN = 0.5  # share of people who sign in at their first checkout


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """One entry per person. Ints index the tuples of this module; nothing here changes with time."""

    anonymous_id: Texts
    user_id: Texts
    source: Ints
    device: Ints
    arrival: Ints  # day of the first visit; −1: there before day 0
    rate: Floats  # organic visits a day before any order
    conversion: Floats  # standard normal; moves every go-on share, blind to source and device
    churn: Floats  # standard normal; disposition to leave after an order
    habit: Ints  # k*: orders after which churn no longer falls
    tolerance: Floats  # messages a day
    sensitivity: Floats  # of price, mean about 1: the higher, the cheaper the products looked at
    taste: Floats  # (people, categories) cumulative shares
    persona: Ints
    signs_in: Flags
    clicks: Floats  # chance to click a shown campaign
    closes: Floats  # chance to close one that was not clicked


def settle(spec: WorldSpec) -> People:
    """The people of a world; person i of a seed is the same person in a larger world."""
    ids = np.arange(spec.people)

    def salt(name: str) -> str:
        return f"{spec.seed}/people/{name}"

    source = picked(uniform(ids, salt("source")), SOURCE_MIX)
    group = picked(uniform(ids, salt("group")), GROUP_MIX)
    known = uniform(ids, salt("known")) < KNOWN_BEFORE
    arrival = np.floor(uniform(ids, salt("arrival")) * max(spec.days, 1)).astype(np.int64)
    rate = -VISITS_A_DAY * np.log1p(-uniform(ids, salt("rate")))
    noise = {name: normal(ids, salt(name)) for name in ("tolerance", "sensitivity", "clicks", "closes")}
    return People(
        anonymous_id=_anonymous(spec),
        user_id=np.array([f"user-{spec.seed}-{i}" for i in range(spec.people)], dtype=object),
        source=source,
        device=_devices(uniform(ids, salt("device")), source),
        arrival=np.where(known, -1, arrival),
        rate=np.minimum(rate, MOST_VISITS_A_DAY),
        conversion=normal(ids, salt("conversion")),
        churn=normal(ids, salt("churn")),
        habit=np.array(GROUP_HABIT)[group],
        tolerance=np.array(GROUP_TOLERANCE)[group] * np.exp(0.22 * noise["tolerance"]),
        sensitivity=np.exp(0.5 * noise["sensitivity"]),
        taste=_tastes(ids, salt("taste")),
        persona=picked(uniform(ids, salt("persona")), PERSONA_MIX),
        signs_in=uniform(ids, salt("signs_in")) < SIGNS_IN,
        clicks=np.clip(logistic(-2.2 + 0.6 * noise["clicks"]), 0.02, 0.35),
        closes=logistic(-0.8 + 0.5 * noise["closes"]),
    )


def logistic(x: Floats) -> Floats:
    """The share at the given log-odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-x)), dtype=np.float64)


def picked(drawn: Floats, mix: npt.ArrayLike) -> Ints:
    """Which part of a mix of shares each number in [0, 1) falls into.

    >>> picked(np.array([0.1, 0.5, 0.999]), (0.5, 0.5)).tolist()
    [0, 1, 1]
    """
    edges = np.cumsum(np.asarray(mix, dtype=np.float64))[:-1]
    return np.asarray(np.searchsorted(edges, drawn, side="right"), dtype=np.int64)


def rows_picked(drawn: Floats, edges: Floats) -> Ints:
    """As `picked`, with cumulative shares of its own for every number."""
    passed = (drawn[:, None] >= edges).sum(axis=1)
    return np.asarray(np.minimum(passed, edges.shape[1] - 1), dtype=np.int64)


def _anonymous(spec: WorldSpec) -> Texts:
    names = words(np.arange(spec.people), f"{spec.seed}/people/anonymous")
    return np.array([f"{name:016x}" for name in names.tolist()], dtype=object)


def _devices(drawn: Floats, source: Ints) -> Ints:
    return rows_picked(drawn, np.cumsum(np.array(DEVICE_MIX), axis=1)[source])


def _tastes(ids: Ints, salt: str) -> Floats:
    """Cumulative shares of interest: logistic normal, a few strong likings a person, blind to all else."""
    count = len(CATEGORIES)
    likings = np.exp(1.3 * normal(ids[:, None] * count + np.arange(count), salt))
    return np.asarray(np.cumsum(likings / likings.sum(axis=1, keepdims=True), axis=1), dtype=np.float64)
