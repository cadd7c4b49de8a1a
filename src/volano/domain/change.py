"""What changes together in the store of live profiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from volano.domain.view import Offset

Key = int | tuple[int, int]  # signed 64-bit numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Records of one kind as MessagePack, `records[i]` under `keys[i]`: many take little room this way."""

    kind: type[msgspec.Struct]
    keys: Sequence[int]
    records: Sequence[bytes]

    @classmethod
    def of(cls, kind: type[msgspec.Struct], puts: Iterable[tuple[int, msgspec.Struct]]) -> Packed:
        """The records packed.

        >>> from volano.domain.segment import Due
        >>> Packed.of(Due, [(7, Due(at=7, person_id=1))]).keys
        (7,)
        """
        encode = msgspec.msgpack.Encoder().encode
        pairs = [(key, encode(record)) for key, record in puts]
        keys, records = tuple(key for key, _ in pairs), [record for _, record in pairs]
        return cls(kind=kind, keys=keys, records=records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """First the kinds of `afresh` are emptied, then come the drops, then `puts` and `packed`, then `upto`.

    A key is of one shape for all records of a kind. `upto` may also lead back.
    """

    puts: tuple[tuple[Key, msgspec.Struct], ...] = ()
    drops: tuple[tuple[type[msgspec.Struct], Key], ...] = ()
    packed: tuple[Packed, ...] = ()
    afresh: tuple[type[msgspec.Struct], ...] = ()
    upto: Offset | None = None
