"""Adjusted p-values: algebra, scipy's, and what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from volano.maths.multiplicity import benjamini_hochberg, benjamini_yekutieli, holm

p_values = st.lists(st.floats(0, 1), max_size=30)


@given(p_values.filter(bool))
def test_false_discovery_rates_equal_those_of_scipy(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p, method="bh"))
    assert benjamini_yekutieli(p) == pytest.approx(false_discovery_control(p, method="by"))


@given(p_values)
def test_holm_rejects_what_its_own_definition_rejects(p: list[float]) -> None:
    rejected = set()
    for rank, i in enumerate(np.argsort(p, kind="stable")):
        if p[i] * (len(p) - rank) > 0.05:
            break
        rejected.add(int(i))
    assert set(np.flatnonzero(holm(p) <= 0.05).tolist()) == rejected


@given(p_values)
def test_an_adjusted_p_is_never_smaller_and_keeps_the_order(p: list[float]) -> None:
    for adjusted in (holm(p), benjamini_hochberg(p), benjamini_yekutieli(p)):
        assert (adjusted >= np.array(p) - 1e-12).all()
        assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
