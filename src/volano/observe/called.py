"""What people are called by the shop: the ids under which their rows came."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from volano.maths.columns import changes, integers, texts_or_null

USER = "u:"


@dataclass(frozen=True, slots=True)
class Called:
    """One name (`u:…` or `a:…`) for each person; blocks hold whole people, so they add up."""

    names: dict[int, str] = field(default_factory=dict)

    def __add__(self, other: Called) -> Called:
        return Called(self.names | other.names)


def called(block: pa.Table) -> Called:
    """A user id of each person where there is one, else an anonymous id; the first in the alphabet.

    >>> block = pa.table({"person_id": [1, 1, 2], "known_as": ["a:x", "u:7", "a:y"]})
    >>> called(block).names
    {1: 'u:7', 2: 'a:y'}
    """
    known = texts_or_null(block, "known_as")
    names = known.values.to_pylist()
    rows = np.flatnonzero(known.codes >= 0)
    people, codes = integers(block["person_id"])[rows], known.codes[rows]
    order = np.lexsort((codes, people))
    fresh = order[changes(people[order], codes[order])] if len(order) else order
    found: dict[int, str] = {}
    for person, code in zip(people[fresh].tolist(), codes[fresh].tolist(), strict=True):
        name = names[code]
        found[person] = min(found.get(person, name), name, key=_rank)
    return Called(found)


def _rank(name: str) -> tuple[bool, str]:
    return not name.startswith(USER), name
