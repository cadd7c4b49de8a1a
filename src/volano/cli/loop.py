"""Commands of the loop: journey, leaks, ideas, launch, results, round."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from volano.cli.say import Home, Json, answer, answers, now, progress, table
from volano.domain.campaign import Campaign
from volano.domain.durations import DAY, HOUR, MINUTE, SECOND
from volano.domain.idea import Idea
from volano.domain.leak import Journey, Leak, slice_name
from volano.domain.money import shown
from volano.domain.verdict import Lesson, Verdict
from volano.errors import BadInput
from volano.flow.journeys import home_journey, keep_journey
from volano.wiring import House, open_house, read_settings

NO_EVENTS = "there are no events yet; bring some with `volano import` or `volano demo`"
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}

Steps = Annotated[
    str | None, typer.Option("--steps", metavar="A,B,C", help="Event names in order, separated by commas.")
]
Within = Annotated[
    str | None, typer.Option("--within", metavar="TIME", help="Window from the first step: 30m, 12h, 7d.")
]


def _house(home: str | None) -> House:
    return open_house(read_settings(home=home), make=False)


def duration(text: str) -> int:
    """A length of time in microseconds; BadInput if it is none.

    >>> duration("30m") // SECOND
    1800
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip())
    if not match or float(match[1]) <= 0:
        raise BadInput(
            f"{text!r} is not a length of time; write a number and s, m, h, d or w, such as 30m or 7d"
        )
    return int(float(match[1]) * _UNITS[match[2]])


def _journey(house: House, steps: str | None, within: str | None) -> Journey:
    """The home's journey, with what was said of it on the command line."""
    kept = home_journey(house.state)
    names = kept.steps if steps is None else tuple(name.strip() for name in steps.split(","))
    if len(names) < 2 or not all(names):
        raise BadInput("--steps needs at least two event names, separated by commas")
    return Journey(steps=names, within=kept.within if within is None else duration(within))


def journey(
    steps: Steps = None,
    within: Within = None,
    by: Annotated[
        str, typer.Option("--by", metavar="DIM", help="source, device, landing, visitor or a property.")
    ] = "",
    keep: Annotated[
        bool, typer.Option("--keep", help="Make it the home's journey: leaks, ideas and console follow it.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """How many people get how far along a journey.

    Example: volano journey --steps catalog,cart,payment_done --within 180d --by device
    """
    from volano.flow.report import count_journey
    from volano.flow.shop import lens_of
    from volano.plan.journey import journey_json

    house = _house(home)
    path = _journey(house, steps, within)
    dims = tuple(name.strip() for name in by.split(",") if name.strip())
    if keep:
        keep_journey(house.state, path)
    tally = count_journey(house.lake, path, by=dims, lens=lens_of(house))
    if tally is None:
        raise BadInput(NO_EVENTS)
    found = journey_json(tally, dims)
    answer(found, as_json, lambda: _show_journey(found, dims))


def _show_journey(found: dict[str, Any], dims: tuple[str, ...]) -> None:
    first = max(found["steps"][0]["people"], 1)
    rows = [[step["name"], f"{step['people']:,}", f"{step['people'] / first:.1%}"] for step in found["steps"]]
    table("People by step", ["step", "people", "of the first"], rows)
    if dims:
        names = [step["name"] for step in found["steps"]]
        cells = [
            [" · ".join(str(row[dim]) for dim in dims), *(f"{step['people']:,}" for step in row["steps"])]
            for row in found["by"]
        ]
        table(f"By {', '.join(dims)}", ["", *names], cells)


def leaks(
    steps: Steps = None,
    within: Within = None,
    days: Annotated[
        int, typer.Option("--days", min=1, help="How many days before the newest event to look at.")
    ] = 28,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Where fewer people go on than comparable people do.

    Example: volano leaks --days 28 --json
    """
    from volano.flow.report import leak_run, newest
    from volano.flow.shop import lens_of

    house = _house(home)
    path = _journey(house, steps, within)
    last = newest(house.lake)
    if last is None:
        raise BadInput(NO_EVENTS)
    with progress("looking for leaks"):
        run = leak_run(house.lake, path, now=now(), since=last - days * DAY, lens=lens_of(house))
    if not run.steps or not run.steps[0]["people"]:
        raise BadInput(
            f"nobody did {path.steps[0]!r}, the first step of the journey, in these days; "
            "name the steps of your own events with --steps A,B,C"
        )
    found = list(run.leaks)
    answer(found, as_json, lambda: _show_leaks(found))


def _show_leaks(found: list[Leak]) -> None:
    if not found:
        answers.print(
            "No leak: nowhere do fewer people go on than comparable people do. Look again in a week."
        )
        return
    rows = [
        [
            f"{slice_name(leak.slice)}: {leak.step} → {leak.next_step}",
            f"{leak.observed:.0%} / {leak.expected:.0%}",
            f"{leak.lost_orders_per_week:.1f} ({leak.lost_orders_low:.1f} … {leak.lost_orders_high:.1f})",
            shown(leak.lost_money_per_week, leak.currency),
            f"{leak.q_value:.2g}",
        ]
        for leak in found
    ]
    table("Leaks, costliest first", ["where", "here / comparable", "orders lost a week", "money", "q"], rows)


def ideas(home: Home = None, as_json: Json = False) -> None:
    """What to try, ranked by RICE: reach × impact × confidence ÷ effort.

    Example: volano ideas
    """
    from volano.flow.propose import refresh
    from volano.flow.shop import lens_of

    house = _house(home)
    with progress("looking for leaks"):
        found = refresh(house.lake, house.state, now=now(), lens=lens_of(house))
    if found.as_of is None:
        raise BadInput(NO_EVENTS)
    answer(found.ideas, as_json, lambda: _show_ideas(found.ideas))


def _show_ideas(found: list[Idea]) -> None:
    if not found:
        answers.print("No idea yet: there is no leak to try one against. Look again in a week.")
    for place, idea in enumerate(found, 1):
        answers.print(f"{place}. {idea.title}" + ("" if idea.status == "proposed" else f" ({idea.status})"))
        answers.print(
            f"   score {idea.score:,.0f} ({idea.score_low:,.0f} … {idea.score_high:,.0f}) · "
            f"reach {idea.reach.value:,.0f} · impact {idea.impact.value:+.0%} · "
            f"confidence {idea.confidence.value:.0%} · effort {idea.effort.value:g} days"
        )
        answers.print(f"   volano launch {idea.key}", soft_wrap=True)


def results(home: Home = None, as_json: Json = False) -> None:
    """What the campaigns did, as far as can be said today.

    Example: volano results --json
    """
    from volano.flow.review import review
    from volano.flow.shop import lens_of

    house = _house(home)
    with progress("reading results"):
        review(house.lake, house.state, now=now(), lens=lens_of(house))
    found = house.state.find(Verdict)
    names = {campaign.key: campaign.name for campaign in house.state.find(Campaign)}
    rows = [
        [names.get(verdict.campaign, verdict.campaign), verdict.call, verdict.sentence] for verdict in found
    ]
    empty = "No campaign has run yet; start one with `volano launch`."
    answer(
        found,
        as_json,
        lambda: table("Results", ["campaign", "verdict", "why"], rows) if rows else answers.print(empty),
    )


def round_(home: Home = None, as_json: Json = False) -> None:
    """What each turn of the wheel taught.

    Example: volano round
    """
    found = _house(home).state.find(Lesson)
    rows = [
        [
            lesson.recipe,
            lesson.call,
            f"{lesson.before_mean:+.1%} ± {lesson.before_sd:.1%}",
            f"{lesson.after_mean:+.1%} ± {lesson.after_sd:.1%}",
        ]
        for lesson in found
    ]
    empty = "Nothing learned yet; a lesson is written when a campaign gets its verdict."
    answer(
        found,
        as_json,
        lambda: (
            table("Learned", ["idea", "verdict", "believed before", "believed now"], rows)
            if rows
            else answers.print(empty)
        ),
    )
