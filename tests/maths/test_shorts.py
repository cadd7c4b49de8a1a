"""Lists of small numbers, packed one by one or many at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from volano.maths.shorts import LARGEST, packed, read, split

NUMBERS = st.integers(-3, 300) | st.integers(LARGEST - 300, LARGEST + 3)


@given(st.lists(st.lists(NUMBERS, max_size=40), max_size=8))
def test_many_lists_at_once_are_packed_as_each_alone(lists: list[list[int]]) -> None:
    numbers = np.array([number for some in lists for number in some], np.int64)
    bounds = np.cumsum([0, *map(len, lists)])
    assert split(numbers, bounds) == [packed(some) for some in lists]


@given(st.lists(st.integers(0, LARGEST), max_size=300))
def test_numbers_come_back(numbers: list[int]) -> None:
    assert read(packed(numbers)) == numbers


def test_what_is_too_large_or_too_small_counts_as_the_last_that_is_not() -> None:
    assert read(packed([-5, 10**12])) == [0, LARGEST]
