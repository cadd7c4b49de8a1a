"""Texts as money: both decimal marks, thousands, signs, brackets and currency signs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from volano.domain.money import LARGEST, minor

DecimalMark = Literal[".", ","]

_SIGN = r"[A-Z]{0,2}[$]|[A-Z]{3}|kr\.?|zł|Kč|Ft|lei|Rs\.?|Fr\.?|[€£¥₹₽₺₩₴₪฿₫₦]"
_AMOUNT = re.compile(
    rf"(\()?\s*({_SIGN})?\s*([-+−])?\s*({_SIGN})?\s*(\d[\d.,]*|[.,]\d+)\s*({_SIGN})?\s*(-)?\s*(\))?"
)
_THOUSANDS_BLANK = re.compile(r"(?<=\d)[ '’\u00a0\u202f](?=\d{3}(?!\d))")
_SCIENTIFIC = re.compile(r"-?\d+(\.\d+)?[eE][+-]?\d{1,3}")
_WRITTEN = {
    ".": re.compile(r"(\d+|\d{1,3}(?:,\d{2,3})*,\d{3})?(?:\.(\d*))?"),
    ",": re.compile(r"(\d+|\d{1,3}(?:\.\d{2,3})*\.\d{3})?(?:,(\d*))?"),
}
_CURRENCIES = {
    "€": "EUR",
    "£": "GBP",
    "zł": "PLN",
    "₹": "INR",
    "₺": "TRY",
    "₴": "UAH",
    "US$": "USD",
    "R$": "BRL",
}


def decimal_marks(texts: Iterable[str]) -> Counter[str]:
    """How many amounts of a column say that `.` or `,` is their decimal mark; `either` fit both.

    >>> sorted(decimal_marks(["1.234,56", "1,234", "7"]).items())
    [(',', 1), ('either', 1)]
    """
    return Counter(mark for mark in map(_mark, texts) if mark)


def _mark(text: str) -> str:
    bare = _THOUSANDS_BLANK.sub("", text)
    points, commas = bare.count("."), bare.count(",")
    if not points and not commas:
        return ""
    if points and commas:
        return "." if bare.rindex(".") > bare.rindex(",") else ","
    mark, other = (".", ",") if points else (",", ".")
    if points + commas > 1:
        return other
    before, after = (re.sub(r"\D", "", part) for part in bare.split(mark))
    grouped = len(after) == 3 and 1 <= len(before) <= 3 and not before.startswith("0")
    return "either" if grouped else mark


def amount(text: str, mark: DecimalMark) -> tuple[Decimal, str]:
    """The amount, and the currency that its sign names for certain ("" if none). ValueError if it is none.

    >>> amount("(1.234,50 €)", ","), amount("$12", ".")
    ((Decimal('-1234.50'), 'EUR'), (Decimal('12'), ''))
    """
    if _SCIENTIFIC.fullmatch(text):
        return Decimal(text), ""
    match = _AMOUNT.fullmatch(_THOUSANDS_BLANK.sub("", text))
    written = match and _WRITTEN[mark].fullmatch(match[5])
    if not match or not written or bool(match[1]) != bool(match[8]):
        raise ValueError(f"{text[:60]!r} is not an amount with the decimal mark {mark!r}")
    whole = re.sub(r"\D", "", written[1] or "0")
    value = Decimal(f"{whole}.{written[2] or '0'}") if written[2] else Decimal(whole)
    negative = (match[3] in ("-", "−")) + bool(match[7]) + bool(match[1])
    sign = match[2] or match[4] or match[6] or ""
    named = _CURRENCIES.get(sign) or (sign if re.fullmatch(r"[A-Z]{3}", sign) else "")
    return -value if negative == 1 else value, named


def money(text: str, mark: DecimalMark, currency: str, *, certain: bool) -> tuple[int, str]:
    """Minor units and currency; `currency` counts unless the amount names another and it is not `certain`.

    >>> money("12 €", ".", "USD", certain=False)
    (1200, 'EUR')
    """
    value, named = amount(text, mark)
    if named and named != currency and certain:
        raise ValueError(f"{text[:60]!r} is in {named}, not in {currency}")
    counted = named or currency
    units = minor(value, counted) if abs(value) < LARGEST else LARGEST
    if abs(units) >= LARGEST:
        raise ValueError(f"{text[:60]!r} is too large for an amount")
    return units, counted
