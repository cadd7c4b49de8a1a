"""From an idea to a campaign: a first draft, and the rules that every campaign must keep."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from volano.domain.campaign import CONTROL, Arm, Campaign, Goal, Plan, Trigger
from volano.domain.event import CAMPAIGN_CLICKED, ORDER_COMPLETED, ORDER_REFUNDED
from volano.domain.idea import Content, Idea, Recipe
from volano.domain.leak import Leak
from volano.errors import BadInput
from volano.rules.tree import validate

CONTROL_SHARE = 0.5
WINDOW_DAYS = 7.0
AT_ONCE = 1 / 8  # days: about the visit itself
UNPLANNED = Plan(baseline=0, lift=0, people_per_arm=0, days=0)
OTHER = "(other)"  # values too rare to be named cannot be aimed at


def draft(idea: Idea, leak: Leak, recipe: Recipe, *, order: str = ORDER_COMPLETED, now: int) -> Campaign:
    """What the playbook proposes: the leak's slice as audience, its step as trigger, half as control."""
    return Campaign(
        key=f"c-{idea.key.replace('.', '-')}",
        name=idea.title,
        idea=idea.key,
        recipe=recipe.key,
        format=recipe.format,
        audience=audience(leak.slice),
        trigger=Trigger(on=leak.step, then=recipe.then, value=recipe.value),
        arms=arms(recipe.content, CONTROL_SHARE),
        goals=goals(leak.next_step, WINDOW_DAYS, order),
        plan=UNPLANNED,
        made_at=now,
    )


def audience(slice_: Mapping[str, str]) -> dict[str, object]:
    """The rule that a slice is.

    >>> audience({"source": "instagram / social", "landing": "(other)"})
    {'source': 'instagram / social'}
    """
    return {name: value for name, value in slice_.items() if value != OTHER}


def arms(content: Content, control: float) -> tuple[Arm, ...]:
    """A control and one variant."""
    return (
        Arm(key=CONTROL, weight=control),
        Arm(key="a", weight=round(1 - control, 4), content=content),
    )


def goals(next_step: str, days: float, order: str = ORDER_COMPLETED) -> tuple[Goal, ...]:
    """Clicks and the next step at once, orders when they mature, refunds as guardrail."""
    leading = [Goal(key="click", role="leading", event=CAMPAIGN_CLICKED, days=AT_ONCE)]
    if next_step != order:
        leading.append(Goal(key="goes-on", role="leading", event=next_step, days=AT_ONCE))
    return (
        *leading,
        Goal(key="orders", role="lagging", event=order, days=days),
        Goal(key="revenue", role="lagging", event=order, days=days, measure="revenue"),
        Goal(key="refunds", role="guardrail", event=ORDER_REFUNDED, days=days, margin=0.01),
    )


def shipped(campaign: Campaign, *, now: int) -> Campaign:
    """The campaign without control, for everyone in its audience, under a new salt."""
    from msgspec.structs import replace

    shown = [arm for arm in campaign.arms if arm.content is not None]
    return replace(
        campaign,
        arms=tuple(replace(arm, weight=1 / len(shown)) for arm in shown),
        coverage=1.0,
        round=campaign.round + 1,
        status="shipped",
        ended_at=now,
    )


def check(campaign: Campaign) -> None:
    """BadInput, in one sentence, if the campaign cannot be published as it is."""
    validate(campaign.audience)
    if not campaign.name.strip():
        raise BadInput("the campaign has no name; give it one")
    if not 0 < campaign.coverage <= 1:
        raise BadInput(f"coverage is {campaign.coverage:g}; it must be above 0 and at most 1")
    if campaign.cap is not None and not (1 <= campaign.cap.times <= 100 and 1 <= campaign.cap.days <= 365):
        raise BadInput(
            f"the cap is {campaign.cap.times} visits in {campaign.cap.days} days; it must be 1 to 100 visits "
            "in 1 to 365 days"
        )
    if abs(sum(arm.weight for arm in campaign.arms) - 1) > 1e-6:
        raise BadInput("the shares of the arms do not add up to 100 %")
    if not any(arm.key == CONTROL and arm.weight >= 0.05 for arm in campaign.arms):
        raise BadInput("the control has less than 5 %; without a control there is no verdict")
    shown = [arm for arm in campaign.arms if arm.key != CONTROL]
    if not shown or any(arm.weight <= 0 or arm.content is None for arm in shown):
        raise BadInput("every variant needs a share above 0 and something to show")
    if any(goal.days <= 0 or goal.days > 400 for goal in campaign.goals):
        raise BadInput("a goal's window must be above 0 and at most 400 days")
    for arm in shown:
        if arm.content is not None:
            _check_content(arm.content)


def _check_content(content: Content) -> None:
    if not content.headline.strip():
        raise BadInput("the headline is empty; say something in it")
    longest = max(
        map(len, (content.headline, content.body, content.button, content.coupon, *content.choices))
    )
    if longest > 400:
        raise BadInput(f"a text has {longest} characters; 400 is the most that fits")
    if urlsplit(content.href).scheme not in ("", "http", "https"):
        raise BadInput(f"the link {content.href!r} must begin with https://, http:// or /")
