"""The saved lists that a rule names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from volano.errors import BadRule
from volano.rules.tree import SEGMENTS

_OPERATORS = ("$inGroup", "$notInGroup")


def lists(rule: Any) -> frozenset[str]:
    """The names of the lists in a rule; a segment's name, in the fact `segments`, is none.

    >>> sorted(lists({"$or": [{"email": {"$inGroup": "vip"}}, {"segments": {"$inGroup": "new"}}]}))
    ['vip']
    """
    found: set[str] = set()
    if isinstance(rule, Mapping):
        for name, wanted in rule.items():
            if name in _OPERATORS and isinstance(wanted, str):
                found.add(wanted)
            elif name != SEGMENTS:
                found |= lists(wanted)
    elif isinstance(rule, list | tuple):
        found = {name for each in rule for name in lists(each)}
    return frozenset(found)


def check_lists(rule: Any, there: Collection[str]) -> None:
    """BadRule, naming the list, if a rule names one that is not there."""
    missing = sorted(lists(rule) - set(there))
    if missing:
        raise BadRule(f"there is no list {missing[0]!r}; `volano lists` shows those there are")
