"""What pages keep of what they worked out: until the lake has changed, and never so long that they wait."""

from __future__ import annotations

import threading

import pytest

from volano.errors import BadInput
from volano.web.pages import Memo


class Lake:
    """Something that changes, and takes as long to read as the test wants."""

    def __init__(self) -> None:
        self.version = self.read = 0
        self.open = threading.Event()
        self.open.set()

    def value(self) -> int:
        """What it says now."""
        self.open.wait(10)
        self.read += 1
        return self.version


@pytest.fixture
def lake() -> Lake:
    """A quick one."""
    return Lake()


@pytest.fixture
def memo(lake: Lake) -> Memo:
    """What is kept of it."""
    return Memo(lambda: lake.version)


def test_the_same_is_worked_out_once_until_it_changes(lake: Lake, memo: Memo) -> None:
    assert [memo.of("a", lake.value), memo.of("a", lake.value), lake.read] == [0, 0, 1]
    lake.version = 5
    assert [memo.of("a", lake.value), lake.read] == [5, 2]


def test_patience_keeps_it_although_it_changed(lake: Lake, memo: Memo) -> None:
    memo.of("a", lake.value)
    lake.version = 5
    assert memo.of("a", lake.value, patience=60) == 0


def test_what_was_read_before_somebody_was_forgotten_is_never_shown(lake: Lake) -> None:
    forgotten = [0]
    memo = Memo(lambda: lake.version, lambda: forgotten[0])
    memo.lately("a", lake.value)
    memo.of("b", lake.value)
    lake.version, forgotten[0] = 5, 1
    lake.open.clear()
    assert memo.lately("a", lake.value, wait=0.01) is None
    lake.open.set()
    assert memo.of("b", lake.value, patience=60) == 5


def test_what_is_quick_is_fresh_when_it_is_worked_out_beside(lake: Lake, memo: Memo) -> None:
    memo.REST = 0
    for version in range(4):
        lake.version = version
        assert memo.lately("a", lake.value) == version


def test_the_oldest_answers_make_room(lake: Lake, memo: Memo) -> None:
    memo.of("used", lake.value)
    for number in range(3 * memo.MOST):
        memo.of(number, lake.value)
        lake.version += 1
        memo.of("used", lake.value)
    before = lake.read
    memo.of("used", lake.value)
    assert lake.read == before
    memo.of(0, lake.value)
    assert lake.read == before + 1


def test_nobody_waits_for_what_takes_long(lake: Lake, memo: Memo) -> None:
    lake.open.clear()
    assert memo.lately("a", lake.value, wait=0.01) is None
    assert memo.lately("a", lake.value, wait=0.01) is None
    lake.open.set()
    assert memo.lately("a", lake.value, wait=10) == 0
    assert lake.read == 1


def test_the_last_answer_is_given_while_the_next_is_worked_out(lake: Lake, memo: Memo) -> None:
    memo.REST = 0
    memo.lately("a", lake.value)
    lake.version = 5
    lake.open.clear()
    assert memo.lately("a", lake.value, wait=0.01) == 0
    lake.open.set()
    assert memo.lately("a", lake.value, wait=10) == 5


def test_what_went_wrong_beside_is_told_to_who_asks(memo: Memo) -> None:
    def wrong() -> int:
        raise BadInput("it cannot be read")

    with pytest.raises(BadInput, match="cannot be read"):
        memo.lately("a", wrong)
    assert memo.lately("a", lambda: 3) == 3
