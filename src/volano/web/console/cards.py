"""What several pages show of the same thing: a leak, an idea, a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from volano.domain.campaign import CONTROL, Campaign
from volano.domain.idea import Idea
from volano.domain.leak import Leak
from volano.domain.shop import Shop
from volano.domain.verdict import GoalResult, Verdict
from volano.errors import NotFound
from volano.plan import playbook
from volano.web import charts, words


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakCard:
    """A leak, its sentence and its picture; `profit` is what it costs a week, "" without a margin."""

    leak: Leak
    title: str
    pair: charts.Pair
    profit: str


def leak_card(leak: Leak, shop: Shop) -> LeakCard:
    """The card of a leak."""
    return LeakCard(
        leak=leak,
        title=words.leak_title(leak.step, leak.slice),
        pair=charts.pair(leak.expected, leak.observed, leak.gap_low, leak.gap_high),
        profit=profit(leak.lost_money_per_week or 0, leak.currency, shop.margin),
    )


def profit(revenue: float, currency: str, margin: float | None) -> str:
    """What a revenue (minor units) leaves at a margin; "" where none is set or nothing is left.

    >>> profit(4_100_00, "EUR", 0.25), profit(4_100_00, "EUR", None)
    ('€1,025', '')
    """
    return words.money(revenue * margin, currency) if margin and revenue else ""


def recipe_title(recipe: str) -> str:
    """A recipe's title without the slice it is for; a recipe the playbook has lost is its key.

    >>> recipe_title("free-delivery-bar"), recipe_title("gone")
    ('Free-delivery bar', 'gone')
    """
    try:
        title = playbook.recipe(recipe).title
    except NotFound:
        return recipe
    return title.replace(" for {slice}", "").replace("{slice}", "people")


def idea_title(idea: Idea, slice_: Mapping[str, str] | None) -> str:
    """An idea with its people in plain words; as it is kept when its leak is gone."""
    if slice_ is None:
        return idea.title
    try:
        return playbook.recipe(idea.recipe).title.format(slice=words.people_of(slice_))
    except NotFound:
        return idea.title


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalRow:
    """One goal of a verdict: its picture and its numbers in words."""

    result: GoalResult
    name: str
    window: str
    plot: charts.Plot
    labels: tuple[tuple[str, str, str], ...]  # low, mid, high of each span of the plot
    control: str
    variant: str
    relative: str
    profit: tuple[str, str, str]  # low, mid, high of what a person leaves; empty texts without a margin

    @property
    def counted(self) -> bool:
        """Whether there is anybody in both arms to compare."""
        return bool(self.result.control_people and self.result.variant_people)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictCard:
    """A verdict with its campaign, its goals by role, and the arms."""

    verdict: Verdict
    campaign: Campaign | None
    leading: list[GoalRow]
    lagging: list[GoalRow]
    guardrails: list[GoalRow]
    arms: list[tuple[str, int, float, float]]  # name, people, share, planned share

    @property
    def maturity(self) -> float:
        """Share of people whose longest window has closed; 1 without a lagging goal."""
        return min((row.result.maturity for row in self.lagging), default=1.0)

    @property
    def missing(self) -> str:
        """What is missing, unless the sentence says it already."""
        said = self.verdict.missing.rstrip(".")
        return "" if said in self.verdict.sentence else self.verdict.missing


_NAMES = {
    "Campaign Clicked": "Clicks on it",
    "Order Completed": "Orders",
    "Order Refunded": "Refunds",
    "Checkout Started": "Starts checkout",
    "Product Added": "Puts something in the basket",
    "Product Viewed": "Looks at a product",
}


def goal_name(event: str, measure: str) -> str:
    """What a goal measures, in words.

    >>> goal_name("Order Completed", "revenue"), goal_name("Signed Up", "people")
    ('Revenue a person', 'Signed Up')
    """
    return "Revenue a person" if measure == "revenue" else _NAMES.get(event, event)


def arm_name(key: str) -> str:
    """An arm in words.

    >>> arm_name("control"), arm_name("a")
    ('Control', 'Variant A')
    """
    return "Control" if key == CONTROL else f"Variant {key.upper() if len(key) == 1 else key}"


def window(days: float) -> str:
    """A goal's window in words.

    >>> window(7), window(1), window(0.5)
    ('within 7 days', 'within a day', 'within 12 hours')
    """
    if days < 1:
        return f"within {days * 24:.0f} hours"
    return "within a day" if days == 1 else f"within {days:g} days"


def _goal_row(result: GoalResult, shop: Shop) -> GoalRow:
    left, currency, margin = ("", "", ""), shop.currency, shop.margin
    if result.measure == "revenue":
        ends = (result.low, result.difference, result.high)
        low, mid, high = _with_sign(ends, currency)
        shown = [words.money(value, currency) for value in (result.control_value, result.variant_value)]
        if margin:
            left = _with_sign([value * margin for value in ends], currency)
    else:
        low, mid, high = (words.points(value) for value in (result.low, result.difference, result.high))
        shown = [words.share(value) for value in (result.control_value, result.variant_value)]
    span = (result.low, result.difference, result.high)
    name = goal_name(result.event, result.measure)
    return GoalRow(
        result=result,
        name=name,
        window=window(result.days),
        plot=charts.plot([span], less_is_better=result.role == "guardrail"),
        labels=((low, mid, high),),
        control=shown[0],
        variant=shown[1],
        relative=words.change(result.relative) if result.relative is not None else "",
        profit=left,
    )


def _with_sign(ends: Sequence[float], currency: str) -> tuple[str, str, str]:
    low, mid, high = (("+" if value > 0 else "") + words.money(value, currency) for value in ends)
    return low, mid, high


def verdict_cards(
    verdicts: Iterable[Verdict], campaigns: Sequence[Campaign], shop: Shop
) -> list[VerdictCard]:
    """A card for each verdict; of a shop with a margin also what profit it makes."""
    by_key = {campaign.key: campaign for campaign in campaigns}
    cards = []
    for verdict in verdicts:
        rows = [_goal_row(result, shop) for result in verdict.results]
        total = max(1, sum(verdict.exposed.values()))
        cards.append(
            VerdictCard(
                verdict=verdict,
                campaign=by_key.get(verdict.campaign),
                leading=[row for row in rows if row.result.role == "leading"],
                lagging=[row for row in rows if row.result.role == "lagging"],
                guardrails=[row for row in rows if row.result.role == "guardrail"],
                arms=[
                    (arm_name(key), people, people / total, verdict.expected.get(key, 0.0))
                    for key, people in verdict.exposed.items()
                ],
            )
        )
    return cards
