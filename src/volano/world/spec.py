"""What a world is asked to be, what it tells of its truth, and how a decider is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Texts = npt.NDArray[Any]  # of str
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSpec:
    """People and days, the seed of all chance, and `start`: UTC µs of day 0, 00:00.

    `truth` is "planted" or "none" (no leak). `effects` is "true", "none" (every idea inert), or relative
    lifts by recipe that replace the true ones of those recipes.
    """

    people: int
    days: int
    seed: int
    start: int
    truth: str = "planted"
    effects: str | Mapping[str, float] = "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedLeak:
    """In `slice` only `factor` times the usual share goes on from `step` to `next_step`.

    `lost_orders_per_week` is the expectation over the visits simulated so far (0 before any).
    """

    step: str
    next_step: str
    slice: dict[str, str]
    factor: float
    lost_orders_per_week: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The planted leaks, largest loss first, and the true relative lift of each recipe."""

    leaks: tuple[PlantedLeak, ...]
    effects: dict[str, float]


@dataclass(frozen=True, slots=True)
class Visits:
    """What a decision knows as a visit begins; one entry per visit, at most one visit per person.

    `person_id` is the user id or "", `path` the landing page, `time` UTC µs, `orders` those so far;
    `returning` people have visited before in this world.
    """

    person_id: Texts
    anonymous_id: Texts
    source: Texts
    medium: Texts
    device: Texts
    path: Texts
    time: Ints
    returning: Flags
    orders: Ints


@dataclass(frozen=True, slots=True)
class Offer:
    """One live campaign as the visits see it: `arm` per visit, "" where it is not included.

    `on` is the event of the journey at which it triggers.
    """

    campaign: str
    recipe: str
    round: int
    on: str
    arm: Texts


Decide = Callable[[Visits], Sequence[Offer]]
