"""A stretch of a file to import, before anybody knows what its columns mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from volano.domain.event import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """`table` holds texts only (null: nothing there); row i began on line `lines[i]` of the file.

    `refusals` are the lines of this stretch that are not rows of the file, each with its line as `index`;
    `done` is how many bytes of the file have been read so far. A stretch may lack columns others have.
    """

    table: pa.Table
    lines: Any  # int64 array, as long as the table
    refusals: tuple[Refusal, ...] = ()
    done: int = 0
