"""Lists of small numbers as MessagePack, many at once; what is larger than 65,535 counts as that.

Sums that stop there still add in any order. No number at all is no byte at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from volano.maths.columns import Ints

LARGEST = 65_535
_ONE, _BYTE = 128, 256  # from which on a number takes two bytes, and three
_TWO, _THREE = 0xCC, 0xCD  # what these begin with
_FEW, _MANY, _LONG = 0x90, 0xDC, 16  # what lists begin with, and those of so many numbers and more
_HEADS = 65_536

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
    """All numbers, those between two bounds `packed` together; a stretch has at most 65,535 numbers.

    >>> [read(one) for one in split(np.array([1, 200, 300]), np.array([0, 2, 2, 3]))]
    [[1, 200], [], [300]]
    """
    cells, there, size = _codes()
    heads = _HEADS + np.diff(bounds)
    code = np.insert(np.clip(numbers, 0, LARGEST), bounds[:-1], heads)
    whole = cells[code].view(np.uint8).compress(there[code].view(np.bool_)).tobytes()
    ends = np.append(0, np.cumsum(size[code]))[bounds + np.arange(len(bounds))]
    return [whole[low:high] for low, high in pairwise(ends.tolist())]


@cache
def _codes() -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int64]]:
    """The bytes of each number, from _HEADS on those of the head of a list; which there are; how many.

    Four bytes lie in a word, in the order in which they are written.
    """
    number = np.arange(_HEADS)
    cells, size = np.zeros((2 * _HEADS, 4), np.uint8), np.empty(2 * _HEADS, np.int64)
    numbers, heads = cells[:_HEADS], cells[_HEADS:]
    numbers[:_ONE, 0], numbers[_ONE:, 0], numbers[_BYTE:, 0] = number[:_ONE], _TWO, _THREE
    numbers[_ONE:_BYTE, 1] = number[_ONE:_BYTE]
    numbers[_BYTE:, 1], numbers[_BYTE:, 2] = number[_BYTE:] >> 8, number[_BYTE:] & 0xFF
    heads[:_LONG, 0], heads[_LONG:, 0] = _FEW | number[:_LONG], _MANY
    heads[_LONG:, 1], heads[_LONG:, 2] = number[_LONG:] >> 8, number[_LONG:] & 0xFF
    size[:_HEADS] = 1 + (number >= _ONE) + (number >= _BYTE)
    size[_HEADS:] = np.where(number < _LONG, number > 0, 3)
    there = np.arange(4) < size[:, None]
    return cells.view(np.uint32).ravel(), there.view(np.uint32).ravel(), size
