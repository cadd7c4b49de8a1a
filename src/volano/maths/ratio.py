"""Whether counts fall as their weights say."""

from __future__ import annotations

from collections.abc import Sequence

FEW = 5


def ratio_p(counts: Sequence[int], weights: Sequence[float]) -> float:
    """The p-value of Pearson's χ² that the counts follow the weights (any scale).

    1 while the smallest expected count is below 5: too early to say. A count where the weight is 0 cannot be.

    >>> round(ratio_p([53, 47], [1, 1]), 4), ratio_p([3, 0], [1, 1]), ratio_p([50, 50, 1], [1, 1, 0])
    (0.5485, 1.0, 0.0)
    """
    from scipy.special import chdtrc

    if any(count and not weight for count, weight in zip(counts, weights, strict=True)):
        return 0.0
    scale = sum(counts) / sum(weights)
    cells = [(count, weight * scale) for count, weight in zip(counts, weights, strict=True) if weight]
    if len(cells) < 2 or min(expected for _, expected in cells) < FEW:
        return 1.0
    statistic = sum((count - expected) ** 2 / expected for count, expected in cells)
    return float(chdtrc(len(cells) - 1, statistic))
