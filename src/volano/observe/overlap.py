"""How the people of a rule spread over the segments there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.segment import Segment


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    """A segment, its size, and how many of its members the rule fits."""

    segment: str
    name: str
    size: int
    both: int


def sizes(people: pa.Table) -> dict[str, int]:
    """How many of the people are in each segment, by the column `segments`.

    >>> sizes(pa.table({"segments": [["new"], [], ["new", "lapsing"], None]}))
    {'new': 2, 'lapsing': 1}
    """
    if "segments" not in people.column_names or not people.num_rows:
        return {}
    counted = pc.value_counts(pc.list_flatten(people["segments"]))
    return dict(Counter({each["values"]: each["counts"] for each in counted.to_pylist()}))


def overlaps(chosen: pa.Table, people: pa.Table, segments: Iterable[Segment]) -> tuple[Overlap, ...]:
    """The segments that share people with the chosen ones, those with most in common first."""
    every, both = sizes(people), sizes(chosen)
    found = [
        Overlap(segment=one.key, name=one.name, size=every.get(one.key, 0), both=both[one.key])
        for one in segments
        if one.key in both
    ]
    return tuple(sorted(found, key=lambda one: (-one.both, one.segment)))
