"""The campaign form: a campaign as fields of a form, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from msgspec.structs import replace

from volano.domain.campaign import CONTROL, Arm, Campaign, Cap, Trigger
from volano.domain.idea import Content, Format, TriggerKind
from volano.errors import BadInput

TEXTS = ("headline", "body", "button", "href", "coupon")
_LONGEST = 2_000  # characters of a field; the rules of a campaign are stricter and say so


def values_of(campaign: Campaign, dimensions: Sequence[str]) -> dict[str, str]:
    """The fields of the form as texts; fields of an arm end in `.<arm>`, of a goal in `.<goal>`."""
    values = {
        "name": campaign.name,
        "format": campaign.format,
        "on": campaign.trigger.on,
        "then": campaign.trigger.then,
        "value": f"{campaign.trigger.value:g}",
        "control": f"{100 * sum(arm.weight for arm in campaign.arms if arm.key == CONTROL):g}",
    }
    cap = campaign.cap
    values |= {"cap.times": str(cap.times) if cap else "", "cap.days": str(cap.days) if cap else ""}
    for name in dimensions:
        chosen = campaign.audience.get(name, "")
        values[f"who.{name}"] = chosen if isinstance(chosen, str) else ""
    for arm in campaign.arms:
        if arm.content is not None:
            values |= {f"{name}.{arm.key}": str(getattr(arm.content, name)) for name in TEXTS}
            values[f"choices.{arm.key}"] = "\n".join(arm.content.choices)
    values |= {f"days.{goal.key}": f"{goal.days:g}" for goal in campaign.goals}
    return values


def edited(campaign: Campaign, sent: Mapping[str, str], dimensions: Sequence[str]) -> Campaign:
    """The campaign as the form says; what the form does not name stays. BadInput names the wrong field."""
    long = [name for name, text in sent.items() if len(text) > _LONGEST]
    if long:
        raise BadInput(f"{long[0]} is longer than {_LONGEST:,} characters; shorten it")
    trigger = Trigger(
        on=sent.get("on", campaign.trigger.on).strip() or campaign.trigger.on,
        then=_one_of("then", sent.get("then", campaign.trigger.then), get_args(TriggerKind)),
        value=_number("value", sent.get("value"), campaign.trigger.value),
    )
    return replace(
        campaign,
        name=sent.get("name", campaign.name).strip(),
        format=_one_of("format", sent.get("format", campaign.format), get_args(Format)),
        trigger=trigger,
        audience=_audience(campaign.audience, sent, dimensions),
        cap=_cap(campaign.cap, sent),
        arms=_arms(campaign, sent),
        goals=tuple(
            replace(goal, days=_number(f"days.{goal.key}", sent.get(f"days.{goal.key}"), goal.days))
            for goal in campaign.goals
        ),
    )


def _audience(
    before: Mapping[str, Any], sent: Mapping[str, str], dimensions: Sequence[str]
) -> dict[str, Any]:
    """Conditions that the form cannot show are kept as they are."""
    rule = dict(before)
    for name in dimensions:
        chosen = sent.get(f"who.{name}")
        if chosen is None or (not chosen and not isinstance(before.get(name, ""), str)):
            continue
        rule.pop(name, None)
        if chosen:
            rule[name] = chosen
    return rule


def _cap(before: Cap | None, sent: Mapping[str, str]) -> Cap | None:
    """None where both numbers are left empty."""
    if "cap.times" not in sent and "cap.days" not in sent:
        return before
    told = {name: sent.get(f"cap.{name}", "").strip() for name in ("times", "days")}
    if not any(told.values()):
        return None
    for name, text in told.items():
        if not text:
            raise BadInput("a cap takes two numbers, visits and days; give both, or leave both empty")
        if not text.isdecimal():
            raise BadInput(f"cap.{name} is {text[:40]!r}; it must be a whole number")
    return Cap(times=int(told["times"][:9]), days=int(told["days"][:9]))


def _arms(campaign: Campaign, sent: Mapping[str, str]) -> tuple[Arm, ...]:
    """The control gets the share that was typed; the others share the rest as before."""
    before = sum(arm.weight for arm in campaign.arms if arm.key == CONTROL)
    control = _number("control", sent.get("control"), before * 100) / 100
    rest = (1 - control) / (1 - before) if before < 1 else 0.0
    return tuple(
        replace(
            arm,
            weight=control if arm.key == CONTROL else arm.weight * rest,
            content=None if arm.content is None else _content(arm.content, arm.key, sent),
        )
        for arm in campaign.arms
    )


def _content(before: Content, arm: str, sent: Mapping[str, str]) -> Content:
    texts = {name: sent.get(f"{name}.{arm}", getattr(before, name)).strip() for name in TEXTS}
    lines = sent.get(f"choices.{arm}")
    choices = before.choices if lines is None else tuple(filter(None, map(str.strip, lines.split("\n"))))
    return Content(**texts, choices=choices)


def _one_of(name: str, value: str, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise BadInput(f"{name} is {value[:40]!r}; it must be one of {', '.join(allowed)}")
    return value


def _number(name: str, text: str | None, otherwise: float) -> float:
    if text is None:
        return otherwise
    try:
        value = float(text.strip().replace(",", ".") or "nan")
    except ValueError:
        value = float("nan")
    if not 0 <= value < 1e9:
        raise BadInput(f"{name} is {text[:40]!r}; it must be a number of 0 or more")
    return value
