from __future__ import annotations

import pytest

from tests.evaluate.campaigns import campaign, shares_tally
from volano.evaluate.soundness import BROKEN, expected_shares, sample_ratio


def test_arms_as_weighted_are_sound_and_others_are_not() -> None:
    made = campaign({"control": 0.2, "a": 0.8})
    assert expected_shares(made) == pytest.approx({"control": 0.2, "a": 0.8})
    assert sample_ratio(made, shares_tally(((1, 1_010), (1, 3_990)))) > 0.5
    assert sample_ratio(made, shares_tally(((1, 1_200), (1, 3_800)))) < BROKEN


def test_the_first_few_people_are_too_few_to_say() -> None:
    assert sample_ratio(campaign(), shares_tally(((0, 8), (0, 0)))) == 1


def test_people_in_an_arm_that_nobody_should_be_in_break_the_test() -> None:
    made = campaign({"control": 0.5, "a": 0.5, "old": 0.0})
    assert sample_ratio(made, shares_tally(((0, 500), (0, 500), (0, 1)))) == 0
