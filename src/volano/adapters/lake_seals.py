"""Personal values of events sealed on their way into the files of a lake, and opened on their way out.

A row's personal properties and its push token are sealed as one text with AES-256-GCM-SIV (RFC 8452) under
the key of its identity, to which they are bound (associated data), since merges, unmerges and compaction move
rows and change everything else. The nonce is always the same: this cipher then tells no more than that two
rows of one identity say the same, and what a client tells at every page takes its bytes once.
"""

from __future__ import annotations

import struct
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from volano.adapters.lake_parts import conformed, longs, stored_schema
from volano.domain.event import IDENTIFIED
from volano.observe.personal import Split, joined, split, worth_a_look
from volano.ports import PersonalKeys

NEEDED = ("personal", "identity")  # columns from which these are opened:
WHOLE = frozenset({"properties", "push_token"})
_NONCE = bytes(12)
_IDENTITY = struct.Struct(">q")
_BETWEEN = "\0"  # between properties, which are JSON and have none, and a token

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Seals:
    """Seals and opens with the keys of a home; without keys rows are written as they are."""

    keys: PersonalKeys | None = None

    def sealed(self, table: str, rows: pa.Table) -> pa.Table:
        """Rows as the files of their table have them; what is sealed already stays as it is."""
        schema = stored_schema(table)
        if schema is None or "personal" not in schema.names:
            return rows
        rows = conformed(rows, schema)
        return rows if self.keys is None else _sealed(self.keys, rows)

    def opened(self, rows: pa.Table) -> pa.Table:
        """Rows of files with their personal values where they were; some of a lost key have none."""
        column = rows.column("personal")
        at = np.flatnonzero(pc.is_valid(column).to_numpy())
        if not len(at) or self.keys is None:
            return rows
        sealed = _encoded(column.take(pa.array(at)))
        codes, first, place = np.unique(np.asarray(sealed.indices), return_index=True, return_inverse=True)
        whose = longs(rows.column("identity"))[at[first]].tolist()
        keys, texts = self.keys.of(whose), sealed.dictionary.take(pa.array(codes)).to_pylist()
        told = [_open(keys.get(one), one, text) for one, text in zip(whose, texts, strict=True)]
        return _with_properties(_with_tokens(rows, at, told, place), at, told, place)


def in_the_open(rows: pa.Table) -> bool:
    """Whether some of these rows of events, as they are stored, tell of somebody."""
    some = rows.filter(pa.array(_telling(rows))).select(["push_token", "event", "properties"]).to_pylist()
    return any(one.pop("push_token") or _split(**one).personal for one in some)


def _telling(rows: pa.Table) -> npt.NDArray[np.bool_]:
    """True for the rows that may tell of somebody in the open."""
    told = worth_a_look(rows.column("event"), rows.column("properties"))
    reached = pc.fill_null(pc.not_equal(rows.column("push_token"), ""), False)
    found: npt.NDArray[np.bool_] = pc.and_(
        pc.or_(told, reached), pc.is_null(rows.column("personal"))
    ).to_numpy()
    return found


def _split(event: str | None, properties: str | None) -> Split:
    return split(properties or "", identified=event == IDENTIFIED)


def _sealed(keys: PersonalKeys, rows: pa.Table) -> pa.Table:
    """Seals what stands in the open; what rows of one identity say alike is sealed once."""
    at = np.flatnonzero(_telling(rows))
    some = rows.select(["identity", "event", "properties", "push_token"]).take(pa.array(at))
    calls, call = _distinct(some.select(["event", "properties"]))
    splits = [_split(**one) for one in calls.to_pylist()]
    rests = [
        one.rest if one.personal else text
        for one, text in zip(splits, calls.column("properties").to_pylist(), strict=True)
    ]
    said, each = _distinct(
        pa.table({"identity": some.column("identity"), "call": call, "token": some.column("push_token")})
    )
    whose = said.column("identity").to_pylist()
    plain = [
        f"{splits[one].personal}{_BETWEEN}{token or ''}" if token or splits[one].personal else None
        for one, token in zip(said.column("call").to_pylist(), said.column("token").to_pylist(), strict=True)
    ]
    made = keys.made({one for one, text in zip(whose, plain, strict=True) if text is not None})
    texts = [
        None if text is None else _seal(made[one], one, text) for one, text in zip(whose, plain, strict=True)
    ]
    marks = [keys.mark(one.email) if one.email else None for one in splits]
    new = {
        "properties": pa.array(rests, pa.string()).take(pa.array(call)),
        "push_token": pa.nulls(len(at), pa.string()),
        "personal": pa.array(texts, pa.string()).take(pa.array(each)),
        "address": pa.array(marks, pa.int64()).take(pa.array(call)),
    }
    hit = np.asarray(new["personal"].is_valid())
    return _replaced(rows, at[hit], {name: values.filter(pa.array(hit)) for name, values in new.items()})


def _distinct(rows: pa.Table) -> tuple[pa.Table, Places]:
    """Different rows, and of each row which of them it is."""
    code = np.zeros(len(rows), np.int64)
    for column in rows.columns:
        encoded = column.combine_chunks().dictionary_encode("encode")
        many = len(encoded.dictionary)
        code = np.unique(code * many + np.asarray(encoded.indices), return_inverse=True)[1]
    _, first, each = np.unique(code, return_index=True, return_inverse=True)
    return rows.take(pa.array(first)), each


def _replaced(rows: pa.Table, at: Places, new: dict[str, pa.Array]) -> pa.Table:
    mask = np.zeros(len(rows), np.bool_)
    mask[at] = True
    for name, values in new.items():
        column = pc.replace_with_mask(rows.column(name), pa.array(mask), values)
        rows = rows.set_column(rows.column_names.index(name), rows.schema.field(name), column)
    return rows


def _seal(key: bytes, identity: int, text: str) -> str:
    return b2a_base64(
        AESGCMSIV(key).encrypt(_NONCE, text.encode(), _IDENTITY.pack(identity)), newline=False
    ).decode()


def _open(key: bytes | None, identity: int, text: str) -> tuple[str, str]:
    """Push token and properties; neither when the key is lost."""
    try:
        raw = AESGCMSIV(key).decrypt(_NONCE, a2b_base64(text), _IDENTITY.pack(identity)) if key else b""
    except (InvalidTag, ValueError):  # sealed under a key that was lost, and a new one made since
        raw = b""
    properties, _, token = raw.decode().partition(_BETWEEN)
    return token, properties


def _with_tokens(rows: pa.Table, at: Places, told: list[tuple[str, str]], place: Places) -> pa.Table:
    if "push_token" not in rows.column_names:
        return rows
    known = np.array([bool(token) for token, _ in told], np.bool_)[place]
    return _with(rows, "push_token", at[known], [token for token, _ in told], place[known])


def _with_properties(rows: pa.Table, at: Places, told: list[tuple[str, str]], place: Places) -> pa.Table:
    if "properties" not in rows.column_names:
        return rows
    known = np.array([bool(text) for _, text in told], np.bool_)[place]
    at, place = at[known], place[known]
    rests = _encoded(rows.column("properties").take(pa.array(at)))
    pair = np.asarray(rests.indices.fill_null(-1)).astype(np.int64) * len(told) + place
    pairs, each = np.unique(pair, return_inverse=True)
    words = rests.dictionary.to_pylist()
    texts = [
        joined("" if one < 0 else words[one // len(told)], told[one % len(told)][1]) for one in pairs.tolist()
    ]
    return _with(rows, "properties", at, texts, each)


def _with(rows: pa.Table, name: str, at: Places, texts: list[str], which: Places) -> pa.Table:
    """The rows with other texts in some places of a column; dictionaries stay dictionaries."""
    if not len(at):
        return rows
    field, old = rows.schema.field(name), _encoded(rows.column(name))
    indices = np.array(old.indices.fill_null(-1), np.int32)
    indices[at] = len(old.dictionary) + which
    words = pa.concat_arrays([old.dictionary, pa.array(texts, pa.string())])
    new = pa.DictionaryArray.from_arrays(pa.array(indices, mask=indices < 0), words)
    return rows.set_column(rows.column_names.index(name), field, new.cast(field.type))


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A column of texts as one dictionary array."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return column.unify_dictionaries().combine_chunks()
