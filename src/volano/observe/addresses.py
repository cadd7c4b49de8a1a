"""By which e-mail addresses people are found: what identify calls tell of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.event import IDENTIFIED
from volano.domain.identity import Address
from volano.observe.identity import address_key

ADDRESSED = 100  # identities of one address
COLUMNS = ("event", "identity", "properties")


class _Email(msgspec.Struct):
    email: Any = None


_email = msgspec.json.Decoder(_Email)


def addresses(events: pa.Table, known: Callable[[int], Address | None]) -> dict[int, Address]:
    """The records that rows of events (`COLUMNS`) change, by key.

    The trait `email` of an identify call counts. Any order of rows gives the same records.
    """
    found: dict[int, set[int]] = {}
    for identity, email in given_in(events):
        found.setdefault(address_key(email), set()).add(identity)
    changed = {}
    for key, some in found.items():
        before = known(key)
        together = tuple(sorted(some | set(before.identities if before else ())))[:ADDRESSED]
        if before is None or together != before.identities:
            changed[key] = Address(key=key, identities=together)
    return changed


def given_in(events: pa.Table) -> list[tuple[int, str]]:
    """The addresses that the identify calls among rows of events (`COLUMNS`) give, with who gave them."""
    calls = events.select(COLUMNS)
    calls = calls.filter(pc.equal(calls.column("event").cast(pa.string()), IDENTIFIED))
    if not calls.num_rows:
        return []
    texts = calls.column("properties").cast(pa.string())
    calls = calls.set_column(2, "properties", texts)
    calls = calls.filter(pc.fill_null(pc.match_substring(texts, '"email"'), False))
    pairs = zip(
        np.asarray(calls.column("identity")).tolist(), calls.column("properties").to_pylist(), strict=True
    )
    return [(identity, email) for identity, text in pairs if (email := _address(text))]


def _address(properties: str) -> str:
    try:
        email = _email.decode(properties).email
    except (msgspec.DecodeError, RecursionError):
        return ""
    return email if isinstance(email, str) and "@" in email else ""
