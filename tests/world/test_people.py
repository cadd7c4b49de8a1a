"""People are the same in a larger world, and as mixed as is written down."""

from __future__ import annotations

import numpy as np
import pytest

from tests.world.worlds import spec
from volano.world.people import SOURCE_MIX, settle


def test_a_larger_world_has_the_same_first_people() -> None:
    few, many = settle(spec(people=100)), settle(spec(people=1000))
    assert (few.rate == many.rate[:100]).all()
    assert (few.device == many.device[:100]).all()
    assert few.anonymous_id.tolist() == many.anonymous_id[:100].tolist()


def test_the_mixes_are_those_written_down() -> None:
    people = settle(spec(people=40_000, days=60))
    assert np.bincount(people.source) / 40_000 == pytest.approx(SOURCE_MIX, abs=0.01)
    assert (people.arrival < 0).mean() == pytest.approx(0.4, abs=0.01)
    assert np.bincount(people.arrival[people.arrival >= 0], minlength=60).min() > 300
    assert people.rate.mean() == pytest.approx(0.18, abs=0.005)
    assert np.median(people.tolerance) == pytest.approx(10, abs=0.3)
    assert 0.06 < people.clicks.mean() < 0.2
    assert people.taste[:, -1] == pytest.approx(1)


def test_how_well_people_convert_has_nothing_to_do_with_where_they_come_from() -> None:
    people = settle(spec(people=40_000))
    for group in (people.source, people.device, people.persona, people.habit):
        means = [people.conversion[group == value].mean() for value in np.unique(group)]
        assert np.abs(means).max() < 0.12
