"""Versions such as 1.10.2-beta as texts that sort as the versions do."""

from __future__ import annotations

import re

_BUILD = re.compile(r"^v|\+.*$")
_WIDTH = 12  # digits; longer numbers sort as texts


def version(text: str) -> str:
    """A text that sorts as the version does; a leading `v` and what follows a `+` do not count.

    A release comes after its pre-releases: with just three parts a `~` is added, which sorts last. The
    reading is that of GrowthBook's SDKs, with wider numbers.

    >>> version("1.9.0") < version("v1.10.0-rc.2") < version("1.10.0-rc.10") < version("1.10.0+build7")
    True
    """
    parts = re.split(r"[-.]", _BUILD.sub("", text))
    if len(parts) == 3:
        parts.append("~")
    return "-".join(part.rjust(_WIDTH) if part.isascii() and part.isdigit() else part for part in parts)
