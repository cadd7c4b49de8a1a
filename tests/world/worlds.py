"""Worlds that several tests look at, and the counts they take of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from volano.maths.draw import uniform
from volano.world import Decide, Offer, Visits, World, WorldSpec

START = 1_704_067_200_000_000  # 1 January 2024
DAY = 86_400_000_000
STEPS = ("Page Viewed", "Product Viewed", "Product Added", "Checkout Started", "Order Completed")


def spec(
    people: int = 2000,
    days: int = 30,
    seed: int = 7,
    truth: str = "planted",
    effects: str | Mapping[str, float] = "true",
) -> WorldSpec:
    return WorldSpec(people=people, days=days, seed=seed, start=START, truth=truth, effects=effects)


@lru_cache(maxsize=4)
def lived(people: int, days: int, seed: int, truth: str) -> tuple[World, Any]:
    """A world after its days without campaigns, and its table."""
    world = World(spec(people, days, seed, truth))
    return world, world.simulate(0, days)


def query(text: str, **tables: pa.Table) -> dict[str, npt.NDArray[Any]]:
    """Columns of a DuckDB query over the tables."""
    with duckdb.connect() as con:
        con.execute("SET threads = 1; SET TimeZone = 'UTC'")
        for name, table in tables.items():
            con.register(name, table)
        return dict(con.execute(text).fetchnumpy())


def people_by_first_visit(events: pa.Table) -> dict[str, npt.NDArray[Any]]:
    """Per person: slice of the first page view, and which steps were reached within 7 days of it (0/1)."""
    reached = ", ".join(f"max((e.event = '{step}')::INT) AS reached_{n}" for n, step in enumerate(STEPS))
    return query(
        f"""
        WITH first AS (
          SELECT anonymous_id, min(timestamp) AS start, any_value(device) AS device,
                 arg_min(coalesce(source || ' / ' || medium, '(direct) / (none)'), timestamp) AS source,
                 arg_min(path, timestamp) AS landing
          FROM events WHERE event = 'Page Viewed' GROUP BY 1)
        SELECT first.source, first.device, first.landing, {reached}
        FROM first JOIN events AS e ON e.anonymous_id = first.anonymous_id
         AND e.timestamp < first.start + INTERVAL 7 DAY
        GROUP BY first.anonymous_id, first.source, first.device, first.landing""",
        events=events,
    )


def halves(recipe: str, on: str, campaign: str = "test") -> Decide:
    """A decider that gives half of the people the variant, the others the control, for ever."""

    def decide(visits: Visits) -> list[Offer]:
        ids = np.array([int(name, 16) for name in visits.anonymous_id], dtype=np.uint64)
        arm = np.where(uniform(ids, campaign) < 0.5, "control", "a").astype(object)
        return [Offer(campaign, recipe, 1, on, arm)]

    return decide
