from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from tests.rules.histories import ASKED
from tests.rules.test_block import RULES
from volano.rules.words import Units, sentence

VIEWED = {"event": "Product Viewed"}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({}, "everyone"),
        ({"$nor": []}, "nobody"),
        ({"orders": 1}, "orders 1"),
        ({"orders": {"$gte": 3, "$lt": 9.5}}, "orders at least 3 and less than 9.5"),
        ({"country": {"$in": ["DE", "FR", "ES"]}}, "country DE, FR or ES"),
        ({"segments": {"$nin": ["new"]}}, "segments not new"),
        ({"days_since_order": {"$gte": 14}}, "days since order at least 14"),
        ({"email": {"$exists": True}, "phone": None}, "email known and phone unknown"),
        ({"path": {"$regex": "^/a"}, "source": {"$ne": "mail"}}, "path matching ^/a and source not mail"),
        ({"$or": [{"a": 1, "b": 2}, {"c": True}]}, "(a 1 and b 2), or c true"),
        ({"$and": [{"$or": [{"a": 1}, {"b": 2}]}, {"c": ""}]}, '(a 1, or b 2) and c ""'),
        ({"$not": {"a": 1}}, "not (a 1)"),
        (
            {"tags": {"$elemMatch": {"$eq": "x"}}, "cart": {"$size": 2}},
            "tags with an entry x and cart with 2 entries",
        ),
        ({"lines": {"$elemMatch": {"total": {"$gt": 2}}}}, "lines with an entry total more than 2"),
        ({"$did": VIEWED}, 'did "Product Viewed"'),
        ({"$didNot": {**VIEWED, "within": "30d"}}, 'never did "Product Viewed" within 30 days'),
        ({"$didNot": {**VIEWED, "count": {"$gte": 3}}}, 'not (did "Product Viewed" at least 3 times)'),
        (
            {"$did": {**VIEWED, "where": {"category": "shoes"}, "count": 2, "since": "2026-01-31"}},
            'did "Product Viewed" (where category shoes) 2 times since 2026-01-31',
        ),
        (
            {"$did": {"event": ["A", "B"], "sum": {"of": "revenue", "$gte": 99.5}, "within": "1h"}},
            'did "A" or "B" with revenue of at least 99.5 in all within 1 hour',
        ),
        (
            {"$did": {**VIEWED, "first": True, "within": "1w"}},
            'did for the first time "Product Viewed" within 7 days',
        ),
        (
            {"$sequence": {"steps": [VIEWED, {"event": "Product Added"}], "span": "30m", "within": "7d"}},
            'did "Product Viewed", then "Product Added" (30 minutes from first to last) within 7 days',
        ),
        (
            {"$did": {**VIEWED, "since": "2026-01-31T10:30:00"}},
            'did "Product Viewed" since 2026-01-31 10:30 UTC',
        ),
    ],
)
def test_a_rule_can_be_said_in_plain_words(rule: Any, said: str) -> None:
    assert sentence(rule) == said


@settings(max_examples=100, deadline=None)
@given(RULES | ASKED)
def test_every_rule_can_be_said(rule: dict[str, Any]) -> None:
    assert sentence(rule)


KINDS = {"first_seen": "time", "revenue": "money", "orders": "number"}
SHOP = Units(kinds=KINDS, zone="Europe/Berlin", currency="EUR")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"first_seen": {"$gte": 1_700_000_000_000_000}}, "first seen since 2023-11-14 23:13 CET"),
        ({"first_seen": {"$lt": 1_699_916_400_000_000}}, "first seen before 2023-11-14"),
        (
            {"first_seen": {"$gt": -(2**53), "$lte": 2**53}},
            "first seen after 1684-07-28 01:05 LMT and until 2255-06-06 01:47 CEST",
        ),
        ({"$not": {"revenue": {"$gt": 1250}}}, "not (revenue more than 12.50 EUR)"),
        ({"revenue": {"$in": [100, 250]}}, "revenue 1.00 EUR or 2.50 EUR"),
        ({"orders": {"$gte": 1250}}, "orders at least 1250"),
        ({"$did": {**VIEWED, "since": "2026-01-31T00:00:00+01:00"}}, 'did "Product Viewed" since 2026-01-31'),
        (
            {"$sequence": {"steps": [VIEWED, VIEWED], "since": "2026-01-31"}},
            'did "Product Viewed", then "Product Viewed" since 2026-01-31 01:00 CET',
        ),
    ],
)
def test_times_and_money_are_told_by_the_clock_and_in_the_currency_of_the_shop(
    rule: dict[str, Any], said: str
) -> None:
    assert sentence(rule, SHOP) == said
