"""Who is faster than people can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from volano.domain.tables import TIME, filled
from volano.observe.bots import SPEED, slow, too_fast, with_speed

SECOND = 1_000_000
Row = tuple[int, int, bool]  # who, time, a page?


def by_hand(rows: Sequence[Row], views: int, within: int) -> list[bool]:
    fast = [False] * len(rows)
    for start, (who, time, page) in enumerate(rows):
        pages = [i for i in range(start, len(rows)) if rows[i][0] == who and rows[i][2]]
        if page and len(pages) > views:
            took = rows[pages[views]][1] - time
            if 0 < took <= within:
                fast[start : pages[views] + 1] = [True] * (pages[views] + 1 - start)
    return fast


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.booleans()), max_size=25))
def test_runs_are_found_as_one_would_by_hand(rows: list[Row]) -> None:
    rows = sorted(rows, key=lambda row: row[:2])
    who, time, page = (np.array([row[i] for row in rows]) for i in range(3))
    found = too_fast(who.astype(np.int64), time.astype(np.int64), page.astype(bool), views=2, within=4)
    assert found.tolist() == by_hand(rows, 2, 4)


def visits(times: list[int], who: int, event: str = "Page Viewed") -> pa.Table:
    size = len(times)
    ids = pa.array([who] * size, pa.int64())
    columns = {"person_id": ids, "identity": ids, "time": pa.array(times, pa.int64()).cast(TIME)}
    return filled("events", {**columns, "event": pa.array([event] * size)})


def test_a_hundred_pages_in_ten_seconds_are_a_bot_and_a_browser_restored_is_not() -> None:
    bot = visits([n * SECOND // 10 for n in range(100)], who=1)
    person = visits([n * 1000 for n in range(25)], who=2)
    block = pa.concat_tables([bot, person])
    assert slow(block)["person_id"].unique().to_pylist() == [2]
    told = with_speed(block)
    assert told["bot"].to_pylist() == [SPEED] * 100 + [None] * 25


def test_what_is_known_to_be_a_bot_keeps_its_name() -> None:
    bot = visits([n * 1000 for n in range(40)], who=1)
    named = bot.set_column(bot.column_names.index("bot"), "bot", pa.array(["crawler: X"] * 40))
    assert with_speed(named)["bot"].unique().to_pylist() == ["crawler: X"]


def test_a_file_that_knows_only_days_holds_no_bots() -> None:
    block = visits([7] * 100, who=1)
    assert slow(block).num_rows == 100
    assert slow(visits([], who=1)).num_rows == 0
