"""The RFM table and the transitions against SQL written by hand."""

from __future__ import annotations

from collections import Counter

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.flow.site import Site
from volano.domain.change import Change
from volano.domain.tables import TIME, filled
from volano.errors import BadInput
from volano.flow.everybody import everybody
from volano.flow.transitions import transition_view, who_moved
from volano.observe.traits import VIEW, tally
from volano.observe.transitions import NO_ORDER
from volano.ports import Lake

DAY = 86_400_000_000
NOW = 20_000 * DAY
PEOPLE, ROWS = 800, 4_000

RFM = """
with bought as (
  select person_id,
         count(*) filter (event = 'Order Completed') as orders,
         sum(revenue) as money,
         max(epoch_us(time)) filter (event = 'Order Completed') as last
  from rows where event in ('Order Completed', 'Order Refunded') and epoch_us(time) <= $now
  group by person_id
), scored as (
  select person_id,
         case when ($now - last) // 86400000000 <= 30 then 5 when ($now - last) // 86400000000 <= 90 then 4
              when ($now - last) // 86400000000 <= 180 then 3 when ($now - last) // 86400000000 <= 365 then 2
              else 1 end as r,
         case when orders >= 10 then 5 when orders >= 5 then 4 when orders >= 3 then 3 when orders >= 2 then 2
              else 1 end as f,
         case when money >= 50000 then 5 when money >= 25000 then 4 when money >= 10000 then 3
              when money >= 5000 then 2 else 1 end as m
  from bought where orders > 0
), halved as (select *, (f + m + 1) // 2 as fm from scored)
select person_id, r, f, m, case
  when r >= 4 and fm = 5 or r = 5 and fm = 4 then 'champions'
  when r = 4 and fm = 4 or r = 3 and fm >= 4 then 'loyal'
  when r >= 4 and fm in (2, 3) then 'potential loyal'
  when r = 5 then 'new' when r = 4 then 'promising'
  when r = 3 and fm = 3 then 'need attention' when r = 3 then 'about to sleep'
  when r = 1 and fm >= 4 then 'cannot lose'
  when fm >= 3 then 'at risk' else 'hibernating' end as type
from halved
"""


def told(rows: pa.Table, now: int) -> dict[int, tuple[int, int, int, str]]:
    """By person the scores and the type, as SQL finds them."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("rows", rows)
        found = connection.execute(RFM, {"now": now}).fetchall()
    return {person: (r, f, m, kind) for person, r, f, m, kind in found}


def orders() -> pa.Table:
    """Orders and refunds over three years, some people with many and some with few."""
    chance = np.random.default_rng(11)
    person = (PEOPLE * chance.random(ROWS) ** 3).astype(np.int64) + 1
    day = chance.integers(0, 1_100, ROWS)
    refund = chance.random(ROWS) < 0.1
    money = np.exp(chance.normal(8, 1, ROWS)).astype(np.int64)
    names = np.where(
        refund, "Order Refunded", np.where(chance.random(ROWS) < 0.2, "Product Viewed", "Order Completed")
    )
    return filled(
        "events",
        {
            "person_id": pa.array(person),
            "time": pa.array(NOW - day * DAY - 1, TIME),
            "id": pa.array(np.arange(ROWS)),
            "event": pa.array(names),
            "revenue": pa.array(np.where(refund, -money, money)),
        },
    )


@pytest.fixture
def lake(site: Site) -> Lake:
    site.lake.append({"events": orders()})
    return site.lake


def test_the_rfm_table_is_the_one_that_sql_gives(site: Site, lake: Lake) -> None:
    profiles = tally(lake.read(VIEW))
    site.profiles.put(Change(puts=tuple((one.person_id, one) for one in profiles)))
    people = everybody(site, now=NOW)
    names = ("person_id", "rfm_recency", "rfm_frequency", "rfm_money", "rfm")
    columns = (people[name].to_pylist() for name in names)
    ours = {person: (*scores,) for person, *scores in zip(*columns, strict=True) if scores[-1] is not None}
    assert ours == told(orders(), NOW)
    assert {kind for *_, kind in ours.values()} >= {"champions", "at risk", "cannot lose", "hibernating"}


def test_transitions_are_those_that_sql_gives(lake: Lake) -> None:
    since = NOW - 200 * DAY
    rows = orders()
    earlier = rows.filter(pc.less(rows["time"], pa.scalar(since, TIME)))
    before, after = told(earlier, since), told(rows, NOW)
    types = {person: kind for person, (*_, kind) in before.items()}
    expected = Counter((types.get(person, NO_ORDER), kind) for person, (*_, kind) in after.items())
    view = transition_view(lake, since=since, now=NOW)
    found = {
        (row, column): view.people[at][place]
        for at, row in enumerate(view.rows)
        for place, column in enumerate(view.columns)
    }
    assert +Counter(found) == expected
    assert len(expected) > 20


def test_the_people_who_moved_are_those_that_sql_gives(lake: Lake) -> None:
    since = NOW - 200 * DAY
    rows = orders()
    before = told(rows.filter(pc.less(rows["time"], pa.scalar(since, TIME))), since)
    expected: dict[tuple[str, str], list[int]] = {}
    for person, (*_, kind) in sorted(told(rows, NOW).items()):
        was = before[person][-1] if person in before else NO_ORDER
        expected.setdefault((was, kind), []).append(person)
    for move in (max(expected, key=lambda move: len(expected[move])), (NO_ORDER, "new"), ("new", "new")):
        assert list(who_moved(lake, move, since=since, now=NOW)) == expected.get(move, [])
    with pytest.raises(BadInput, match="nobody goes from 'x' to 'new'"):
        who_moved(lake, ("x", "new"), since=since, now=NOW)


def test_nobody_moves_in_an_empty_lake() -> None:
    view = transition_view(Site().lake, since=0, now=NOW)
    assert sum(map(sum, view.people)) == 0
    assert len(view.people) == 11
