"""Amounts: what people write for money, to the minor unit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volano.observe.amounts import DecimalMark, amount, decimal_marks, money


@pytest.mark.parametrize(
    ("text", "mark", "expected"),
    [
        ("1234.56", ".", "1234.56"),
        ("1,234.56", ".", "1234.56"),
        ("1.234,56", ",", "1234.56"),
        ("12,34,567.80", ".", "1234567.80"),
        ("1 234,56", ",", "1234.56"),
        ("1\u202f234,56", ",", "1234.56"),
        ("1'234.56", ".", "1234.56"),
        ("-3.10", ".", "-3.10"),
        ("−3,10", ",", "-3.10"),
        ("3.10-", ".", "-3.10"),
        ("(3.10)", ".", "-3.10"),
        ("$12", ".", "12"),
        ("-$12.50", ".", "-12.50"),
        ("$-12.50", ".", "-12.50"),
        ("12 €", ".", "12"),
        ("12,50 EUR", ",", "12.50"),
        ("kr 99", ",", "99"),
        (".5", ".", "0.5"),
        ("7.", ".", "7"),
        ("1.5e3", ".", "1500"),
        ("0", ".", "0"),
    ],
)
def test_an_amount_is_read_as_meant(text: str, mark: DecimalMark, expected: str) -> None:
    assert amount(text, mark)[0] == Decimal(expected)


@pytest.mark.parametrize(
    "text", ["", "free", "1,5", "1.2.3", "12 34", "(5", "12abc", "1,23,4", "nan", "0x1f", "--5"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        amount(text, ".")


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["12", "12.5"], "."),
        (["12", "12,50"], ","),
        (["1.234.567"], ","),
        (["1.234", "0.105"], "."),
        (["1234.567"], "."),
        (["1,234.00"], "."),
    ],
)
def test_a_column_tells_its_decimal_mark(texts: list[str], mark: str) -> None:
    assert decimal_marks(texts)[mark]
    assert not decimal_marks(texts)["," if mark == "." else "."]


def test_three_digits_after_the_only_mark_tell_nothing() -> None:
    assert decimal_marks(["1,234", "1.234", "900"]) == {"either": 2}


def test_minor_units_are_those_of_the_currency() -> None:
    assert money("1200", ".", "JPY", certain=True) == (1200, "JPY")
    assert money("1.2345", ".", "KWD", certain=True) == (1235, "KWD")


def test_a_sign_that_names_a_currency_counts_unless_another_was_said() -> None:
    assert money("12 €", ".", "USD", certain=False) == (1200, "EUR")
    assert money("$12", ".", "CAD", certain=True) == (1200, "CAD")
    with pytest.raises(ValueError, match="is in EUR, not in USD"):
        money("12 €", ".", "USD", certain=True)


def test_an_absurd_amount_is_refused() -> None:
    for text in ("9" * 30, "1e300", "-" + "9" * 14):
        with pytest.raises(ValueError, match="too large"):
            money(text, ".", "USD", certain=False)


@given(st.integers(-(10**10), 10**10))
def test_an_amount_written_either_way_comes_back(units: int) -> None:
    written = f"{Decimal(units).scaleb(-2):,.2f}"
    swapped = written.translate(str.maketrans(",.", ".,"))
    assert (
        money(written, ".", "EUR", certain=True) == money(swapped, ",", "EUR", certain=True) == (units, "EUR")
    )
