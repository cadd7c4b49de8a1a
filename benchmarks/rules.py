"""What targeting costs: 50 rules for one person, beside GrowthBook's Python SDK, and segments of a million.

Run it with `python benchmarks/rules.py`; the peer is the package `growthbook`, left out where it is not
installed. It ends with 1 when 50 rules take more than 15 µs or a segment of a million people more than 1 s.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pyarrow as pa

from volano.rules.block import compile_block
from volano.rules.compile import compile_many, compile_one

RULES, PEOPLE, LIMIT_ONE, LIMIT_BLOCK = 50, 1_000_000, 15.0, 1.0  # µs, CPU seconds
SOURCES = [
    "google / cpc",
    "instagram / social",
    "mail / newsletter",
    "(direct) / (none)",
    "partner / referral",
]
DEVICES = ["android", "iphone", "desktop", "low-end android"]
COUNTRIES = ["DE", "FR", "ES", "IT", "PL", "US"]
CATEGORIES = ["shoes", "hats", "coats", "bags", "toys"]
SPENT = {"revenue": {"$gte": 500}}
VIEWED = {"event": "Product Viewed", "count": {"$gte": 3}, "within": "7d"}

KINDS: tuple[Callable[[int], dict[str, Any]], ...] = (
    lambda n: {"source": SOURCES[n % 5], "device": DEVICES[n % 4]},
    lambda n: {"orders": {"$gte": 1 + n % 4}, "days_since_order": {"$gte": 14, "$lt": 60}},
    lambda n: {"country": {"$in": COUNTRIES[: 1 + n % 5]}, "visitor": "returning"},
    lambda n: {"$or": [{"landing": {"$regex": "^/sale"}}, {"revenue": {"$gt": 10_000 + n}}]},
    lambda n: {"categories": {"$in": [CATEGORIES[n % 5]]}, "cart_value": {"$gt": 2_000}},
    lambda n: {"$not": {"device": DEVICES[n % 4]}, "orders": 0, "sessions": {"$gte": 2}},
    lambda n: {"$and": [{"country": COUNTRIES[n % 6]}, {"$or": [{"orders": {"$gt": 2}}, SPENT]}]},
    lambda n: {"rfm": {"$in": ["champions", "loyal"]}, "path": {"$regex": "/shoes"}, "hour": {"$lt": 6 + n}},
    lambda n: {"consent": True, "source": {"$ne": SOURCES[n % 5]}, "email_known": {"$exists": True}},
    lambda n: {"orders": {"$gte": 2, "$lte": 9}, "$nor": [{"country": "US"}, {"device": DEVICES[n % 4]}]},
)


def rules() -> dict[str, dict[str, Any]]:
    """Fifty, in words that both sides know."""
    return {f"c{number}": KINDS[number % len(KINDS)](number) for number in range(RULES)}


def person(number: int) -> dict[str, Any]:
    """The facts of one."""
    return {
        "source": SOURCES[number % 5],
        "device": DEVICES[number % 4],
        "country": COUNTRIES[number % 6],
        "visitor": "returning" if number % 2 else "new",
        "landing": "/sale/1" if number % 3 else "/",
        "path": "/shoes/red",
        "orders": number % 7,
        "days_since_order": number % 90,
        "revenue": number % 20_000,
        "categories": CATEGORIES[: number % 4],
        "cart_value": number % 5_000,
        "sessions": number % 9,
        "rfm": "loyal",
        "hour": number % 24,
        "consent": True,
        "email_known": "x",
    }


def cost(work: Callable[[dict[str, Any]], object], people: list[dict[str, Any]], rounds: int) -> float:
    """CPU µs a person, the best of twelve runs."""
    best = float("inf")
    for _ in range(12):
        begun = time.process_time()
        for _ in range(rounds):
            for facts in people:
                work(facts)
        best = min(best, (time.process_time() - begun) / rounds / len(people))
    return best * 1e6


def one() -> bool:
    """Fifty rules for one person."""
    people = [person(number) for number in range(500)]
    named = rules()
    begun = time.process_time()
    many = compile_many(named)
    made = (time.process_time() - begun) * 1e3
    ours = cost(many, people, 10)
    held = sum(len(many(facts)) for facts in people) / len(people)
    print(
        f"{RULES} rules for one person: {ours:6.1f} µs CPU (limit {LIMIT_ONE:.0f}); {held:.1f} of them hold"
    )
    print(f"  compiled in {made:.1f} ms; one by one {cost(singly(named), people, 4):.1f} µs")
    asking = {
        **named,
        **{f"h{number}": {**rule, "$did": VIEWED} for number, rule in enumerate(named.values())},
    }
    past = [{**facts, "$now": 10**15, "$done": {}} for facts in people]
    print(f"  with {RULES} more that ask for the past {cost(compile_many(asking), past, 4):.1f} µs")
    if find_spec("growthbook"):
        peers(named, people, many, ours)
    else:
        print("  (package growthbook is not installed: no ratio)")
    return ours <= LIMIT_ONE


def singly(named: dict[str, Any]) -> Callable[[dict[str, Any]], object]:
    """Each rule a function of its own."""
    each = [(key, compile_one(rule)) for key, rule in named.items()]
    return lambda facts: [key for key, rule in each if rule(facts)]


def peers(
    named: dict[str, Any], people: list[dict[str, Any]], many: Callable[[Any], list[str]], ours: float
) -> None:
    """The same rules by GrowthBook: its function for conditions alone, and as features of its SDK."""
    from growthbook import GrowthBook
    from growthbook.core import evalCondition

    def conditions(facts: dict[str, Any]) -> list[str]:
        return [key for key, rule in named.items() if evalCondition(facts, rule)]

    features = {
        key: {"defaultValue": False, "rules": [{"condition": rule, "force": True}]}
        for key, rule in named.items()
    }
    book = GrowthBook(features=features)

    def features_on(facts: dict[str, Any]) -> list[str]:
        book.set_attributes(facts)
        return [key for key in named if book.is_on(key)]

    few = people[:60]
    for name, work in (("conditions", conditions), ("features", features_on)):
        theirs = cost(work, few, 2)
        agree = sum(work(facts) == many(facts) for facts in few) / len(few)
        ratio = f"{theirs / ours:.0f} × ours; same answers for {agree:.0%}"
        print(f"  GrowthBook SDK, {name:10}: {theirs:6.1f} µs, {ratio}")


def crowd(chance: np.random.Generator) -> pa.Table:
    """A million people."""

    def drawn(known: list[str], size: int = PEOPLE) -> pa.Array:
        return pa.array(np.array(known)[chance.integers(0, len(known), size)])

    texts = {"source": SOURCES, "device": DEVICES, "country": COUNTRIES, "rfm": ["loyal", "new"]}
    numbers = ("orders", "days_since_order", "sessions", "revenue")
    starts = pa.array(np.arange(0, 2 * PEOPLE + 1, 2, dtype=np.int32))
    return pa.table(
        {
            "person_id": np.arange(PEOPLE),
            **{name: drawn(known) for name, known in texts.items()},
            **{name: chance.integers(0, 90, PEOPLE) for name in numbers},
            "categories": pa.ListArray.from_arrays(starts, drawn(CATEGORIES, 2 * PEOPLE)),
        }
    )


def block() -> bool:
    """A segment of a million people."""
    chance = np.random.default_rng(1)
    people = crowd(chance)
    now, moments = 10**15, 2 * PEOPLE
    did = {"$did": VIEWED}
    chain = {"$sequence": {"steps": [{"event": "Product Viewed"}, {"event": "Product Added"}], "span": "1h"}}
    wanted = {
        "numbers and texts": {"orders": {"$gte": 4}, "source": {"$in": SOURCES[:2]}, "device": "android"},
        "a list": {"categories": {"$in": ["shoes"]}, "country": {"$ne": "US"}},
        f"did, {moments:,} moments": {"orders": {"$gte": 1}, **did},
        f"sequence, 2 × {moments:,} moments": chain,
    }
    from volano.rules.nodes import conditions
    from volano.rules.tree import parse

    table = pa.table(
        {
            "person_id": np.sort(chance.integers(0, PEOPLE, moments)),  # as a lake hands them out
            "time": now - chance.integers(0, 30 * 86_400_000_000, moments),
            "id": np.arange(moments),
            "amount": np.zeros(moments, np.int64),
        }
    )
    held = True
    print(f"a segment of {PEOPLE:,} people (limit {LIMIT_BLOCK:.0f} s CPU for the rule on a table)")
    for name, rule in wanted.items():
        done = {each.key: table for each in conditions(parse(rule))}
        predicate = compile_block(rule)
        begun = time.process_time()
        mask = predicate(people, now=now, done=done)
        took = time.process_time() - begun
        held = held and took <= LIMIT_BLOCK
        print(f"  {name:36} {took:5.2f} s CPU, {int(mask.sum()):,} people")
    return held


if __name__ == "__main__":
    sys.exit(0 if all([one(), block()]) else 1)
