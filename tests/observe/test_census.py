"""Profiles in bulk are those made one by one."""

from __future__ import annotations

from itertools import groupby

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from volano.domain.profile import Profile
from volano.domain.tables import TIME
from volano.observe.census import census
from volano.observe.people import Fact, folded

ROWS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.builds(
            Fact,
            time=st.integers(1, 50),
            id=st.integers(1, 10**6),
            event=st.sampled_from(["Page Viewed", "Order Completed", "Order Refunded"]),
            source=st.sampled_from([None, "mail", "shop"]),
            medium=st.sampled_from([None, "email"]),
            device=st.sampled_from([None, "tablet", "desktop"]),
            revenue=st.sampled_from([None, 100, -40]),
        ),
    ),
    max_size=60,
    unique_by=lambda row: row[1].id,
)


def block_of(rows: list[tuple[int, Fact]]) -> pa.Table:
    facts = [fact for _, fact in rows]
    columns = {
        name: [getattr(fact, name) for fact in facts] for name in ("event", "source", "medium", "device")
    }
    return pa.table(
        {
            "person_id": pa.array([person for person, _ in rows], pa.int64()),
            "time": pa.array([fact.time for fact in facts], pa.int64()).cast(TIME),
            "id": pa.array([fact.id for fact in facts], pa.int64()),
            "revenue": pa.array([fact.revenue for fact in facts], pa.int64()),
            **{name: pa.array(values, pa.string()) for name, values in columns.items()},
            "campaign": pa.nulls(len(rows), pa.string()),
            "round": pa.nulls(len(rows), pa.int64()),
            "known_as": pa.nulls(len(rows), pa.string()),
            "table": pa.array(["events"] * len(rows), pa.string()),
        }
    )


@settings(deadline=None)
@given(ROWS)
def test_a_block_gives_everybody_the_profile_that_folding_gives(rows: list[tuple[int, Fact]]) -> None:
    rows = sorted(rows, key=lambda row: (row[0], row[1].time, row[1].id))
    one_by_one = [
        folded(Profile(person_id=person), [fact for _, fact in facts])
        for person, facts in groupby(rows, key=lambda row: row[0])
    ]
    assert list(census(block_of(rows)).profiles) == one_by_one


def test_a_decision_is_no_visit_but_is_remembered() -> None:
    decision = block_of([(1, Fact(time=5, id=1, event="Page Viewed"))])
    decision = decision.set_column(
        decision.schema.get_field_index("event"), "event", pa.array([None], pa.string())
    )
    for name, value in {"table": "decisions", "campaign": "c", "known_as": "a:7"}.items():
        decision = decision.set_column(decision.schema.get_field_index(name), name, pa.array([value]))
    decision = decision.set_column(decision.schema.get_field_index("round"), "round", pa.array([2]))
    assert census(decision).profiles == (Profile(person_id=1, assigned={"c.2": "7"}),)
