"""An idea at work, as an experiment."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from volano.domain.idea import Content, Format, TriggerKind

CONTROL = "control"
WATCHED = ("draft", "live", "shipped")  # what their audiences ask for is remembered of people


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """When it may fire: once `on` (an event name) has happened on this page, then `then`.

    `value` is seconds for `seconds`, per cent of the page for `scroll`.
    """

    on: str
    then: TriggerKind = "now"
    value: float = 0.0


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """One variant, or the control (no content). Weights of a campaign's arms add up to 1."""

    key: str
    weight: float
    content: Content | None = None


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """An outcome within `days` of exposure: share of people with the event, or summed revenue."""

    key: str
    role: Literal["leading", "lagging", "guardrail"]
    event: str
    days: float
    measure: Literal["people", "revenue"] = "people"
    margin: float = 0.0  # guardrail: the absolute rise of the share that is still borne


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the test was sized for: to see `lift` over `baseline` with power 0.8 at α 0.05 two-sided."""

    baseline: float
    lift: float
    people_per_arm: int
    days: float  # expected until full
    people_per_week: float = 0.0  # who come to the trigger, of the audience


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """At most `times` visits within any `days` days in which one person is given a campaign, in every arm."""

    times: int
    days: int


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """Who sees what, when, against which control, judged by which goals."""

    key: str
    name: str
    idea: str
    recipe: str
    format: Format
    audience: dict[str, Any]  # a rule; {} is everyone
    trigger: Trigger
    arms: tuple[Arm, ...]
    goals: tuple[Goal, ...]
    plan: Plan
    coverage: float = 1.0  # share of people included
    cap: Cap | None = None  # None: as often as they come
    round: int = 1
    status: Literal["draft", "live", "stopped", "shipped"] = "draft"
    made_at: int = 0
    started_at: int = 0
    ended_at: int = 0
    review_by: int = 0

    @property
    def salt(self) -> str:
        """Names campaign and round, so that a new round draws anew."""
        return f"{self.key}.{self.round}"
