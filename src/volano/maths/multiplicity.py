"""Adjusted p-values: how sure one may be when many things were tested."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """False-discovery rate, step-up, for independent or positively dependent tests.

    Benjamini & Hochberg 1995 (JRSS B 57), the example of its section 3.2: at 0.05 four are rejected.

    >>> published = [.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344,
    ...              .0459, .3240, .4262, .5719, .6528, .7590, 1.0]
    >>> q = benjamini_hochberg(published)
    >>> int((q <= 0.05).sum()), q[:5].round(4).tolist()
    (4, [0.0015, 0.003, 0.0095, 0.0356, 0.0603])
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    return _back(np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0), order)


def _back(ordered: Floats, order: NDArray[np.int64]) -> Floats:
    values = np.empty_like(ordered)
    values[order] = ordered
    return values
