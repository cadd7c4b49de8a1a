"""Lists of small numbers as MessagePack, many at once; what is larger than 65,535 counts as that.

Sums that stop there still add in any order. No number at all is no byte at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import msgspec
import numpy as np

from volano.maths.columns import Ints

LARGEST = 65_535
_ONE, _TWO, _THREE = 0x80, 0xCC, 0xCD  # from 128 on a number takes two bytes, from 256 on three
_FEW, _MANY = 0x90, 0xDC  # what lists of up to 15 numbers, and longer ones, begin with

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[int]).decode


def packed(numbers: Iterable[int]) -> bytes:
    """The numbers as bytes.

    >>> read(packed([7, 70_000, -1]))
    [7, 65535, 0]
    """
    whole = [min(max(number, 0), LARGEST) for number in numbers]
    return _encode(whole) if whole else b""


def read(shorts: bytes) -> list[int]:
    """The numbers in the bytes."""
    return _decode(shorts) if shorts else []


def split(numbers: Ints, bounds: Ints) -> list[bytes]:
    """The stretches of numbers between bounds, each `packed`; a stretch has at most 65,535 numbers.

    >>> [read(one) for one in split(np.array([1, 200, 300]), np.array([0, 2, 2, 3]))]
    [[1, 200], [], [300]]
    """
    number = np.clip(numbers, 0, LARGEST).astype(np.uint16)
    there = np.ones((len(number), 3), np.bool_)
    there[:, 1], there[:, 2] = number >= _ONE, number > 0xFF
    low = number.astype(np.uint8)
    cells = np.empty((len(number), 3), np.uint8)
    cells[:, 0] = np.where(there[:, 2], _THREE, np.where(there[:, 1], _TWO, low))
    cells[:, 1], cells[:, 2] = np.where(there[:, 2], number >> 8, low), low
    whole = cells[there].tobytes()
    ends = np.append(0, np.cumsum(1 + there[:, 1] + there[:, 2].astype(np.int64)))[bounds]
    count = np.diff(bounds)
    heads = [b"", *(_head(many) for many in range(1, int(count.max(initial=0)) + 1))]
    edges = pairwise(ends.tolist())
    return [heads[many] + whole[low:high] for many, (low, high) in zip(count.tolist(), edges, strict=True)]


def _head(count: int) -> bytes:
    return bytes([_FEW | count]) if count <= 15 else bytes([_MANY, count >> 8, count & 0xFF])
