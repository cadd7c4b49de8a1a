"""What the shop is like: set in the console, honoured by what it shows."""

from __future__ import annotations

import pytest

from tests.web.known import ann, done, house_of, opened
from tests.web.shop import full_house
from tests.web.visitor import Visitor, fields_of, owner
from volano.domain.profile import Profile
from volano.domain.rfm import RfmBounds
from volano.domain.shop import Shop
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
    assert shop.staff == ("ann", "@shop.example")
    assert shop.rfm == RfmBounds(
        days=(10, 20, 30, 40), orders=(2, 3, 4, 5), money=(1_000, 2_000, 3_000, 4_050)
    )
    again = fields_of(visitor.see("/settings"), FORM)
    assert {name: again[name] for name in ("margin", "rfm.days", "rfm.money", "week_start")} == {
        "margin": "32.5",
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
