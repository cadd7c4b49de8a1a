"""What every journal promises."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from volano.adapters.journal_file import FileJournal, Limits
from volano.domain.view import Offset
from volano.errors import Behind, BrokenHome
from volano.testing.journal_memory import MemoryJournal

AnyJournal = FileJournal | MemoryJournal


@pytest.fixture(params=["file", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyJournal]:
    made = FileJournal(tmp_path, segment=8) if request.param == "file" else MemoryJournal()
    yield made
    made.close()


def append(journal: AnyJournal, *payloads: bytes) -> list[Offset]:
    """Appends at the same time."""

    async def all_of_them() -> list[Offset]:
        return await asyncio.gather(*(journal.append(payload) for payload in payloads))

    return asyncio.run(all_of_them())


def test_frames_come_back_in_order_with_the_position_after_each(journal: AnyJournal) -> None:
    ends = append(journal, b"a", b"", b"ccc")
    assert list(journal.read(0, 10)) == list(zip(ends, [b"a", b"", b"ccc"], strict=True))
    assert ends == sorted(ends)
    assert {end.journal for end in ends} == {journal.name}


def test_reading_goes_on_from_a_position(journal: AnyJournal) -> None:
    ends = append(journal, b"a", b"b", b"c")
    assert [payload for _, payload in journal.read(ends[0].position, 1)] == [b"b"]
    assert [payload for _, payload in journal.read(ends[2].position, 1)] == []
    last = append(journal, b"d")[0]
    assert list(journal.read(ends[2].position, 9)) == [(last, b"d")]


def test_nothing_is_read_before_anything_was_appended(journal: AnyJournal) -> None:
    assert list(journal.read(0, 10)) == []


def test_the_call_without_a_loop_appends_to_the_same_frames(journal: AnyJournal) -> None:
    append(journal, b"a")
    end = journal.append_now(b"b")
    assert list(journal.read(0, 9))[-1] == (end, b"b")


def test_forgetting_keeps_what_comes_after_the_position(journal: AnyJournal) -> None:
    ends = append(journal, b"a", b"b", b"c")
    journal.forget(ends[1].position)
    assert [payload for _, payload in journal.read(ends[1].position, 9)] == [b"c"]
    assert append(journal, b"d")[0].position > ends[2].position


def test_reading_what_was_forgotten_is_an_error_and_no_silence(journal: AnyJournal) -> None:
    ends = [append(journal, b"%03d" % number)[0] for number in range(5)]
    journal.forget(ends[2].position)
    with pytest.raises(BrokenHome, match="lacks what came in from 0 to 33"):
        list(journal.read(0, 99))


def test_positions_grow_on_after_everything_was_forgotten(journal: AnyJournal) -> None:
    last = append(journal, b"a", b"b")[-1]
    journal.forget(last.position)
    assert append(journal, b"c")[0].position > last.position


def test_what_was_scrubbed_is_gone_and_what_comes_after_stays(journal: AnyJournal) -> None:
    ends = append(journal, b"gone", b"gone too", b"kept")
    journal.scrub(ends[1].position)
    assert [payload for _, payload in journal.read(ends[1].position, 9)] == [b"kept"]
    journal.scrub(ends[2].position)
    assert list(journal.read(ends[2].position, 9)) == []
    last = append(journal, b"next")[0]
    assert last.position > ends[2].position
    assert list(journal.read(ends[2].position, 9)) == [(last, b"next")]


def test_the_end_is_the_position_after_the_last_frame(journal: AnyJournal) -> None:
    assert journal.end == 0
    assert append(journal, b"a", b"b")[-1].position == journal.end


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_journal_that_is_too_far_ahead_says_so_until_the_drain_has_come_on(
    kind: str, tmp_path: Path
) -> None:
    made = FileJournal(tmp_path, limits=Limits(budget=100)) if kind == "file" else MemoryJournal(budget=100)
    last = [append(made, b"x" * 30)[0] for _ in range(3)][-1]
    with pytest.raises(Behind):
        append(made, b"one more")
    made.forget(last.position)
    append(made, b"one more")
    made.close()
