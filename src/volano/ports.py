"""What the house needs of the outside, each need in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import msgspec
import pyarrow as pa

from volano.domain.answer import Answer
from volano.domain.campaign import Cap
from volano.domain.change import Change, Counted, Key
from volano.domain.rewritten import Rewritten
from volano.domain.texts import Texts
from volano.domain.view import Offset, Only, View


class Tally(Protocol):
    """Tallies add up."""

    def __add__(self, other: Any, /) -> Any: ...


T = TypeVar("T", bound=Tally)
N = TypeVar("N", bound=msgspec.Struct)


class Ids(Protocol):
    """Knows which ids a table of a lake has or had: rows with these are not added (again)."""

    def known(self, table: str, ids: Collection[int]) -> frozenset[int]: ...


class Lake(Ids, Protocol):
    """What happened: append only, in blocks of whole people.

    `append` commits all rows and the journal position together or not at all, leaves out rows whose `id`
    the table has already (or twice in the call: the first stays) or whose `event_id` is none of an event that
    it adds, and returns those it added to each table.
    A row's person is whoever its `identity` is now (without one: it arrived as its `person_id`). A row of
    `merges` says that the identity `alias` is `person_id` from now on, itself: it stands alone again; the
    last row to come counts, and no chain is followed. A block is an Arrow table sorted by (person_id, time,
    id) with all rows of the view of the people in it; string columns arrive dictionary-encoded; functions
    must pickle. `tally` is the sum over blocks (`None` when the lake holds no such row). `map` writes what
    `think` returns to a table named `into`, replacing what stood there, and returns the number of rows;
    `read` also reads such tables.
    """

    def append(self, rows: Mapping[str, pa.Table], upto: Offset | None = None) -> dict[str, pa.Table]: ...

    def tally(self, view: View, of: Callable[[pa.Table], T]) -> T | None: ...

    def map(self, view: View, think: Callable[[pa.Table], pa.Table], into: str) -> int: ...

    def read(self, view: View) -> pa.Table: ...

    def offset(self, journal: str) -> int: ...


class PersonalKeys(Protocol):
    """The keys under which a lake seals what tells of somebody directly: 256 bits of chance an identity.

    `of` gives those there are; `made` gives all, and has made those that lacked, on the disk, when it
    returns: the same for whoever asks, of all processes. `drop` returns how many there were; they are off the
    disk then, and an identity that comes again gets a new one. `mark` is a hash of an e-mail address, in any
    case, that only this home can make.
    """

    def of(self, identities: Collection[int]) -> dict[int, bytes]: ...

    def made(self, identities: Collection[int]) -> dict[int, bytes]: ...

    def drop(self, identities: Collection[int]) -> int: ...

    def mark(self, address: str) -> int: ...


class Upkeep(Protocol):
    """Keeps a lake in shape; `progress(done, total)` is called now and then.

    `needs_compaction` tells whether reading would be notably cheaper after `compact`, which stops nobody from
    appending. `expire` removes rows of what happened before a time (UTC µs), but not who is who, and returns
    how many of each person. They do not come back: what happened before that time is not appended any more,
    unless an import brings it, and ids that arrived since then stay known. `verify` says what is damaged, a
    sentence each. `sweep` gives back the disk that replaced rows take, once nobody reads them, and what dead
    processes left there.
    """

    def compact(self, progress: Callable[[int, int], None] | None = None) -> int: ...

    def needs_compaction(self) -> bool: ...

    def sweep(self) -> None: ...

    def expire(self, before: int) -> dict[int, int]: ...

    def verify(self) -> list[str]: ...


class Corrections(Protocol):
    """Changes what a lake says has happened, each in one commit.

    `rewrite` takes out the events of which every column of `only` has one of its values, calls `of` (pure)
    on them, some at a time, in the schema of EVENTS with the persons of now, and appends what it returns
    instead (of any table but `merges`); the rows of other tables that it names are dropped. Ids taken out or
    dropped may come again, and so may those of its rows that were of somebody who is forgotten. It returns
    `person_id`, `id` and `origin` of the rows added, by table; what waits behind an import is left as it was
    told. `withdraw` removes the rows of an origin, which may come again, and returns how many; where one of
    an import had kept out a row of a source, that one takes its place. `forget` removes the rows of people,
    and those that arrived under identities, from every table and from the disk at once, and drops the links
    of both, and the rows `also` names by table and id; it returns how many rows of each table. Their ids stay
    known.
    """

    def rewrite(self, only: Only, of: Callable[[pa.Table], Rewritten]) -> dict[str, pa.Table]: ...

    def withdraw(self, origin: str) -> int: ...

    def forget(
        self, people: Sequence[int], identities: Sequence[int], also: Mapping[str, Sequence[int]] = ...
    ) -> dict[str, int]: ...


class Sql(Protocol):
    """Answers questions about a lake as it is when they are asked; nothing can be written.

    Each of `tables` is a view with every row under the person it belongs to now. `ask` takes one SELECT in
    the words of DuckDB, and raises BadInput for whatever else.
    """

    @property
    def tables(self) -> tuple[str, ...]: ...

    def ask(self, query: str) -> pa.RecordBatchReader: ...


class Journal(Protocol):
    """Keeps what was acknowledged: `append` returns once the frames are on the disk, and so does `append_now`
    to whoever has no event loop.

    Both raise Behind while too much lies between what was told to `forget` and `end`, the position
    after the last frame. `read` gives each frame with the position after it; None stands for a stretch
    that cannot be read, from the position before to this one, and is to be passed over and counted.
    BrokenHome where frames from `since` on are not there. What lies before a position may go with `forget`
    and is gone from the disk after `scrub`.
    """

    name: str

    @property
    def end(self) -> int: ...

    async def append(self, payload: bytes) -> Offset: ...

    def append_now(self, payload: bytes) -> Offset: ...

    def read(self, since: int, limit: int) -> Iterator[tuple[Offset, bytes | None]]: ...

    def forget(self, before: int) -> None: ...

    def scrub(self, before: int) -> None: ...


class State(Protocol):
    """What holds now and may change, by kind and key. `put` keeps all or none; `get` raises NotFound.

    After `wipe` what was replaced or dropped is off the disk, too, as far as nobody reads it at that moment.
    """

    def get(self, kind: type[N], key: str) -> N: ...

    def find(self, kind: type[N]) -> list[N]: ...

    def put(self, *nouns: msgspec.Struct) -> None: ...

    def drop(self, kind: type[msgspec.Struct], key: str) -> None: ...

    def wipe(self) -> None: ...


class Profiles(Protocol):
    """What is known now of each person, rebuildable from the lake; all of one `put` is kept together.

    Records are structs, found by kind and key. `scan` gives those with keys in [low, high), ascending, in
    batches: what is put meanwhile may or may not show. `offset` is 0 for a journal that was never told, and
    −1 where none ever was: then the store is to be made anew from the lake. Who reads, thinks and puts does
    so in a `turn`, which one thread of one process has at a time;
    """

    def get(self, kind: type[N], key: Key) -> N | None: ...

    def scan(
        self, kind: type[N], low: Key | None = None, high: Key | None = None
    ) -> Iterator[tuple[Key, N]]: ...

    def put(self, change: Change) -> None: ...

    def offset(self, journal: str) -> int: ...

    def turn(self) -> AbstractContextManager[None]: ...


class CapCounter(Protocol):
    """Counts the visits in which people were given campaigns: one for all processes of a machine.

    `take` gives the salts of those `wanted` (salt, cap) whose cap allows one more visit at `now`, and counts
    it in the same step (see `act.caps`): however many ask at once, nobody is given more. `people` are the ids
    under which one person may have been counted; from then on all of it counts under the first. A counter
    that is `missing` (new, or lost) allows nothing until `fill` says what (salt, person, visits) there was.
    `drop` takes people out, off the disk too, and returns how many records. What was taken outlives every
    process, and the machine only after `sync`: on one that was started anew a counter is missing.
    """

    @property
    def missing(self) -> bool: ...

    def take(
        self, people: Sequence[int], wanted: Iterable[tuple[str, Cap]], *, now: int
    ) -> frozenset[str]: ...

    def fill(self, records: Iterable[tuple[str, int, Sequence[int]]]) -> None: ...

    def drop(self, people: Collection[int]) -> int: ...

    def sync(self) -> None: ...


class Census(Protocol):
    """Columns of facts of everybody beside the profiles, and who changed since they were kept.

    `look`, with the stamp that rows must have ("": any), gives the mark of the moment and the people whose
    profile was put or dropped since the rows that are kept; without such rows `base` is −1, and whoever is
    put from then on is noted. `read` gives the large table and the small one, `parts` the large one bit by
    bit. `keep` replaces the small table, and the large one if it is given, as of the mark of a look; it does
    nothing if all profiles were made afresh meanwhile. Who does any of this has the `turn`, one at a time.
    """

    def turn(self) -> AbstractContextManager[None]: ...

    def look(self, stamp: str) -> Counted: ...

    def read(self, columns: Sequence[str]) -> tuple[pa.Table, pa.Table]: ...

    def parts(self) -> Iterator[pa.Table]: ...

    def keep(self, seen: Counted, late: pa.Table, base: Iterable[pa.Table] | None = None) -> None: ...


class Outside(Protocol):
    """Posts to servers of others over https, and to addresses of this machine or of a network of ours only if
    the owner names them, however they are spelled and whatever a name stands for.

    `check` gives an address as it is kept, or raises BadInput. `post` raises Unreachable where nothing comes
    back within seconds. Threads may post at the same time.
    """

    def check(self, url: str) -> str: ...

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer: ...


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
