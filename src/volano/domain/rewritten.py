"""What takes the place of events that are read anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """`rows` come instead, by table; `drop` names, by table, the ids of rows made of the old ones."""

    rows: Mapping[str, pa.Table]
    drop: Mapping[str, Sequence[int]] = field(default_factory=dict)
