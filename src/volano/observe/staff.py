"""Who works at the shop, told by the addresses of identify calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Staff:
    """Persons found so far."""

    people: frozenset[int] = frozenset()

    def __add__(self, other: Staff) -> Staff:
        return Staff(self.people | other.people)


class _Told(msgspec.Struct):
    email: Any = None


_told = msgspec.json.Decoder(_Told)


def of_domains(block: pa.Table, *, domains: tuple[str, ...]) -> Staff:
    """The people of a block of identify calls (person_id, known_as, properties) with such an address.

    `domains` are in lower case, each with its `@`; the address is the trait `email` or the user id.
    """
    columns = (block[name].to_pylist() for name in ("person_id", "known_as", "properties"))
    return Staff(
        frozenset(
            person
            for person, known, properties in zip(*columns, strict=True)
            if (known or "").lower().endswith(domains) or _address(properties).endswith(domains)
        )
    )


def _address(properties: str | None) -> str:
    try:
        found = _told.decode(properties or "{}").email
    except (msgspec.DecodeError, RecursionError):
        return ""
    return found.strip().lower() if isinstance(found, str) else ""
