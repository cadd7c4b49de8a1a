"""The settings of the shop, and bots, in every report there is."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from html import unescape
from typing import Any

import pytest

from tests.evaluate.campaigns import campaign
from tests.flow.site import event, order
from tests.web.known import DAY, MINUTE, begun, came, frame, house_of
from tests.web.shop import NOW, full_house
from tests.web.visitor import Clock, Visitor, owner
from volano.cli import segments as terminal
from volano.domain.event import Intake
from volano.domain.leak import Journey
from volano.domain.segment import Segment
from volano.domain.shop import Shop
from volano.flow.judge import judge
from volano.flow.propose import refresh
from volano.flow.report import count_journey
from volano.flow.shop import lens_of, save_shop
from volano.flow.working import Working
from volano.flow.works import settling

CRAWLER = {"userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
RULE: dict[str, Any] = {"$and": [{"orders": {"$gte": 1}}, {"$did": {"event": "Order Completed"}}]}


def shopper(who: str, **more: Any) -> Intake:
    """Somebody who comes, sees a campaign, orders, and comes again."""
    told = {"user": who, **more}
    seen = {"experiment_id": "c1", "variation_id": "a", "round": 1}
    return frame(
        event("Identified", kind="identify", time=NOW - 10 * DAY, **told),
        event("Page Viewed", time=NOW - 9 * DAY, **told),
        event("Experiment Viewed", time=NOW - 9 * DAY + MINUTE, properties=seen, **told),
        order(f"o-{who}", 40, time=NOW - 8 * DAY, **told),
        event("Page Viewed", time=NOW - DAY, **told),
    )


def hasty() -> tuple[Intake, ...]:
    """Somebody who goes from page to page faster than people can; no drain sees enough of it to tell."""
    seen = {"experiment_id": "c1", "variation_id": "a", "round": 1}
    told: list[tuple[str, dict[str, Any]]] = [("Page Viewed", {})] * 16 + [
        ("Experiment Viewed", seen),
        ("Order Completed", {"order_id": "h"}),
    ]
    return tuple(
        frame(
            *(
                event(name, user="hasty", properties=said, time=NOW - 9 * DAY + (half * 18 + at) * 100_000)
                for at, (name, said) in enumerate([*told[:16], *(told[16:] if not half else told[:2])])
            )
        )
        for half in range(2)
    )


OTHERS: dict[str, tuple[Intake, ...]] = {
    "nobody": (),
    "staff": (shopper("boss"), shopper("clerk@shop.example")),
    "bots": (shopper("crawler", context=CRAWLER),),
    "speed": hasty(),
}


@cache
def visited_by(others: str) -> Visitor:
    """The owner of a house to which Ann and Bob came, and others who are not to be seen in reports."""
    clock = Clock()
    visitor = Visitor(begun(clock=clock), clock=clock)
    visitor.sign_in()
    house = house_of(visitor)
    save_shop(house.state, Shop(staff=("boss", "@shop.example")), now=NOW)
    house.state.put(Segment(key="buyers", name="Buyers", rule=RULE))
    for one in (shopper("ann"), shopper("bob"), *OTHERS[others]):
        came(visitor, one)
    house.state.put(settling(house.state, "seeing who is in Buyers", now=NOW))
    Working(house, lambda: NOW).finish()
    return visitor


def text(path: str) -> Callable[[Visitor], str]:
    """What a page says."""

    def said(visitor: Visitor) -> str:
        main = visitor.see(path).text.partition("<main")[2].partition("</main>")[0]
        return unescape(" ".join(re.sub(r"<input[^>]*csrf[^>]*>|<[^>]+>", " ", main).split()))

    return said


def _built(visitor: Visitor) -> str:
    fields = {"0.kind": "trait", "0.field": "orders", "0.operator": "$gte", "0.value": "1"}
    return re.sub(r"<[^>]+>", " ", visitor.send("/segments/preview", **fields).text)


def _judged(visitor: Visitor) -> Any:
    house = house_of(visitor)
    return judge(house.lake, campaign(), now=NOW, lens=lens_of(house))


def _planned(visitor: Visitor) -> Any:
    house = house_of(visitor)
    journey = Journey(steps=("Page Viewed", "Order Completed"))
    counted = count_journey(house.lake, journey, lens=lens_of(house))
    found = refresh(house.lake, house.state, now=NOW, lens=lens_of(house))
    return counted.steps if counted else None, found.leaks, found.ideas


def _at_the_terminal(visitor: Visitor) -> Any:
    house = house_of(visitor)
    return terminal._preview(house, RULE), terminal._everybody(house, ["segments"], NOW).num_rows


REPORTS: dict[str, Callable[[Visitor], Any]] = {
    "Today": text("/"),
    "Plan": text("/plan"),
    "the plan": _planned,
    "a verdict": _judged,
    "Segments": text("/segments"),
    "a segment": text("/segments/buyers"),
    "what is built": _built,
    "who is in it": lambda visitor: visitor.see("/segments/buyers/people.csv").text,
    "who moved where": text("/segments/moves?days=5"),
    "the people who moved": text("/segments/moves/people?days=9&from=no%20order&to=new"),
    "their file": lambda visitor: (
        visitor.see("/segments/moves/people.csv?days=9&from=no%20order&to=new").text
    ),
    "the terminal": _at_the_terminal,
}
WHOLE = ("Today", "Plan", "the plan", "a verdict")  # they look at all there is; profiles go drain by drain
CASES = [(report, others) for report in REPORTS for others in ("staff", "bots")]


@pytest.mark.parametrize(("report", "others"), [*CASES, *((report, "speed") for report in WHOLE)])
def test_a_report_is_the_same_whoever_comes_that_it_leaves_out(report: str, others: str) -> None:
    tell = REPORTS[report]
    assert tell(visited_by(others)) == tell(visited_by("nobody"))


def test_the_reports_above_would_tell_of_them() -> None:
    visitor = visited_by("staff")
    assert "2 people fit" in text("/segments/buyers")(visitor)
    assert REPORTS["who is in it"](visitor).count("\n") == 3
    assert _judged(visitor).exposed["a"] == 2
    assert _judged(visited_by("speed")).exposed["a"] == 2


MARGIN = {
    "/": "€1,025 of it profit",
    "/plan": "€1,025 of it profit",
    "/ideas": "€4,100, €1,025 of it profit a week",
    "/results": "Of it profit, at your margin: +€0.20 a person (−€0.03 … +€0.44)",
}


@pytest.mark.parametrize("path", MARGIN)
def test_where_revenue_is_told_so_is_profit_once_a_margin_is_set(path: str) -> None:
    house = full_house()
    visitor = owner(house)
    assert "profit" not in text(path)(visitor)
    save_shop(house.state, Shop(margin=0.25, currency="EUR"), now=1)
    assert MARGIN[path] in text(path)(owner(house))


def test_somebodys_page_tells_what_profit_they_brought() -> None:
    clock = Clock()
    visitor = Visitor(begun(shopper("ann"), clock=clock), clock=clock)
    visitor.sign_in()
    assert "profit" not in text("/people?q=ann")(visitor)
    save_shop(house_of(visitor).state, Shop(margin=0.25), now=1)
    assert "$40.00 an order, $10.00 profit in all" in text("/people?q=ann")(visitor)


def test_today_tells_the_shops_own_currency_first_and_names_the_others() -> None:
    clock = Clock()
    euros = frame(order("o1", 40, user="ann", time=NOW - DAY))
    yen = frame(
        *(
            event(
                "Order Completed",
                user="bob",
                time=NOW - DAY,
                properties={"order_id": "b", "revenue": 90_000, "currency": "JPY"},
            ),
        )
    )
    visitor = Visitor(begun(euros, yen, clock=clock), clock=clock)
    visitor.sign_in()
    said = text("/")(visitor)
    assert "Revenue $40.00 nothing before and ¥90,000" in said
    assert "$40.00 + ¥90,000" in said
    assert "$0.00 + ¥0" in said
