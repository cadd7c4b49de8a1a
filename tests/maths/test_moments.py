from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volano.maths.moments import Moments, moments_by

NUMBERS = st.lists(st.floats(-1e6, 1e6), max_size=30)


def close(one: Moments, other: Moments) -> bool:
    scale = max(1.0, one.spread, other.spread)
    return (
        one.count == other.count
        and one.mean == pytest.approx(other.mean, rel=1e-9, abs=1e-6)
        and abs(one.spread - other.spread) / scale < 1e-9
    )


@given(NUMBERS, NUMBERS, NUMBERS)
def test_the_parts_add_up_to_the_whole_in_any_order(a: list[float], b: list[float], c: list[float]) -> None:
    one, two, three = map(Moments.of, (a, b, c))
    assert close((one + two) + three, Moments.of(a + b + c))
    assert close(one + (two + three), Moments.of(c + a + b))


@given(NUMBERS)
def test_nothing_is_the_zero(numbers: list[float]) -> None:
    some = Moments.of(numbers)
    assert some + Moments() == some
    assert Moments() + some == some


def test_the_variance_is_that_of_two_passes_far_from_zero() -> None:
    draws = np.random.default_rng(5).normal(1e9, 3, 10_000)
    summed = reduce(add, map(Moments.of, np.array_split(draws, 37)))
    assert summed.variance == pytest.approx(np.var(draws, ddof=1), rel=1e-9)
    assert summed.mean_variance == pytest.approx(np.var(draws, ddof=1) / 10_000, rel=1e-9)
    assert summed.total == pytest.approx(draws.sum(), rel=1e-12)


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(-100, 100)), max_size=30))
def test_groups_are_measured_each_alone(rows: list[tuple[int, float]]) -> None:
    groups = np.array([group for group, _ in rows], np.int64)
    found = moments_by(groups, np.array([value for _, value in rows]), 3)
    for group in range(3):
        assert close(found[group], Moments.of([value for at, value in rows if at == group]))


@given(st.integers(0, 50), st.integers(0, 50))
def test_a_share_is_the_mean_of_zeros_and_ones(hits: int, misses: int) -> None:
    assert close(Moments.of_share(hits, hits + misses), Moments.of([1] * hits + [0] * misses))


def test_the_variance_of_too_few_is_zero() -> None:
    assert Moments().mean_variance == Moments.of([3]).variance == 0
