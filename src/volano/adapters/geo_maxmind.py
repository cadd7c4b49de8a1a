"""The country of a network address, from a MaxMind file that the operator supplies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from volano.errors import BrokenHome

_PLACES = ("country", "registered_country")


def open_geo(path: str) -> Callable[[str], str]:
    """A function from an address to its country (ISO 3166-1 alpha-2, "" where the file has none).

    Without a path nothing is known. BrokenHome if the file cannot be used. City files serve as well as
    country files; the file is read into memory, so it may be replaced while the server runs.
    """
    if not path:
        return lambda address: ""
    import maxminddb

    try:
        reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise BrokenHome(
            f"the file of countries {path} cannot be used ({error}); download it again or unset the setting"
        ) from error

    def country(address: str) -> str:
        try:
            found = reader.get(address)
        except (ValueError, maxminddb.InvalidDatabaseError):
            return ""
        return _code(found)

    return country


def _code(found: Any) -> str:
    for place in _PLACES if isinstance(found, Mapping) else ():
        told = found.get(place)
        code = told.get("iso_code") if isinstance(told, Mapping) else None
        if isinstance(code, str) and len(code) == 2:
            return code.upper()
    return ""
