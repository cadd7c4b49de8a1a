"""The page on traits says what the code does."""

from __future__ import annotations

from pathlib import Path

from volano.domain.rfm import TYPES, RfmBounds
from volano.observe.traits import FIELDS, TIMED, TRAITS
from volano.observe.traits.rfm import Rfm

PAGE = (Path(__file__).parents[3] / "docs/reference/traits.md").read_text()


def test_every_fact_is_on_the_page_with_its_kind_and_meaning() -> None:
    for name, field in FIELDS.items():
        kind = [
            field.kind,
            *(["timed"] if field.timed else []),
            *([field.pii] if field.pii != "none" else []),
        ]
        assert f"| `{name}` | {', '.join(kind)} | {field.meaning} |" in PAGE


def test_the_page_has_no_fact_that_is_none() -> None:
    told = [line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    assert sorted(told) == sorted(FIELDS)


def test_the_table_of_types_is_that_of_the_code() -> None:
    for recency in range(1, 6):
        types = [Rfm(recency, score, score).type for score in range(1, 6)]
        assert f"| {recency} | {' | '.join(types)} |" in PAGE
    assert all(kind in PAGE for kind in TYPES)


def test_the_page_names_the_boundaries_of_who_sets_none() -> None:
    usual = RfmBounds()
    for limit in (*usual.days, *usual.orders, *usual.money):
        assert f" {limit:,.0f} |" in PAGE


def test_every_group_looks_at_columns_and_tells_of_facts_that_have_its_name() -> None:
    assert len({trait.name for trait in TRAITS}) == len(TRAITS)
    assert {field.group for field in FIELDS.values()} <= {trait.name for trait in TRAITS}
    assert all(timed.anchor in FIELDS for timed in TIMED.values())
