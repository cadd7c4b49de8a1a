from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.evaluate.campaigns import campaign
from volano.act.assign import OUTSIDE, arms_of, variant
from volano.domain.campaign import Arm
from volano.maths.hashing import bucket, murmur

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "murmur3_vectors.json").read_text(encoding="utf-8")
)
SHARES = {"control": 0.2, "a": 0.5, "b": 0.3}


def test_hashes_are_those_of_the_published_vectors() -> None:
    for case in VECTORS:
        assert murmur(case["key"], case["seed"]) == case["hash"], case["key"]
        if "bucket" in case:
            salt, colon, name = case["key"].partition(":")
            assert not colon or bucket(salt, name) == case["bucket"]


@given(st.lists(st.text(max_size=12), max_size=20), st.floats(0, 1), st.integers(1, 4))
def test_a_block_of_ids_draws_what_each_id_draws(ids: list[str], coverage: float, arms: int) -> None:
    weights = [1 / arms] * arms
    made = campaign(dict(zip("cdef", weights, strict=False)), coverage=coverage)
    keys = [arm.key for arm in made.arms]
    drawn = [None if at == OUTSIDE else keys[at] for at in arms_of(made, ids)]
    assert drawn == [variant(made, each) for each in ids]


def test_arms_get_their_shares() -> None:
    made = campaign(SHARES)
    counts = np.bincount(arms_of(made, [f"person-{number}" for number in range(50_000)]), minlength=3)
    assert counts / 50_000 == pytest.approx([*SHARES.values()], abs=0.01)


def test_raising_the_coverage_moves_nobody() -> None:
    ids = [f"person-{number}" for number in range(5_000)]
    half = arms_of(campaign(SHARES, coverage=0.5), ids)
    whole = arms_of(campaign(SHARES), ids)
    assert (half != OUTSIDE).mean() == pytest.approx(0.5, abs=0.03)
    assert (whole != OUTSIDE).all()
    assert (half == whole)[half != OUTSIDE].all()


def test_nobody_is_included_without_coverage_and_no_arm_without_weight_is_drawn() -> None:
    assert variant(campaign(SHARES, coverage=0.0), "7f") is None
    made = campaign({"control": 0.0, "a": 1.0, "b": 0.0})
    assert {variant(made, f"{number}") for number in range(500)} == {"a"}


def test_a_new_round_draws_anew_and_independently() -> None:
    made = campaign({"control": 0.5, "a": 0.5})
    ids = [f"person-{number}" for number in range(5_000)]
    first, second = arms_of(made, ids), arms_of(replace(made, round=2), ids)
    assert (first == second).mean() == pytest.approx(0.5, abs=0.03)


def test_arms_whose_weights_do_not_add_up_leave_the_rest_outside() -> None:
    made = replace(campaign(SHARES), arms=(Arm(key="a", weight=0.25),))
    ids = [f"person-{number}" for number in range(2_000)]
    assert (arms_of(made, ids) == OUTSIDE).mean() == pytest.approx(0.75, abs=0.04)
    assert [variant(made, each) is None for each in ids] == (arms_of(made, ids) == OUTSIDE).tolist()
