from __future__ import annotations

from pathlib import Path

from tests.evaluate.campaigns import CLICKS, NOW, ORDERS, REVENUE, campaign, shares_tally
from tests.flow.shops import NEWEST, START, event, ran, rows
from volano.adapters.lake_duckdb import DuckLake
from volano.domain.durations import DAY
from volano.evaluate.verdict import verdict
from volano.flow.judge import judge
from volano.testing.lake_memory import MemoryLake

BETTER = {"control": (378, 1_000), "a": (450, 1_000)}


def test_the_verdict_of_a_lake_is_that_of_its_counts() -> None:
    lake = MemoryLake()
    ran(lake, BETTER)
    found = judge(lake, campaign(), now=NOW)
    assert found == verdict(campaign(), shares_tally((BETTER["control"], BETTER["a"])), as_of=NEWEST, now=NOW)
    assert found.call == "ship"


def test_the_lake_on_disk_gives_the_same_verdict(tmp_path: Path) -> None:
    made = campaign(goals=(CLICKS, ORDERS, REVENUE))
    memory, disk = MemoryLake(), DuckLake(tmp_path / "lake", buckets=4)
    for lake in (memory, disk):
        ran(lake, {"control": (30, 90), "a": (40, 90)})
    assert judge(disk, made, now=NOW) == judge(memory, made, now=NOW)


def test_windows_close_by_the_newest_event_not_by_the_clock() -> None:
    lake = MemoryLake()
    ran(lake, BETTER, at=NEWEST - 6 * DAY)
    found = judge(lake, campaign(), now=NOW + 30 * DAY)
    assert found.as_of == NEWEST
    assert found.results[0].maturity == 0


def test_an_event_from_the_future_closes_no_window() -> None:
    lake = MemoryLake()
    ran(lake, BETTER, at=NOW - 2 * DAY)
    lake.append({"events": rows("events", [event(9, 9, NOW + 40 * DAY, "Page Viewed")])})
    found = judge(lake, campaign(), now=NOW)
    assert found.as_of == NOW
    assert found.results[0].maturity == 0


def test_a_verdict_can_be_asked_for_as_of_a_day() -> None:
    lake = MemoryLake()
    ran(lake, BETTER)
    early = judge(lake, campaign(), now=NOW, as_of=START + 7 * DAY - 1)
    assert early.call == "keep running"
    assert early.exposed == {"control": 1_000, "a": 1_000}
    assert judge(lake, campaign(), now=NOW, as_of=START + 7 * DAY).call == "ship"


def test_an_empty_lake_has_nothing_to_judge() -> None:
    found = judge(MemoryLake(), campaign(), now=NOW)
    assert (found.call, found.as_of) == ("keep running", NOW)


def test_an_earlier_round_is_not_counted() -> None:
    lake = MemoryLake()
    ran(lake, BETTER)
    assert judge(lake, campaign(round=2), now=NOW).exposed == {"control": 0, "a": 0}
