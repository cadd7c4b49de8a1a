"""Rules on the past and pasts to try them on, small enough that everything meets."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from volano.rules.past import Moment

MINUTE = 60_000_000  # µs
EVENTS = st.sampled_from(["A", "B", "C"])
WINDOW: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"within": st.sampled_from(["1m", "2m", "5m", "1h"])}),
    st.fixed_dictionaries({"since": st.sampled_from(["1970-01-01T00:02:00", "1970-01-01T01:00:00+01:00"])}),
)
COUNT = st.integers(0, 3) | st.dictionaries(
    st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]), st.integers(0, 3), min_size=1, max_size=2
)
SUM = st.fixed_dictionaries(
    {"of": st.just("revenue")},
    optional={name: st.sampled_from([-1, 0, 0.5, 3]) for name in ("$gte", "$lt", "$eq", "$ne")},
).filter(lambda told: len(told) > 1)


def joined(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """One object of all parts."""
    return st.tuples(*parts).map(lambda told: {name: each for part in told for name, each in part.items()})


DID = joined(
    st.fixed_dictionaries({"event": EVENTS | st.lists(EVENTS, min_size=1, max_size=2)}),
    WINDOW,
    st.one_of(
        st.fixed_dictionaries({}, optional={"count": COUNT, "sum": SUM}),
        st.just({"first": True, "within": "2m"}),
    ),
).filter(lambda told: not ("since" in told and "within" in told))
STEP = st.fixed_dictionaries({"event": EVENTS})
CHAIN = joined(
    st.fixed_dictionaries(
        {"steps": st.lists(STEP, min_size=2, max_size=3)},
        optional={"span": st.sampled_from(["1m", "2m", "5m"])},
    ),
    WINDOW,
)
ASKED = st.one_of(
    st.fixed_dictionaries({"$did": DID}),
    st.fixed_dictionaries({"$didNot": DID}),
    st.fixed_dictionaries({"$sequence": CHAIN}),
)

# what a person did: (event, minutes and a bit, amount in millionths), in order; the id is the place
LIVES = st.lists(
    st.tuples(
        st.sampled_from("ABC"), st.integers(0, 10), st.sampled_from([0, 500_000, 3_000_000, -1_000_000])
    ),
    max_size=7,
).map(lambda told: sorted(told, key=lambda one: one[1]))
NOWS = st.integers(0, 12)


def kept(life: list[tuple[str, int, int]], events: tuple[str, ...], *, first: bool) -> list[Moment]:
    """The moments of one condition in a life."""
    found = [
        (minute * MINUTE, number, amount)
        for number, (event, minute, amount) in enumerate(life)
        if event in events
    ]
    return found[:1] if first else found


def columns(lists: dict[int, list[Moment]]) -> pa.Table:
    """Moments by person as a table."""
    rows = [(person, *moment) for person, moments in lists.items() for moment in moments]
    names = ("person_id", "time", "id", "amount")
    return pa.table({name: pa.array([row[at] for row in rows], pa.int64()) for at, name in enumerate(names)})
