"""How deep a JSON text nests, without recursion, so that a bottomless one cannot hurt."""

from __future__ import annotations

import re

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]')


def depth(text: str) -> int:
    """The deepest level of lists and objects; brackets in strings do not count.

    >>> depth('{"a": [1, {"b": "[[["}]}')
    3
    """
    level = deepest = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in ("{", "["):
            level += 1
            deepest = max(deepest, level)
        elif mark in ("}", "]"):
            level -= 1
    return deepest


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
