"""What the shop is like: set in the console, honoured by what it shows."""

from __future__ import annotations

import pytest

from tests.flow.site import event, order
from tests.web.known import DAY, ann, came, done, frame, house_of, opened
from tests.web.shop import NOW, full_house
from tests.web.visitor import Visitor, fields_of, owner
from volano.domain.profile import Profile
from volano.domain.rfm import RfmBounds
from volano.domain.shop import Shop
from volano.domain.view import View
from volano.flow.shop import save_shop, shop_of
from volano.observe.identity import identity

FORM = "/settings/shop"


@pytest.fixture
def visitor() -> Visitor:
    """The owner of the house that Ann and Bob came to."""
    return opened(ann())


def kept(visitor: Visitor) -> Shop:
    """The settings as they are kept."""
    return shop_of(house_of(visitor).state)


def test_saving_what_is_shown_changes_nothing(visitor: Visitor) -> None:
    before = kept(visitor)
    page = visitor.send(FORM, **fields_of(visitor.see("/settings"), FORM))
    assert "Saved." in page.text
    assert kept(visitor) == Shop(
        **{name: getattr(before, name) for name in before.__struct_fields__}
        | {"changed_at": kept(visitor).changed_at}
    )


def test_all_that_a_shop_is_can_be_set(visitor: Visitor) -> None:
    changed = {
        "name": "Lamps & co",
        "timezone": "Asia/Kolkata",
        "currency": "inr",
        "week_start": "6",
        "margin": "32,5",
        "staff": "ann\n@shop.example",
        "marks": "partner = source\n aff=Campaign",
        "rfm.days": "10 20 30 40",
        "rfm.orders": "2 3 4 5",
        "rfm.money": "10 20 30 40.5",
    }
    visitor.send(FORM, **fields_of(visitor.see("/settings"), FORM) | changed)
    done(visitor)
    shop = kept(visitor)
    assert (shop.name, shop.timezone, shop.currency, shop.week_start) == (
        "Lamps & co",
        "Asia/Kolkata",
        "INR",
        6,
    )
    assert shop.margin == pytest.approx(0.325)
    assert shop.marks == {"partner": "source", "aff": "campaign"}
    assert shop.staff == ("ann", "@shop.example")
    assert shop.rfm == RfmBounds(
        days=(10, 20, 30, 40), orders=(2, 3, 4, 5), money=(1_000, 2_000, 3_000, 4_050)
    )
    again = fields_of(visitor.see("/settings"), FORM)
    assert {name: again[name] for name in ("margin", "marks", "rfm.days", "rfm.money", "week_start")} == {
        "margin": "32.5",
        "marks": "partner = source\naff = campaign",
        "rfm.days": "10 20 30 40",
        "rfm.money": "10 20 30 40.5",
        "week_start": "6",
    }


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("timezone", "Mars/Crater", "no time zone"),
        ("currency", "euros", "no currency"),
        ("week_start", "9", "cannot start on day 9"),
        ("week_start", "Monday", "must be a number"),
        ("margin", "much", "must be a number"),
        ("margin", "nan", "must be a number"),
        ("margin", "120", "at most 1"),
        ("staff", "@nowhere", "no domain"),
        ("marks", "partner", "it can be source, medium"),
        ("marks", "a b = source", "cannot be a parameter"),
        ("rfm.days", "1 2 3", "needs four limits"),
        ("rfm.days", "4 3 2 1", "each larger than the one before"),
        ("rfm.money", "1 2 3 x", "must be a number"),
    ],
)
def test_what_cannot_be_gets_one_sentence_and_stays_in_the_form(
    visitor: Visitor, field: str, value: str, says: str
) -> None:
    before = kept(visitor)
    fields = fields_of(visitor.see("/settings"), FORM) | {"name": "Typed", field: value}
    page = visitor.send(FORM, **fields)
    assert page.status_code == 422
    assert page.text.count('role="alert"') == 1
    assert says in page.text
    assert fields_of(page, FORM)["name"] == "Typed"
    if field != "week_start":
        assert fields_of(page, FORM)[field] == value
    assert kept(visitor) == before


def test_another_clock_counts_everybodys_days_anew(visitor: Visitor) -> None:
    profiles = house_of(visitor).profiles
    before = profiles.get(Profile, identity("u:ann"))
    visitor.send(FORM, **fields_of(visitor.see("/settings"), FORM) | {"timezone": "Pacific/Auckland"})
    done(visitor)
    after = profiles.get(Profile, identity("u:ann"))
    assert before is not None
    assert after is not None
    assert after.hours != before.hours
    assert after.events == before.events


def test_another_currency_counts_everybodys_money_anew(visitor: Visitor) -> None:
    profiles = house_of(visitor).profiles
    before = profiles.get(Profile, identity("u:ann"))
    visitor.send(FORM, **fields_of(visitor.see("/settings"), FORM) | {"currency": "JPY"})
    done(visitor)
    after = profiles.get(Profile, identity("u:ann"))
    assert before is not None
    assert after is not None
    assert before.revenue > 0
    assert (after.revenue, list(after.foreign.values())) == (0, [before.revenue])


def test_other_limits_make_other_types(visitor: Visitor) -> None:
    assert "RFM: new" in visitor.see("/people?q=ann").text
    limits = {"rfm.orders": "0.1 0.2 0.3 1", "rfm.money": "1 2 3 4"}
    visitor.send(FORM, **fields_of(visitor.see("/settings"), FORM) | limits)
    done(visitor)
    assert "RFM: champions" in visitor.see("/people?q=ann").text


def test_a_campaign_parameter_of_the_shops_own_counts_for_what_comes_in(visitor: Visitor) -> None:
    visitor.send(FORM, **fields_of(visitor.see("/settings"), FORM) | {"marks": "partner = source"})
    came_from = {"page": {"url": "https://shop.example/tea?partner=aunt-may", "path": "/tea"}}
    came(visitor, frame(event("Page Viewed", user="cid", time=NOW, kind="page", context=came_from)))
    rows = house_of(visitor).lake.read(View(columns=("source", "known_as"))).to_pylist()
    assert {row["source"] for row in rows if row["known_as"] == "u:cid"} == {"aunt-may"}


def test_limits_are_proposed_from_the_shops_customers_and_kept_only_when_saved(visitor: Visitor) -> None:
    before = kept(visitor)
    spent = (10, 20, 30, 40, 50, 60)
    came(visitor, *(frame(order(f"p{paid}", paid, user=f"p{paid}", time=NOW - paid * DAY)) for paid in spent))
    page = visitor.see("/settings?propose=1")
    assert "They count once you save" in page.text
    fields = fields_of(page, FORM)
    assert fields["rfm.money"] == "30 40 40.01 50"
    assert kept(visitor) == before
    visitor.send(FORM, **fields)
    done(visitor)
    assert kept(visitor).rfm.money == (3_000, 4_000, 4_001, 5_000)
    assert "They count once you save" not in visitor.see("/settings").text


def test_today_counts_weeks_as_the_shop_begins_them() -> None:
    house = full_house()
    text = owner(house).see("/").text
    assert "Show as table, by week" in text
    assert "<td>6 Oct 2025, so far</td>" in text  # a Monday
    save_shop(house.state, Shop(week_start=6), now=1)
    text = owner(house).see("/").text
    assert "<td>5 Oct 2025, so far</td>" in text
    assert text.split("The last weeks as table")[1].split("</table>")[0].count("<tr>") == 5


def test_a_leak_tells_what_profit_it_costs_once_a_margin_is_set() -> None:
    house = full_house()
    assert "of it profit" not in owner(house).see("/plan").text
    save_shop(house.state, Shop(margin=0.25), now=1)
    for path in ("/", "/plan"):
        assert "<b>€4,100</b> a week, €1,025 of it profit" in owner(house).see(path).text
