"""What changes together in the store of live profiles."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import overload

import msgspec
import pyarrow as pa

from volano.domain.view import Offset

Key = int | tuple[int, int]  # signed 64-bit numbers


_AT_ONCE = 500  # records that are squeezed together
_squeeze = pa.Codec("zstd", compression_level=-1)
_texts = msgspec.msgpack.Decoder(list[bytes]).decode


class Records(Sequence[bytes]):
    """Byte strings squeezed, some hundred at a time; reading them in order opens each heap once."""

    def __init__(self, records: Iterable[bytes] = ()) -> None:
        rest, self._heaps, size = iter(records), list[tuple[int, bytes]](), 0
        while some := list(islice(rest, _AT_ONCE)):
            told = msgspec.msgpack.encode(some)
            self._heaps.append((len(told), _squeeze.compress(told, asbytes=True)))
            size += len(some)
        self._start, self._end = 0, size
        self._open: dict[int, list[bytes]] = {}  # the heap that was read last, by its number

    def between(self, start: int, end: int) -> Records:
        """Those from one place to before another, which share the room of these."""
        some = Records()
        some._heaps, some._open = self._heaps, self._open
        some._start, some._end = self._start + start, min(self._start + end, self._end)
        return some

    def __len__(self) -> int:
        return self._end - self._start

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        heap, place = divmod(self._start + at, _AT_ONCE)
        return self._heap(heap)[place]

    def __iter__(self) -> Iterator[bytes]:
        for low in range(self._start - self._start % _AT_ONCE, self._end, _AT_ONCE):
            some = self._heap(low // _AT_ONCE)
            yield from some[max(self._start - low, 0) : self._end - low]

    def _heap(self, number: int) -> list[bytes]:
        found = self._open.get(number)
        if found is None:
            size, squeezed = self._heaps[number]
            found = _texts(_squeeze.decompress(squeezed, size))
            self._open.clear()
            self._open[number] = found
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Records of one kind as MessagePack, `records[i]` under `keys[i]`: many take little room this way."""

    kind: type[msgspec.Struct]
    keys: array[int]  # signed 64-bit
    records: Records

    @classmethod
    def of(cls, kind: type[msgspec.Struct], puts: Iterable[tuple[int, msgspec.Struct]]) -> Packed:
        """The records packed; they may come one by one.

        >>> from volano.domain.segment import Due
        >>> Packed.of(Due, [(7, Due(at=7, person_id=1))]).keys
        array('q', [7])
        """
        encode, keys = msgspec.msgpack.Encoder().encode, array("q")

        def told() -> Iterator[bytes]:
            for key, record in puts:
                keys.append(key)
                yield encode(record)

        records = Records(told())
        return cls(kind=kind, keys=keys, records=records)

    def between(self, low: int, high: int) -> Packed:
        """The records with keys in [low, high), of those whose keys ascend."""
        start, end = bisect_left(self.keys, low), bisect_left(self.keys, high)
        return Packed(kind=self.kind, keys=self.keys[start:end], records=self.records.between(start, end))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How a census stands: rows in its large table (−1: there is none) and in its small one, who changed.

    `mark` names the moment; `stamp` is what the rows were asked to have.
    """

    stamp: str
    mark: int
    base: int = -1
    late: int = 0
    changed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """First the kinds of `afresh` are emptied, then come the drops, `packed`, `puts` and `upto`.

    A key is of one shape for all records of a kind. A packed record that is there already, byte for byte,
    is no change. `upto` may also lead back. `wiped`: all that was ever dropped or replaced is then
    overwritten on the disk, too, which takes as long as to write all of it.
    """

    puts: tuple[tuple[Key, msgspec.Struct], ...] = ()
    drops: tuple[tuple[type[msgspec.Struct], Key], ...] = ()
    packed: tuple[Packed, ...] = ()
    afresh: tuple[type[msgspec.Struct], ...] = ()
    upto: Offset | None = None
    wiped: bool = False
