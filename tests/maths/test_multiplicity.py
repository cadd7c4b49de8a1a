"""Adjusted p-values: algebra, scipy's, and what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from volano.maths.multiplicity import benjamini_hochberg

p_values = st.lists(st.floats(0, 1), max_size=30)


@given(p_values.filter(bool))
def test_false_discovery_rates_equal_those_of_scipy(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p, method="bh"))


@given(p_values)
def test_an_adjusted_p_is_never_smaller_and_keeps_the_order(p: list[float]) -> None:
    adjusted = benjamini_hochberg(p)
    assert (adjusted >= np.array(p) - 1e-12).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
