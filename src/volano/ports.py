"""What the house needs of the outside, each need in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import msgspec
import pyarrow as pa

from volano.domain.profile import Profile
from volano.domain.texts import Texts
from volano.domain.view import Offset, View


class Tally(Protocol):
    """Tallies add up."""

    def __add__(self, other: Any, /) -> Any: ...


T = TypeVar("T", bound=Tally)
N = TypeVar("N", bound=msgspec.Struct)


class Lake(Protocol):
    """What happened: append only, in blocks of whole people.

    `append` commits all rows and the journal position together or not at all, leaves out rows whose `id`
    the table has already (or twice in the call: the first stays), and returns how many it added to each
    table. A block is an Arrow table sorted by (person_id, time, id) with all rows of the view of the
    people in it; string columns arrive dictionary-encoded; functions must pickle. `tally` is the sum over
    blocks (`None` when the lake holds no such row). `map` writes what `think` returns to a table named
    `into`, replacing what stood there, and returns the number of rows; `read` also reads such tables.
    """

    def append(self, rows: Mapping[str, pa.Table], upto: Offset | None = None) -> dict[str, int]: ...

    def tally(self, view: View, of: Callable[[pa.Table], T]) -> T | None: ...

    def map(self, view: View, think: Callable[[pa.Table], pa.Table], into: str) -> int: ...

    def read(self, view: View) -> pa.Table: ...

    def offset(self, journal: str) -> int: ...


class Upkeep(Protocol):
    """Keeps a lake in shape; `progress(done, total)` is called now and then.

    `needs_compaction` tells whether reading would be notably cheaper after `compact`. `withdraw` removes
    the rows of an origin and returns how many; where one of an import had kept out a row of a source, that
    one takes its place.
    """

    def compact(self, progress: Callable[[int, int], None] | None = None) -> int: ...

    def needs_compaction(self) -> bool: ...

    def withdraw(self, origin: str) -> int: ...


class Journal(Protocol):
    """Keeps what was acknowledged: `append` returns once the frames are on the disk.

    `read` raises BrokenHome where frames from `since` on are no longer there.
    """

    name: str

    async def append(self, payload: bytes) -> Offset: ...

    def read(self, since: int, limit: int) -> Iterator[tuple[Offset, bytes]]: ...

    def forget(self, before: int) -> None: ...


class State(Protocol):
    """What holds now and may change, by kind and key. `put` keeps all or none; `get` raises NotFound."""

    def get(self, kind: type[N], key: str) -> N: ...

    def find(self, kind: type[N]) -> list[N]: ...

    def put(self, *nouns: msgspec.Struct) -> None: ...

    def drop(self, kind: type[msgspec.Struct], key: str) -> None: ...


class Profiles(Protocol):
    """One record per person, rebuildable from the lake; `put` keeps records, links and position together.

    `put` with `afresh` forgets in the same breath all that was there. Who reads, thinks and puts does so in a
    `turn`, which one thread of one process has at a time.
    """

    def get(self, person_id: int) -> Profile | None: ...

    def person(self, identity: int) -> int: ...

    def put(
        self,
        profiles: Sequence[Profile],
        links: Mapping[int, int],
        upto: Offset | None,
        *,
        afresh: bool = False,
    ) -> None: ...

    def offset(self, journal: str) -> int: ...

    def turn(self) -> AbstractContextManager[None]: ...


class TableFile(Protocol):
    """A file of rows, read as texts: `chunks` begins at the first row each time it is called.

    Whatever keeps the file from being read raises BadFile; a row that is none is refused alone. `layout`
    tells in words how the file is read; a file without header has the columns `1`, `2`, …
    """

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...  # bytes

    @property
    def layout(self) -> str: ...

    def chunks(self, rows: int) -> Iterator[Texts]: ...
