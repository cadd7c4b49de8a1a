"""How frames lie in a segment, and where the next whole one begins after a stretch that cannot be read."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO
from zlib import crc32

import numpy as np
import numpy.typing as npt

HEAD = struct.Struct("<II")  # length of the payload, crc32 of length and payload
LARGEST = 32 << 20  # bytes of a payload; a longer one is a damaged length
_LENGTH = struct.Struct("<I")
_NOTHING = crc32(_LENGTH.pack(0))  # the check of an empty frame
_WINDOW = 1 << 20  # bytes looked through at once


def framed(payload: bytes) -> bytes:
    """The payload with its head.

    >>> list(frames_of(framed(b"one") + framed(b"two")))
    [(11, b'one'), (22, b'two')]
    """
    length = _LENGTH.pack(len(payload))
    return length + _LENGTH.pack(crc32(payload, crc32(length))) + payload


def frames(file: BinaryIO, at: int, end: int) -> Iterator[tuple[int, bytes | None]]:
    """The frames in a file from byte `at` up to `end`, each with the byte after it.

    None stands for a stretch that cannot be read; it ends where the next whole frame begins, else at `end`.
    """
    file.seek(at)
    while at < end:
        payload = _next(file, end - at)
        if payload is None:
            file.seek(at)
            at += _unreadable(file.read(end - at))
            file.seek(at)
        else:
            at += HEAD.size + len(payload)
        yield at, payload


def frames_of(raw: bytes) -> Iterator[tuple[int, bytes | None]]:
    """The frames in some bytes."""
    from io import BytesIO

    return frames(BytesIO(raw), 0, len(raw))


def torn(raw: bytes) -> bool:
    """Whether what lies behind the last whole frame is one that was not ended, or zeros.

    >>> torn(framed(b"one")[:-1]), torn(bytes(9)), torn(framed(b"one")[:-1] + b"!")
    (True, True, False)
    """
    return len(raw) < HEAD.size or not any(raw) or HEAD.unpack_from(raw)[0] > len(raw) - HEAD.size


def _next(file: BinaryIO, size: int) -> bytes | None:
    """The payload of the frame that begins here and has at most `size` bytes; None if there is none."""
    head = file.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    length, check = HEAD.unpack(head)
    if length > min(size - HEAD.size, LARGEST):
        return None
    payload = file.read(length)
    whole = len(payload) == length and crc32(payload, crc32(head[:4])) == check
    return payload if whole else None


def _unreadable(raw: bytes) -> int:
    """How many bytes at the beginning of `raw`, which is no whole frame, lie before the next one."""
    for low in range(1, len(raw), _WINDOW):
        for at in _possible(raw, low, min(low + _WINDOW, len(raw) - HEAD.size + 1)):
            length, check = HEAD.unpack_from(raw, at)
            start = at + HEAD.size
            if crc32(memoryview(raw)[start : start + length], crc32(raw[at : at + 4])) == check:
                return at
    return len(raw)


def _possible(raw: bytes, low: int, high: int) -> list[int]:
    """Where in [low, high) a frame may begin, by its length alone, and by its check if it is empty."""
    if high <= low:
        return []
    length, check = (_words(raw, low + part, high - low) for part in (0, 4))
    room = len(raw) - HEAD.size - np.arange(low, high)
    fits = (length <= np.minimum(room, LARGEST)) & ((length > 0) | (check == _NOTHING))
    found: list[int] = (low + np.flatnonzero(fits)).tolist()
    return found


def _words(raw: bytes, low: int, count: int) -> npt.NDArray[np.int64]:
    """The unsigned number of four bytes that begins at each of `count` places."""
    octets = np.frombuffer(raw, np.uint8, count + 3, low).astype(np.int64)
    return octets[:count] | octets[1:-2] << 8 | octets[2:-1] << 16 | octets[3:] << 24
