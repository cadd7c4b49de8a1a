"""What changes together in the store of live profiles."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from volano.domain.view import Offset

Key = int | tuple[int, int]  # signed 64-bit numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Records of one kind as MessagePack, `records[i]` under `keys[i]`: many take little room this way."""

    kind: type[msgspec.Struct]
    keys: array[int]  # signed 64-bit
    records: Sequence[bytes]

    @classmethod
    def of(cls, kind: type[msgspec.Struct], puts: Iterable[tuple[int, msgspec.Struct]]) -> Packed:
        """The records packed; they may come one by one.

        >>> from volano.domain.segment import Due
        >>> Packed.of(Due, [(7, Due(at=7, person_id=1))]).keys
        array('q', [7])
        """
        encode = msgspec.msgpack.Encoder().encode
        keys, records = array("q"), []
        for key, record in puts:
            keys.append(key)
            records.append(encode(record))
        return cls(kind=kind, keys=keys, records=records)


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

    A key is of one shape for all records of a kind. `upto` may also lead back.
    """

    puts: tuple[tuple[Key, msgspec.Struct], ...] = ()
    drops: tuple[tuple[type[msgspec.Struct], Key], ...] = ()
    packed: tuple[Packed, ...] = ()
    afresh: tuple[type[msgspec.Struct], ...] = ()
    upto: Offset | None = None
