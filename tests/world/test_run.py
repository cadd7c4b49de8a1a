"""The marketplace is the same for a seed, in pieces or whole, and its rows make sense."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tests.world.worlds import DAY, START, STEPS, halves, lived, query, spec
from volano.world import Offer, Visits, World
from volano.world.rows import SCHEMA


def test_the_same_seed_gives_the_same_rows() -> None:
    _, events = lived(2000, 30, 7, "planted")
    assert World(spec()).simulate(0, 30).equals(events)


def test_another_seed_gives_other_people_and_no_shared_message() -> None:
    _, events = lived(2000, 30, 7, "planted")
    others = World(spec(seed=8)).simulate(0, 5)
    assert not set(others["message_id"].to_pylist()) & set(events["message_id"].to_pylist())
    assert not set(others["anonymous_id"].to_pylist()) & set(events["anonymous_id"].to_pylist())


def test_pieces_are_equal_to_the_whole() -> None:
    _, whole = lived(2000, 30, 7, "planted")
    world = World(spec())
    pieces = [world.simulate(0, 1), world.simulate(1, 17), world.simulate(17, 17), world.simulate(17, 30)]
    assert pa.concat_tables(pieces).equals(whole)


def test_days_out_of_order_are_refused() -> None:
    world = World(spec(people=10))
    world.simulate(0, 3)
    with pytest.raises(ValueError, match="day 3 is next"):
        world.simulate(4, 5)


def test_rows_come_in_time_order_within_their_days_under_names_of_their_own() -> None:
    _, events = lived(2000, 30, 7, "planted")
    time = events["timestamp"].cast(pa.int64()).to_numpy()
    assert events.schema.equals(SCHEMA)
    assert (np.diff(time) >= 0).all()
    assert time[0] >= START
    assert time[-1] < START + 30 * DAY
    assert len(set(events["message_id"].to_pylist())) == events.num_rows


def test_visits_of_a_person_lie_apart_and_their_steps_follow_one_another() -> None:
    _, events = lived(2000, 30, 7, "planted")
    found = query(
        """
        SELECT event, source IS NULL AS quiet,
               epoch_us(timestamp) - lag(epoch_us(timestamp)) OVER person AS gap
        FROM events WHERE event != 'Order Refunded'
        WINDOW person AS (PARTITION BY anonymous_id ORDER BY timestamp) ORDER BY anonymous_id, timestamp""",
        events=events,
    )
    gap = np.ma.filled(found["gap"], 10**15)
    assert gap.min() > 0
    assert not ((gap > 150e6) & (gap <= 1800e6)).any()  # within a visit or more than half an hour apart
    assert (found["event"][gap > 1800e6] == "Page Viewed").all()
    assert found["quiet"][gap <= 1800e6].all()  # only the first page tells where a visit came from


def test_each_step_is_reached_by_about_the_share_that_is_written_down() -> None:
    _, events = lived(8000, 30, 3, "none")
    counts = query("SELECT event, count(*) AS n FROM events GROUP BY 1", events=events)
    count = dict(zip(counts["event"].tolist(), counts["n"].tolist(), strict=True))
    found = query(
        """
        SELECT count(DISTINCT visit) AS visits,
               count(DISTINCT visit) FILTER (event = 'Product Viewed') AS viewing
        FROM (SELECT event, (anonymous_id, sum((source IS NOT NULL OR path IN ('/', '/sale')
                OR path LIKE '/c/%' OR path LIKE '/blog/%')::INT) OVER (
                PARTITION BY anonymous_id ORDER BY timestamp)) AS visit FROM events)""",
        events=events,
    )
    visits = found["visits"][0]
    assert found["viewing"][0] / visits == pytest.approx(0.72, abs=0.03)
    assert count["Product Added"] / (0.72 * visits) == pytest.approx(0.42, abs=0.03)
    assert count["Checkout Started"] / count["Product Added"] == pytest.approx(0.63, abs=0.04)
    assert count["Order Completed"] / count["Checkout Started"] == pytest.approx(0.64, abs=0.04)


def test_half_of_the_people_sign_in_at_their_first_checkout_and_stay_signed_in() -> None:
    _, events = lived(8000, 30, 3, "none")
    found = query(
        """
        SELECT anonymous_id, count(*) FILTER (event = 'Identified') AS signed,
               count(*) FILTER (event = 'Checkout Started') AS checkouts,
               count(DISTINCT person) FILTER (person != '') AS names,
               min(timestamp) FILTER (event = 'Identified') AS signed_at,
               max(timestamp) FILTER (person = '') <= signed_at AS anonymous_before,
               min(timestamp) FILTER (person != '') >= signed_at AS known_after
        FROM events WHERE event != 'Order Refunded' GROUP BY 1""",
        events=events,
    )
    signed = found["signed"]
    assert set(signed.tolist()) == {0, 1}
    assert signed[found["checkouts"] > 0].mean() == pytest.approx(0.5, abs=0.04)
    assert not signed[found["checkouts"] == 0].any()
    assert (found["names"] == signed).all()
    assert found["anonymous_before"][signed == 1].all()
    assert found["known_after"][signed == 1].all()


def test_refunds_take_back_whole_orders_a_few_days_later() -> None:
    _, events = lived(8000, 30, 3, "none")
    found = query(
        """
        SELECT o.revenue + r.revenue AS rest, date_diff('day', o.timestamp, r.timestamp) AS days
        FROM events AS o JOIN events AS r USING (order_id, anonymous_id)
        WHERE o.event = 'Order Completed' AND r.event = 'Order Refunded'""",
        events=events,
    )
    orders = query(
        "SELECT count(*) AS n, count(DISTINCT order_id) AS d FROM events "
        "WHERE event = 'Order Completed' AND timestamp < DATE '2024-01-24'",
        events=events,
    )
    assert orders["n"][0] == orders["d"][0]
    assert np.abs(found["rest"]).max() == 0
    assert set(found["days"].tolist()) == {2, 3, 4, 5, 6}
    assert len(found["days"]) / orders["n"][0] == pytest.approx(0.04, abs=0.015)


def test_a_decider_is_told_what_is_known_as_visits_begin() -> None:
    seen: list[Visits] = []

    def watch(visits: Visits) -> list[Offer]:
        seen.append(visits)
        return []

    events = World(spec()).simulate(0, 30, watch)
    assert events.equals(lived(2000, 30, 7, "planted")[1])
    visited: set[str] = set()
    for visits in seen:
        ids = visits.anonymous_id.tolist()
        assert len(set(ids)) == len(ids)
        assert visits.returning.tolist() == [name in visited for name in ids]
        visited |= set(ids)
    orders = query(
        "SELECT anonymous_id, count(*) AS n FROM events WHERE event = 'Order Completed' GROUP BY 1",
        events=events,
    )
    most = max(int(visits.orders.max()) for visits in seen)
    assert orders["n"].max() - 1 <= most <= orders["n"].max()
    landed = {(name, t) for visits in seen for name, t in zip(visits.anonymous_id, visits.time, strict=True)}
    told = query(
        "SELECT anonymous_id, epoch_us(timestamp) AS t FROM events WHERE event = 'Page Viewed'", events=events
    )
    assert landed <= set(zip(told["anonymous_id"].tolist(), told["t"].tolist(), strict=True))


def test_every_arm_is_exposed_right_after_the_trigger_and_only_variants_are_clicked() -> None:
    events = World(spec()).simulate(0, 30, halves("free-delivery-bar", "Product Added"))
    found = query(
        """
        SELECT event, variation_id, experiment_id, round, gap, before FROM (
          SELECT *, epoch_us(timestamp) - lag(epoch_us(timestamp)) OVER person AS gap,
                 lag(event) OVER person AS before
          FROM events WINDOW person AS (PARTITION BY anonymous_id ORDER BY timestamp))
        WHERE experiment_id IS NOT NULL""",
        events=events,
    )
    viewed = found["event"] == "Experiment Viewed"
    adds = query("SELECT count(*) AS n FROM events WHERE event = 'Product Added'", events=events)["n"][0]
    assert viewed.sum() == adds
    assert set(found["before"][viewed].tolist()) == {"Product Added"}
    assert set(found["before"][~viewed].tolist()) == {"Experiment Viewed"}
    assert found["gap"].max() < 4e6
    assert set(found["experiment_id"].tolist()) == {"test"}
    assert set(found["round"].tolist()) == {1}
    assert set(found["variation_id"][viewed].tolist()) == {"a", "control"}
    assert set(found["variation_id"][~viewed].tolist()) == {"a"}
    shown = (viewed & (found["variation_id"] == "a")).sum()
    assert 0.06 < (found["event"] == "Campaign Clicked").sum() / shown < 0.2
    assert 0.15 < (found["event"] == "Campaign Closed").sum() / shown < 0.5


def test_an_offer_at_an_event_outside_the_journey_is_refused() -> None:
    with pytest.raises(ValueError, match=r"offer.on == 'Cart Viewed', must be one of Page Viewed"):
        World(spec()).simulate(0, 1, halves("free-delivery-bar", "Cart Viewed"))


@pytest.mark.parametrize("on", STEPS)
def test_a_campaign_may_trigger_at_any_step(on: str) -> None:
    events = World(spec(people=500)).simulate(0, 8, halves("basket-reminder", on))
    assert "Experiment Viewed" in events["event"].to_pylist()


def test_an_empty_world_has_an_empty_table() -> None:
    assert World(spec(people=0)).simulate(0, 3).num_rows == 0
    assert World(spec()).simulate(0, 0).schema.equals(SCHEMA)
