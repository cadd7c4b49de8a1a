from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.evaluate.campaigns import CLICKS, ORDERS, REVENUE, campaign
from volano.domain.campaign import CONTROL, Campaign
from volano.domain.durations import DAY
from volano.domain.tables import TIME
from volano.evaluate.offsets import ArmTally, tally, view
from volano.maths.moments import Moments

CAMPAIGN = campaign(goals=(CLICKS, ORDERS, REVENUE), round=2)
UNTIL = 10 * DAY
HALF = DAY // 2
Row = dict[str, Any]


def exposure(person: int, time: int, variant: str = "a", **more: Any) -> Row:
    row = {"person_id": person, "time": time, "table": "exposures", "campaign": "c1", "variant": variant}
    return {**row, "round": 2, **more}


def event(person: int, time: int, name: str = "Order Completed", **more: Any) -> Row:
    return {"person_id": person, "time": time, "table": "events", "event": name, **more}


def block(rows: list[Row]) -> pa.Table:
    """Rows as the lake gives them: sorted, texts as dictionaries."""
    rows = sorted(rows, key=lambda row: (row["person_id"], row["time"]))
    text, texts = (
        pa.dictionary(pa.int32(), pa.string()),
        ("table", "event", "campaign", "variant", "currency"),
    )
    columns: dict[str, Any] = {
        name: pa.array([row.get(name) for row in rows], pa.string()).cast(text) for name in texts
    }
    for name in ("person_id", "round", "revenue"):
        columns[name] = pa.array([row.get(name) for row in rows], pa.int64())
    columns["time"] = pa.array([row["time"] for row in rows], pa.int64()).cast(TIME)
    return pa.table(columns)


def told(rows: list[Row], until: int = UNTIL, **more: Any) -> ArmTally:
    return tally(block(rows), CAMPAIGN, until, **more)


def test_an_outcome_counts_from_the_exposure_until_the_window_closes() -> None:
    start, close = DAY, 8 * DAY
    for time, counts in ((start - 1, 0), (start, 1), (close - 1, 1), (close, 0)):
        found = told([exposure(1, start), event(1, time, revenue=500)])
        assert found.goals[1][1].converters == counts
        assert found.goals[2][1].values == Moments(1, 500.0 * counts, 0.0)


def test_money_in_another_currency_is_no_revenue() -> None:
    rows = [exposure(1, DAY)]
    rows += [event(1, 2 * DAY, revenue=n, currency=code) for n, code in ((5, "EUR"), (900, "JPY"), (7, None))]
    found = told(rows, currency="EUR")
    assert (found.goals[1][1].converters, found.goals[2][1].values) == (1, Moments(1, 12.0, 0.0))


def test_only_people_whose_window_has_closed_are_counted() -> None:
    rows = [exposure(1, 3 * DAY), exposure(2, 3 * DAY + 1), event(2, 4 * DAY)]
    found = told(rows)
    assert found.exposed == (0, 2)
    assert found.goals[1][1].values == Moments(1, 0.0, 0.0)
    assert found.goals[0][1].values.count == 2  # the window of a day has closed for both


def test_what_is_later_than_the_data_cut_off_is_not_known() -> None:
    rows = [exposure(1, DAY), exposure(2, UNTIL + 1), event(1, 2 * DAY), exposure(1, UNTIL + 5, CONTROL)]
    found = told(rows)
    assert found.exposed == (0, 1)
    assert found.mixed == 0


def test_people_seen_in_two_arms_are_left_out_and_counted() -> None:
    rows = [exposure(1, DAY), exposure(1, 2 * DAY, CONTROL), event(1, 3 * DAY), exposure(2, DAY, CONTROL)]
    found = told(rows)
    assert found.mixed == 1
    assert found.exposed == (1, 0)
    assert found.goals[1][1].values.count == 0


def test_the_first_of_several_exposures_opens_the_window() -> None:
    found = told([exposure(1, DAY), exposure(1, 2 * DAY), event(1, 8 * DAY)])
    assert found.goals[1][1].values == Moments(1, 0.0, 0.0)


def test_other_campaigns_other_rounds_and_unknown_variants_are_no_exposures() -> None:
    rows = [exposure(1, DAY, campaign="c2"), exposure(2, DAY, round=1), exposure(3, DAY, "z")]
    assert told(rows) == ArmTally.empty(CAMPAIGN)


def test_a_click_on_another_campaign_is_no_outcome_of_this_one() -> None:
    rows = [exposure(1, DAY), event(1, DAY, "Campaign Clicked", campaign="c2")]
    assert told(rows).goals[0][1].converters == 0
    assert told([*rows, event(1, DAY, "Campaign Clicked", campaign="c1")]).goals[0][1].converters == 1


def test_revenue_is_summed_per_person() -> None:
    rows = [
        exposure(1, DAY),
        event(1, 2 * DAY, revenue=900),
        event(1, 3 * DAY, revenue=300),
        exposure(2, DAY),
    ]
    assert told(rows).goals[2][1].values == Moments.of([1_200, 0])


def test_a_block_without_texts_or_rows_tells_nothing() -> None:
    assert told([]) == ArmTally.empty(CAMPAIGN)
    bare = block([event(1, DAY)])
    for name in ("campaign", "variant"):
        bare = bare.set_column(bare.column_names.index(name), name, pa.nulls(1, pa.string()))
    assert tally(bare, CAMPAIGN, UNTIL) == ArmTally.empty(CAMPAIGN)


def test_the_tally_can_be_sent_to_another_process() -> None:
    of = pickle.loads(pickle.dumps(partial(tally, campaign=CAMPAIGN, until=UNTIL)))
    assert of(block([exposure(1, DAY)])).exposed == (0, 1)


def test_the_view_asks_for_the_goals_events_and_no_later_row() -> None:
    wanted = view(CAMPAIGN, UNTIL)
    assert wanted.until == UNTIL + 1
    assert dict(wanted.only)["event"] == ("Campaign Clicked", "Order Completed")


ROWS = st.lists(
    st.one_of(
        st.builds(
            exposure,
            st.integers(1, 5),
            st.integers(0, 24).map(HALF.__mul__),
            st.sampled_from(["a", "a", CONTROL, "z"]),
            campaign=st.sampled_from(["c1", "c1", "c1", "c2"]),
            round=st.sampled_from([2, 2, 1]),
        ),
        st.builds(
            event,
            st.integers(1, 5),
            st.integers(0, 24).map(HALF.__mul__),
            st.sampled_from(["Order Completed", "Campaign Clicked", "Page Viewed"]),
            campaign=st.sampled_from([None, "c1", "c2"]),
            revenue=st.none() | st.integers(-50, 500),
        ),
    ),
    max_size=30,
)


@settings(max_examples=200, deadline=None)
@given(ROWS)
def test_the_block_form_counts_as_one_would_by_hand(rows: list[Row]) -> None:
    found = told(rows)
    by_hand = counted(rows, CAMPAIGN)
    assert (found.exposed, found.mixed) == by_hand[:2]
    for goal, arms in zip(found.goals, by_hand[2], strict=True):
        for arm, values in zip(goal, arms, strict=True):
            assert arm.values.count == len(values)
            assert arm.values.total == pytest.approx(sum(values))
            assert arm.values.spread == pytest.approx(Moments.of(values).spread)


@settings(max_examples=100, deadline=None)
@given(ROWS)
def test_blocks_of_whole_people_add_up(rows: list[Row]) -> None:
    odd = [row for row in rows if row["person_id"] % 2]
    even = [row for row in rows if not row["person_id"] % 2]
    parts, whole = told(odd) + told(even), told(rows)
    assert (parts.exposed, parts.mixed) == (whole.exposed, whole.mixed)
    for one, other in zip(parts.goals, whole.goals, strict=True):
        for left, right in zip(one, other, strict=True):
            assert left.converters == right.converters
            assert left.values.total == pytest.approx(right.values.total)
            assert left.values.spread == pytest.approx(right.values.spread)


def counted(rows: list[Row], made: Campaign) -> tuple[tuple[int, ...], int, list[list[list[float]]]]:
    """Exposed per arm, mixed people, and each goal's values per arm, person by person."""
    keys = [arm.key for arm in made.arms]
    exposed, mixed = [0] * len(keys), 0
    values: list[list[list[float]]] = [[[] for _ in keys] for _ in made.goals]
    for person in sorted({row["person_id"] for row in rows}):
        mine = [row for row in rows if row["person_id"] == person and row["time"] <= UNTIL]
        seen = [
            row
            for row in mine
            if row["table"] == "exposures"
            and (row["campaign"], row["round"]) == (made.key, made.round)
            and row["variant"] in keys
        ]
        if len({row["variant"] for row in seen}) != 1:
            mixed += bool(seen)
            continue
        arm, start = keys.index(seen[0]["variant"]), min(row["time"] for row in seen)
        exposed[arm] += 1
        for at, goal in enumerate(made.goals):
            end = start + round(goal.days * DAY)
            done = [
                row.get("revenue") or 0
                for row in mine
                if row["table"] == "events"
                and row["event"] == goal.event
                and row.get("campaign") in (None, made.key)
                and start <= row["time"] < end
            ]
            if end <= UNTIL:
                values[at][arm].append(sum(done) if goal.measure == "revenue" else float(bool(done)))
    return tuple(exposed), mixed, values


def test_windows_shorter_than_a_day_are_kept_to_the_microsecond() -> None:
    made = replace(CAMPAIGN, goals=(replace(ORDERS, days=0.5),))
    rows = [exposure(1, 0), event(1, HALF - 1), exposure(2, 0), event(2, HALF)]
    (orders,) = tally(block(rows), made, UNTIL).goals
    assert (orders[1].converters, orders[1].values.count) == (1, 2)
