"""How a JSON text nests, without recursion and in linear time, so that a bottomless one cannot hurt."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

CHUNK = 1024 * 1024  # bytes that are looked at together: what a body takes beside itself

# A string may lack its end, and nothing is taken back: else each quote in it would be tried as a beginning.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_STEPS = bytes(1 if mark in b"[{" else 255 if mark in b"]}" else 0 for mark in range(256))  # 255 is −1
_ENDS = {b"[": b"]", b"{": b"}"}
_BLANK = b" \t\r\n"
_QUOTE, _COMMA = b'",'


def depth(text: bytes) -> int:
    """The deepest level of lists and objects; brackets in strings do not count.

    >>> depth(b'{"a": [1, {"b": "[[["}]}')
    3
    """
    steps = np.frombuffer(_STRING.sub(b"", text).translate(_STEPS), np.int8)
    return int(steps.cumsum(dtype=np.int32).max(initial=0))


def parts(text: bytes, most: int) -> list[bytes] | None:
    """What stands between the commas of a list or an object, as it came; no more than `most` + 1 of them.

    None when the text is neither, or its brackets and quotes do not close. What is broken inside of a part
    is nobody's concern here, so that one broken part loses no other.

    >>> parts(b'[{"a": [1, 2]}, "b,\\\\"]", NaN]', 10)
    [b'{"a": [1, 2]}', b' "b,\\\\"]"', b' NaN']
    """
    text = text.strip(_BLANK)
    if len(text) < 2 or _ENDS.get(text[:1]) != text[-1:]:
        return None
    commas = _commas(text, most)
    if commas is None:
        return None
    if not text[1:-1].strip(_BLANK):
        return []
    return [text[low + 1 : high] for low, high in pairwise((0, *commas, len(text) - 1))][: most + 1]


def _commas(text: bytes, most: int) -> list[int] | None:
    """Where the commas on the first level are; None when it does not end with the text."""
    plain = text.replace(b"\\\\", b"  ").replace(b'\\"', b"  ")  # no quote in it is a character of a string
    found: list[int] = []
    quotes = level = 0
    for start in range(0, len(plain), CHUNK):
        piece = plain[start : start + CHUNK]
        marks = np.frombuffer(piece, np.uint8)
        inside = (np.cumsum(marks == _QUOTE, dtype=np.uint8) + np.uint8(quotes)) & 1 == 1
        steps = np.where(inside, np.int8(0), np.frombuffer(piece.translate(_STEPS), np.int8))
        levels = level + steps.cumsum(dtype=np.int32)
        quotes, level = int(inside[-1]), int(levels[-1])
        if (levels[:-1] < 1).any() or (level < 1) == (start + len(piece) < len(plain)):
            return None
        commas = np.flatnonzero((marks == _COMMA) & ~inside & (levels == 1))
        found += (start + commas[: most + 1 - len(found)]).tolist()
    return found
