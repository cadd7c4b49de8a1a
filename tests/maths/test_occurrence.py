"""Counting what came before, against the plainest way of counting."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from volano.maths.occurrence import Occurrences


@given(st.lists(st.lists(st.integers(-3, 3), max_size=8), max_size=6))
def test_occurrences_are_counted_through_all_blocks(blocks: list[list[int]]) -> None:
    seen, before = Occurrences(), Counter[int]()
    for block in blocks:
        expected = []
        for number in block:
            expected.append(before[number])
            before[number] += 1
        assert seen.of(block).tolist() == expected
