"""Names as keys: small, plain, and new."""

from __future__ import annotations

import re
from collections.abc import Collection

LONGEST = 40  # characters of a key that comes from a name


def free_slug(name: str, taken: Collection[str], otherwise: str) -> str:
    """The name in small letters, digits and -, with the first number that makes it new; or `otherwise`.

    >>> free_slug("Web shop!", ["web-shop"], "source"), free_slug("¡!", [], "source")
    ('web-shop-2', 'source')
    """
    return free(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST] or otherwise, taken)


def free(wanted: str, taken: Collection[str]) -> str:
    """The key, or with the first number that makes it new.

    >>> free("web/shop", ["web/shop"])
    'web/shop-2'
    """
    place, key = 2, wanted
    while key in taken:
        key, place = f"{wanted}-{place}", place + 1
    return key
