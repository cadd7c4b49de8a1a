"""Rules as rows of a form and back."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volano.errors import BadInput
from volano.observe.membership import tree_of
from volano.observe.starters import starters
from volano.observe.traits import FIELDS
from volano.web.console.builder import MOST, rows_of, rows_sent, rule_of
from volano.web.console.row import BOUNDS, FIRST, OPERATORS, Row, Words

KINDS = {name: field.kind for name, field in FIELDS.items() if "*" not in name}
WORDS = Words(kinds=KINDS)
zones = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Santiago", "Pacific/Apia"])
texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
amounts = st.decimals(-9_999_999, 9_999_999, places=2).map(str)
days = st.dates(date(1970, 1, 1), date(2200, 1, 1))
VALUES: dict[str, st.SearchStrategy[str]] = {
    "number": st.integers(-(10**9), 10**9).map(str),
    "money": amounts,
    "text": texts,
    "list": texts,
    "flag": st.sampled_from(["yes", "no"]),
    "time": days.map(lambda day: day.isoformat()),
}
windows = st.tuples(st.one_of(st.just(""), st.integers(1, 500).map(str)), st.sampled_from("mhdw"))


@st.composite
def traits(draw: st.DrawFn) -> Row:
    """A condition on what is known."""
    field = draw(st.sampled_from(sorted(KINDS)))
    operator = draw(st.sampled_from([name for name, _ in OPERATORS[KINDS[field]]]))
    value = "" if operator == "$exists" else draw(VALUES[KINDS[field]])
    return Row(kind="trait", field=field, operator=operator, value=value)


names = texts.filter(lambda name: name[0] != "$")
bounds = st.sampled_from([operator for operator, _ in BOUNDS])
windowed = windows.map(lambda window: dict(zip(("number", "unit"), window, strict=True)))
dated = st.fixed_dictionaries({"since": st.dates(date(1971, 1, 1), date(2199, 1, 1)).map(str)})
summed = st.fixed_dictionaries({"of": texts, "sum": bounds, "total": amounts})


@st.composite
def acts(draw: st.DrawFn) -> Row:
    """A condition on what was done."""
    where = draw(st.lists(st.tuples(names, texts), max_size=2, unique_by=lambda pair: pair[0]))
    fields = {f"where{place}": name for place, (name, _) in zip(("", "2"), where, strict=False)}
    fields |= {f"equals{place}": value for place, (_, value) in zip(("", "2"), where, strict=False)}
    operator = draw(st.sampled_from([*(name for name, _ in BOUNDS), FIRST]))
    whenever = windowed.filter(lambda window: bool(window["number"])) if operator == FIRST else windowed
    fields |= draw(st.one_of(whenever, dated))
    if operator != FIRST:
        added = draw(st.one_of(st.just({}), summed))
        never = 1 if added and operator == "$gte" else 0
        fields |= added | {"times": str(draw(st.integers(never, 255)))}
    return Row(kind="did", event=draw(texts), operator=operator, **fields)


@st.composite
def sequences(draw: st.DrawFn) -> Row:
    """Events one after the other."""
    number, unit = draw(windows)
    steps = draw(st.lists(texts, min_size=2, max_size=10))
    since = draw(st.one_of(st.just({}), dated))
    return Row(kind="sequence", steps="\n".join(steps), number=number, unit=unit, **since)


rows = st.lists(st.one_of(traits(), acts(), sequences()), min_size=1, max_size=6)


@given(rows, st.booleans())
def test_what_the_form_says_can_be_opened_in_the_form_again(said: list[Row], any_of: bool) -> None:
    rule = rule_of(said, WORDS, any_of=any_of)
    known = rows_of(rule, WORDS)
    assert known is not None
    assert len(known[0]) == len(said)
    assert known[1] == any_of
    assert rule_of(known[0], WORDS, any_of=known[1]) == rule


@given(acts(), zones)
def test_whatever_was_done_is_opened_again_by_the_same_clock(said: Row, zone: str) -> None:
    words = Words(kinds=KINDS, zone=zone)
    rule = rule_of([said], words)
    known = rows_of(rule, words)
    if known is None:  # Apia left one day out
        assert said.since == "2011-12-30"
    else:
        assert rule_of(*known[:1], words) == rule
        assert known[0][0].since == said.since


@given(days, zones)
def test_a_day_of_the_form_begins_by_the_shops_clock_and_is_shown_by_it(day: date, zone: str) -> None:
    words = Words(kinds=KINDS, zone=zone)
    row = Row(kind="trait", field="last_order", operator="$gte", value=day.isoformat())
    rule = rule_of([row], words)
    begin = datetime.combine(day, time(), ZoneInfo(zone))
    at = rule["$and"][0]["last_order"]["$gte"]
    assert at == begin.timestamp() * 1_000_000
    known = rows_of(rule, words)
    if datetime.fromtimestamp(at / 1e6, ZoneInfo(zone)).date() == day:  # Apia left one out
        assert known is not None
        assert known[0] == [row]
    else:
        assert known is None or rule_of(known[0], words) == rule


@given(rows, st.booleans())
def test_a_rule_of_the_form_is_a_rule(said: list[Row], any_of: bool) -> None:
    tree_of(rule_of(said, WORDS, any_of=any_of))


@given(rows)
def test_rows_survive_the_way_through_a_form(said: list[Row]) -> None:
    form = {
        f"{number}.{name}": getattr(row, name) for number, row in enumerate(said) for name in Row.__slots__
    }
    assert rows_sent(form) == said


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["orders", "$and", "$or", "$did", "$didNot", "$sequence", "event", "where", "steps", "$in"]
            )
            | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*KINDS, "$and", "$did", "$sequence", "$nor"]), nested, max_size=3))
def test_whatever_rule_is_kept_it_opens_as_rows_that_say_the_same_or_as_json(rule: dict[str, Any]) -> None:
    known = rows_of(rule, WORDS)
    if known is not None:
        assert all(isinstance(getattr(row, name), str) for row in known[0] for name in Row.__slots__)


def test_every_starter_segment_opens_in_the_form() -> None:
    for segment in starters(now=0):
        known = rows_of(segment.rule, WORDS)
        assert known is not None, segment.key
        assert known[0]
        rule_of(*known[:1], WORDS)


def test_money_is_typed_in_whole_units_and_kept_in_minor_ones() -> None:
    rule = rule_of([Row(kind="trait", field="revenue", operator="$gte", value="12,5")], WORDS)
    assert rule == {"$and": [{"revenue": {"$gte": 1250}}]}
    assert rows_of(rule, WORDS) == (
        [Row(kind="trait", field="revenue", operator="$gte", value="12.5")],
        False,
    )
    yen = Words(kinds=KINDS, unit=1)
    assert rule_of([Row(kind="trait", field="revenue", value="12")], yen) == {
        "$and": [{"revenue": {"$gte": 12}}]
    }


def test_a_day_is_when_it_begins() -> None:
    rule = rule_of([Row(kind="trait", field="last_seen", operator="$lt", value="1970-01-02")], WORDS)
    assert rule == {"$and": [{"last_seen": {"$lt": 86_400_000_000}}]}


def test_a_property_that_looks_like_a_number_may_have_come_as_text() -> None:
    rule = rule_of([Row(kind="did", event="Rated", where="stars", equals="5", times="1")], WORDS)
    assert rule == {"$and": [{"$did": {"event": "Rated", "where": {"stars": {"$in": ["5", 5]}}}}]}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (Row(kind="trait", field="", value="4"), "no trait ''"),
        (Row(kind="trait", field="orders", value="many"), "'many'"),
        (Row(kind="trait", field="orders", value="nan"), "'nan'"),
        (Row(kind="trait", field="orders", value="1e300"), "'1e300'"),
        (Row(kind="trait", field="orders"), "compared with nothing"),
        (Row(kind="trait", field="device", operator="$gte", value="x"), "cannot be compared like that"),
        (Row(kind="trait", field="last_seen", operator="$gte", value="soon"), "2026-03-31"),
        (Row(kind="did"), "no event"),
        (Row(kind="did", event="x", times="often"), "how often is 'often'"),
        (Row(kind="did", event="x", operator="$in"), "cannot be counted like that"),
        (Row(kind="did", event="x", operator=FIRST), "within which time, or since when"),
        (Row(kind="did", event="x", operator=FIRST, number="7", of="a", total="1"), "has no sum"),
        (Row(kind="did", event="x", times="0", of="a", total="1"), "never to be done"),
        (Row(kind="did", event="x", of="a"), "the sum of a is ''"),
        (Row(kind="did", event="x", total="1"), "which property is added up"),
        (Row(kind="did", event="x", of="a", sum="$in", total="1"), "cannot be compared like that"),
        (Row(kind="did", event="x", number="7", since="2026-01-31"), "within a time and since a day"),
        (Row(kind="did", event="x", since="soon"), "2026-03-31"),
        (Row(kind="did", event="x", where="a", where2="a"), "stands there twice"),
        (Row(kind="sequence", steps="one"), "two events at least"),
    ],
)
def test_a_row_that_is_not_complete_gets_one_sentence(row: Row, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        rule_of([row], WORDS)


@pytest.mark.parametrize(
    "rule",
    [
        {"$nor": [{"orders": 1}]},
        {"orders": {"$in": [1, 2]}},
        {"traits.plan": "gold"},
        {"device": None},
        {"device": {"$exists": False}},
        {"$did": {"event": ["a", "b"]}},
        {"$did": {"event": "a", "first": True}},
        {"$did": {"event": "a", "count": 2}},
        {"$did": {"event": "a", "count": {"$gte": 1}, "sum": {"of": "b", "$gte": 1}}},
        {"$did": {"event": "a", "sum": {"of": "b", "$gte": 1, "$lt": 5}}},
        {"$did": {"event": "a", "since": "2026-01-31T12:00:00"}},
        {"$did": {"event": "a", "where": {"x": "a", "y": "b", "z": "c"}}},
        {"$didNot": {"event": "a", "sum": {"of": "b", "$gte": 1}}},
        {"$did": {"event": "a", "where": {"x": 1}}},
        {"$did": {"event": "a", "where": {"x": "1", "y": "2"}}},
        {"$didNot": {"event": "a", "count": {"$gte": 2}}},
        {"$sequence": {"steps": [{"event": "a", "where": {}}, {"event": "b"}]}},
        {"$sequence": {"steps": [{"event": "a"}, {"event": "b"}], "within": "7d"}},
        {"$sequence": {"steps": [{"event": "a"}, {"event": "b"}], "since": "2026-01-31T12:00:00"}},
        {"$and": [{"$or": [{"orders": 1}]}]},
        {"$and": [{"orders": number} for number in range(MOST + 1)]},
        {"last_seen": {"$gte": 5}},
    ],
)
def test_what_the_form_cannot_say_stays_json(rule: dict[str, Any]) -> None:
    assert rows_of(rule, WORDS) is None


@pytest.mark.parametrize(
    ("row", "means"),
    [
        (Row(kind="did", event="a", operator="$lte", times="2"), {"count": {"$lte": 2}}),
        (Row(kind="did", event="a", operator=FIRST, number="7"), {"first": True, "within": "7d"}),
        (Row(kind="did", event="a", of="revenue", total="99,5"), {"sum": {"of": "revenue", "$gte": 99.5}}),
        (
            Row(kind="did", event="a", where="x", equals="b", where2="y", equals2="c"),
            {"where": {"x": "b", "y": "c"}},
        ),
        (Row(kind="did", event="a", since="2026-01-31"), {"since": "2026-01-31T00:00:00+01:00"}),
    ],
)
def test_what_was_done_is_told_in_rows(row: Row, means: dict[str, Any]) -> None:
    rule = rule_of([row], Words(kinds=KINDS, zone="Europe/Berlin"))
    assert rule == {"$and": [{"$did": {"event": "a"} | means}]}


def test_a_row_that_is_taken_away_is_gone_and_others_keep_their_order() -> None:
    form = {"0.kind": "did", "0.event": "a", "2.kind": "did", "2.event": "b", "0.drop": "1", "x.kind": "did"}
    assert [row.event for row in rows_sent(form)] == ["b"]
    assert rows_sent({"9.kind": "evil"}) == []
    assert len(rows_sent({f"{at}.kind": "did" for at in range(200)})) == MOST
