"""Chance from a key is even, repeatable, and blind to order."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from volano.maths.draw import normal, splitmix64, uniform, words

IDS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=40)


def test_splitmix64_gives_the_numbers_of_the_reference_code() -> None:
    steps = [(1234567 + k * 0x9E3779B97F4A7C15) % 2**64 for k in range(3)]
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert splitmix64(np.array(steps, dtype=np.uint64)).tolist() == expected


@settings(max_examples=25, deadline=None)
@given(IDS, st.randoms(use_true_random=False), st.text(max_size=5))
def test_the_order_and_company_of_an_id_do_not_change_its_number(
    ids: list[int], shuffler: Random, salt: str
) -> None:
    alone = {number: float(uniform([number], salt)[0]) for number in ids}
    shuffled = list(ids)
    shuffler.shuffle(shuffled)
    assert uniform(shuffled, salt).tolist() == [alone[number] for number in shuffled]


def test_numbers_are_even_over_the_unit_interval() -> None:
    drawn = uniform(np.arange(100_000), "evenness")
    assert drawn.min() >= 0
    assert drawn.max() < 1
    counts = np.histogram(drawn, bins=50, range=(0, 1))[0]
    assert ((counts - 2000.0) ** 2 / 2000.0).sum() < 94  # χ², 49 degrees of freedom, p = 0.0001


def test_two_salts_draw_unrelated_numbers() -> None:
    ids = np.arange(50_000)
    assert abs(np.corrcoef(uniform(ids, "one"), uniform(ids, "two"))[0, 1]) < 0.02
    assert abs(np.corrcoef(uniform(ids, 1), uniform(ids, 2))[0, 1]) < 0.02


def test_neighbouring_ids_draw_unrelated_numbers() -> None:
    drawn = uniform(np.arange(50_001), "neighbours")
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.02


def test_a_million_words_do_not_collide() -> None:
    assert len(np.unique(words(np.arange(1_000_000), "names"))) == 1_000_000


def test_normal_numbers_have_the_moments_of_the_bell() -> None:
    drawn = normal(np.arange(200_000), "bell")
    assert abs(drawn.mean()) < 0.01
    assert abs(drawn.std() - 1) < 0.01
    assert abs((drawn < 1.959964).mean() - 0.975) < 0.002
