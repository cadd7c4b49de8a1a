"""Bytes that rot, files that go missing, and a clock that is set back."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from tests.faults.homes import caught_up, frame, logs, names, opened, sent
from tests.flow.site import NOW, event
from volano.adapters.journal_file import FileJournal
from volano.domain.durations import DAY


def damaged(path: Path, place: int) -> None:
    """One byte is not what was written."""
    raw = bytearray(path.read_bytes())
    raw[place] ^= 0xFF
    path.write_bytes(raw)


@pytest.mark.parametrize("place", [1.1, 1.6], ids=["head", "payload"])
def test_a_damaged_frame_in_the_middle_stops_nothing(tmp_path: Path, place: float) -> None:
    house = opened(tmp_path / "home")
    sent(house.journal, "one", "two", "three", "four")
    length = house.journal.end // 4
    house.journal.close()  # type: ignore[attr-defined]
    damaged(logs(house)[0], int(place * length))
    house = opened(tmp_path / "home")
    assert caught_up(house) == {}
    found = names(house)
    assert {"one", "three", "four"} <= set(found)
    assert "two" not in found
    assert len(list((house.home / "journal" / "j0" / "damaged").iterdir())) == 1
    sent(house.journal, "five")
    assert caught_up(house) == {}
    assert "five" in names(house)


def test_a_missing_segment_is_told_and_a_person_may_go_on_without_it(tmp_path: Path) -> None:
    house = opened(tmp_path / "home")
    journal = FileJournal(house.home / "journal", segment=1)
    sent(journal, "one", "two", "three")
    journal.close()
    lost = logs(house)[1]
    lost.unlink()
    assert "put the missing file back" in caught_up(opened(tmp_path / "home"))["bringing events in"]
    lost.touch()
    house = opened(tmp_path / "home")
    assert caught_up(house) == {}
    assert {"one", "three"} <= set(names(house))


def test_a_clock_that_is_set_back_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    house = opened(tmp_path / "home")
    for number, at in enumerate((NOW, NOW - 40 * DAY, NOW - 40 * DAY, NOW + DAY)):
        house.journal.append_now(frame(event(f"e{number}", user="u", time=at), at=at))
        assert caught_up(house, now=at) == {}
    house.journal.close()  # type: ignore[attr-defined]
    again = opened(tmp_path / "home")
    sent(again.journal, "last")
    assert caught_up(again, now=NOW - 400 * DAY) == {}
    assert names(again) == ["e0", "e1", "e2", "e3", "last"]


def test_a_journal_is_read_while_it_is_written_and_scrubbed(tmp_path: Path) -> None:
    house = opened(tmp_path / "home")
    writing = FileJournal(house.home / "journal", "j1", segment=1_000)
    wanted = [f"e{number:03d}" for number in range(150)]
    thread = Thread(target=sent, args=(writing, *wanted))
    thread.start()
    while thread.is_alive():
        assert caught_up(house) == {}
        for journal in house.journals():
            journal.scrub(house.lake.offset(journal.name))
    assert caught_up(house) == {}
    assert names(house) == wanted
