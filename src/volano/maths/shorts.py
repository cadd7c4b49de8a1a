"""Lists of small numbers as bytes, two for each; what is larger than 65,535 counts as that.

Sums that stop there still add in any order.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np

from volano.maths.columns import Ints

LARGEST = 65_535


def packed(numbers: Iterable[int]) -> bytes:
    """The numbers as bytes.

    >>> read(packed([7, 70_000, -1]))
    [7, 65535, 0]
    """
    return array("H", [min(max(number, 0), LARGEST) for number in numbers]).tobytes()


def read(shorts: bytes) -> list[int]:
    """The numbers in the bytes."""
    return array("H", shorts).tolist()


def split(numbers: Ints, bounds: Ints) -> list[bytes]:
    """The stretches of numbers between bounds, each as bytes.

    >>> [read(one) for one in split(np.array([1, 2, 3]), np.array([0, 2, 2, 3]))]
    [[1, 2], [], [3]]
    """
    whole = np.clip(numbers, 0, LARGEST).astype(np.uint16).tobytes()
    edges = (2 * bounds).tolist()
    return [whole[low:high] for low, high in zip(edges, edges[1:], strict=False)]
