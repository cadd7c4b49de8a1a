"""What to try against a leak, and how good we think it is."""

from __future__ import annotations

from typing import Literal

import msgspec

Format = Literal["popup", "bar"]
TriggerKind = Literal["now", "seconds", "exit", "scroll"]


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a shopper sees; plain text only. `choices` turn it into a one-question survey."""

    headline: str
    body: str = ""
    button: str = ""
    href: str = ""
    coupon: str = ""
    choices: tuple[str, ...] = ()


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """A known idea of the playbook. Lift is relative (0.1: 10 % more people order), effort in person-days."""

    key: str
    kind: str  # the kind of leak it is against: cart, checkout, source, new or product
    title: str  # may hold {slice}
    why: str
    format: Format
    then: TriggerKind
    value: float
    content: Content
    lift: float
    lift_sd: float
    effort: float


class Belief(msgspec.Struct, frozen=True, kw_only=True):
    """What we think an idea's relative lift is: normal, prior of the playbook updated by `tests` verdicts."""

    recipe: str
    mean: float
    sd: float
    tests: int = 0
    note: str = ""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a RICE score and where it comes from."""

    value: float
    origin: str
    overridden: bool = False


class Idea(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe against one leak. `score` = reach × impact × confidence ÷ effort (impact: relative lift)."""

    key: str
    leak: str
    recipe: str
    title: str
    why: str
    format: Format
    reach: Figure
    impact: Figure
    confidence: Figure
    effort: Figure
    score: float
    score_low: float
    score_high: float
    status: Literal["proposed", "open", "running", "done", "dropped"] = "proposed"
    made_at: int = 0
    overrides: dict[str, float] = {}
