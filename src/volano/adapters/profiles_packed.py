"""Records and keys as bytes, the same in every store of live profiles that is outside of this process."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache

import msgspec

from volano.domain.change import Key
from volano.ports import N

NOW = b"2"  # the form of records; to be raised when they come to mean something else: all are then made anew
_SIGN = 1 << 63  # added to a key, so that the bytes lie in the order of the numbers
_ONE, _TWO = struct.Struct(">Q"), struct.Struct(">QQ")

encode = msgspec.msgpack.Encoder().encode


@cache
def decoder(kind: type[N]) -> Callable[[bytes], N]:
    """What makes records of a kind of bytes."""
    return msgspec.msgpack.Decoder(kind).decode


def packed(key: Key) -> bytes:
    """A key as bytes that lie in the order of the keys: eight, or sixteen for a pair."""
    if isinstance(key, tuple):
        return _TWO.pack(key[0] + _SIGN, key[1] + _SIGN)
    return _ONE.pack(key + _SIGN)


def number(raw: bytes) -> Key:
    """The key that was packed so."""
    if len(raw) == _TWO.size:
        first, second = _TWO.unpack(raw)
        return first - _SIGN, second - _SIGN
    return int(_ONE.unpack(raw)[0]) - _SIGN
