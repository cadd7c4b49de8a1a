"""An acknowledgement is true, also of a server that is killed."""

from __future__ import annotations

from pathlib import Path

from benchmarks.kill import trial

EVENTS = 4_000


def test_every_acknowledged_event_is_in_the_lake_once_after_three_kills(tmp_path: Path) -> None:
    figures = trial(EVENTS, tmp_path / "home")
    assert figures.kills == 3
    assert figures.acknowledged >= EVENTS
    assert (figures.lost, figures.duplicates) == (0, 0)
    assert figures.in_lake == EVENTS
