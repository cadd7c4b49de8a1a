"""How deep a JSON text nests, without recursion, so that a bottomless one cannot hurt."""

from __future__ import annotations

import re

import numpy as np

# A string may lack its end, and nothing is taken back: else each quote in it would be tried as a beginning.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_STEPS = bytes(1 if mark in b"[{" else 255 if mark in b"]}" else 0 for mark in range(256))  # 255 is −1
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


def depth(text: bytes) -> int:
    """The deepest level of lists and objects; brackets in strings do not count.

    >>> depth(b'{"a": [1, {"b": "[[["}]}')
    3
    """
    steps = np.frombuffer(_STRING.sub(b"", text).translate(_STEPS), np.int8)
    return int(steps.cumsum(dtype=np.int32).max(initial=0))


def pruned(text: str, limit: int) -> str:
    """The text with everything below `limit` levels replaced by 0.

    >>> pruned('[[1, [2, [3]]], 4]', 2)
    '[[1, 0], 4]'
    """
    kept, start, level = [], 0, 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in ("{", "["):
            level += 1
            if level == limit + 1:
                kept.append(text[start : token.start()] + "0")
        elif mark in ("}", "]"):
            if level == limit + 1:
                start = token.end()
            level -= 1
    return "".join(kept) + (text[start:] if level <= limit else "")
