"""Results in plain words with their numbers."""

from __future__ import annotations

from collections.abc import Mapping

from volano.domain.verdict import GoalResult

VERBS = {
    "Order Completed": "order",
    "Order Refunded": "get a refund",
    "Checkout Started": "start to check out",
    "Product Added": "fill a basket",
    "Product Viewed": "look at a product",
    "Campaign Clicked": "click",
    "Campaign Closed": "close it",
    "Application Uninstalled": "uninstall",
    "Unsubscribed": "unsubscribe",
}


def effect(result: GoalResult) -> str:
    """What happened to one goal, as the core of a sentence.

    >>> from volano.domain.verdict import GoalResult
    >>> print(effect(GoalResult(goal="orders", role="lagging", event="Order Completed", days=7,
    ...     measure="people", variant="a", control_people=1200, variant_people=1210, control_value=0.378,
    ...     variant_value=0.412, control_converters=454, variant_converters=499, difference=0.034,
    ...     low=0.012, high=0.056, p_value=0.002, relative=0.0899, relative_low=0.03, relative_high=0.15,
    ...     maturity=1.0)))
    9.0 % more people order within 7 days (41.2 % against 37.8 %; +3.4 points, 1.2 … 5.6; 2,410 people)
    """
    people = f"{result.control_people + result.variant_people:,} people"
    more = _more(result)
    if result.measure == "revenue":
        numbers = f"{result.variant_value:,.0f} against {result.control_value:,.0f} minor units"
        ends = f"{result.difference:+,.0f}, {result.low:,.0f} … {result.high:,.0f}"
        return _minus(f"{more} revenue a person within {window(result.days)} ({numbers}; {ends}; {people})")
    numbers = f"{share(result.variant_value)} against {share(result.control_value)}"
    ends = f"{100 * result.difference:+.1f} points, {100 * result.low:.1f} … {100 * result.high:.1f}"
    return _minus(
        f"{more} people {verb(result.event)} within {window(result.days)} ({numbers}; {ends}; {people})"
    )


def _more(result: GoalResult) -> str:
    """How much more, relative to the control where it has any."""
    few = "fewer" if result.measure == "people" else "less"
    word = few if result.difference < 0 else "more"
    return word if result.relative is None else f"{share(abs(result.relative))} {word}"


def share(value: float) -> str:
    """A share in per cent, with a second digit where one would hide it.

    >>> share(0.412), share(0.0042), share(0)
    ('41.2 %', '0.42 %', '0.0 %')
    """
    return f"{100 * value:.2f} %" if 0 < abs(value) < 0.01 else f"{100 * value:.1f} %"


def verb(event: str) -> str:
    """What people do who have the event.

    >>> verb("Order Completed"), verb("Video Played")
    ('order', 'do “Video Played”')
    """
    return VERBS.get(event, f"do “{event}”")


def window(days: float) -> str:
    """A number of days in words.

    >>> window(7), window(1), window(0.5)
    ('7 days', '1 day', '12 hours')
    """
    if days < 1:
        return f"{days * 24:g} hours"
    return f"{days:g} day{'s' if days != 1 else ''}"


def listed(numbers: Mapping[str, str]) -> str:
    """A few numbers with their names.

    >>> listed({"control": "510", "a": "490"})
    '510 control, 490 a'
    """
    return ", ".join(f"{number} {name}" for name, number in numbers.items())


def _minus(text: str) -> str:
    """The typographic minus before figures."""
    return text.replace(" -", " −").replace("(-", "(−")
