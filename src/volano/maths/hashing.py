"""Names as numbers: the same on every machine and in every engine."""

from __future__ import annotations

from hashlib import md5

import mmh3

VARIANT_SEED = 86028157


def hash63(text: str) -> int:
    """The lower 64 bits of MD5 shifted right by one: what DuckDB computes as `md5_number_lower(text) >> 1`.

    >>> hash63("u:1")
    5114968605513426745
    """
    return int.from_bytes(md5(text.encode(), usedforsecurity=False).digest()[8:], "little") >> 1


def murmur(text: str, seed: int = 0) -> int:
    """murmur3_x86_32 of the UTF-8 bytes, unsigned.

    >>> murmur("exp-1:user-1")
    2364192560
    """
    return int(mmh3.hash(text, seed, signed=False))


def bucket(salt: str, identity: str, seed: int = 0) -> int:
    """0 … 9999, as in the browser tag.

    >>> bucket("exp-1", "user-1")
    2560
    """
    return murmur(f"{salt}:{identity}", seed) % 10_000
