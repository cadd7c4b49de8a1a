"""An acknowledgement is true, whatever is killed."""

from __future__ import annotations

from pathlib import Path

from benchmarks.crash import trial

ROUNDS, EVENTS = 8, 300


def test_every_acknowledged_event_is_in_the_lake_once_whatever_is_killed(tmp_path: Path) -> None:
    figures = trial(ROUNDS, tmp_path / "home", events=EVENTS)
    assert figures.killed == {"intake": 3, "drain": 3, "compaction": 2}
    assert figures.sent == ROUNDS * EVENTS == figures.acknowledged == figures.kept == figures.in_lake
    assert (figures.doubled, figures.damaged) == (0, 0)
    assert figures.torn == 3
    assert figures.orders == (240, 240)
