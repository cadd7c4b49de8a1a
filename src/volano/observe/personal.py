"""What in the properties of an event tells of somebody directly: taken out of the JSON, and put back.

Direct is what stands under a name of the identify spec that means a person's own (e-mail, phone, names,
address, birthday, avatar), as a property or one level deep, in any case and with `_`, `-` or blanks between
the words; `name` by itself only in an identify call and in traits that another event brings along (a product
has a name, too); and any text that is an e-mail address, whatever it is called. `true`, `false` and `null`
(`consent.email`) tell of nobody.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.event import IDENTIFIED

_TRAITS = ("traits", "$set", "$set_once")  # objects of traits within other events

_B = r"[-_ ]?"  # what may stand between words
_NAMES = "|".join(
    [
        rf"e{_B}mail(?:{_B}address)?",
        rf"(?:mobile|cell|home|work)?{_B}(?:tele)?phone(?:{_B}number)?",
        rf"(?:first|middle|last|full|given|family|user){_B}name",
        rf"(?:home|shipping|billing|delivery|postal|street)?{_B}address(?:{_B}line)?{_B}[1-3]?",
        rf"street{_B}[1-3]?",
        rf"birth{_B}(?:day|date)",
        rf"date{_B}of{_B}birth",
        "avatar",
    ]
)
_NAMED = re.compile(rf"\$?(?:{_NAMES})", re.I)
_ADDRESS = re.compile(r'"([^"@\s]{1,100}@[^"@\s]{1,200})"')
_WORTH_A_LOOK = (  # for RE2; a letter may also be written as its number
    rf'(?i)"(?:\$?(?:{_NAMES})|traits|\$set|\$set_once)"\s*:|"[^"@\s]{{1,100}}@[^"@\s]{{1,200}}"|\\u00[4-7]'
)

_DIRECT = 10_000  # names that are remembered

_Members = dict[str, msgspec.Raw]
_members = msgspec.json.Decoder(_Members)
_encode = msgspec.json.Encoder().encode


class Split(NamedTuple):
    """JSON objects: what is left of some properties, and what was taken out ("": nothing).

    `email` is an address among what was taken out, that under the name e-mail if there is one.
    """

    rest: str
    personal: str
    email: str


def worth_a_look(event: pa.ChunkedArray, properties: pa.ChunkedArray) -> pa.ChunkedArray:
    """True where properties may tell of somebody; nearly no other row is true."""
    told = pc.match_substring_regex(properties, _WORTH_A_LOOK)
    return pc.fill_null(pc.or_kleene(told, pc.equal(event, IDENTIFIED)), False)


def split(properties: str, *, identified: bool) -> Split:
    """The properties in two; `identified` are those of an identify call. What is no JSON stays as it is.

    >>> split('{"plan":"pro","email":"ann@shop.example"}', identified=False)
    Split(rest='{"plan":"pro"}', personal='{"email":"ann@shop.example"}', email='ann@shop.example')
    >>> split('{"name":"Shoe","traits":{"name":"Ann","vip":true}}', identified=False)[:2]
    ('{"name":"Shoe","traits":{"vip":true}}', '{"traits":{"name":"Ann"}}')
    """
    try:
        rest, personal, emails = _split(_members.decode(properties), 1, whole=identified)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Split(properties, "", "")
    if not personal:
        return Split(properties, "", "")
    email = emails.get(True) or emails.get(False) or ""
    return Split(_encode(rest).decode(), _encode(personal).decode(), email)


def joined(rest: str, personal: str) -> str:
    """The properties that were split so.

    >>> joined('{"a":1,"traits":{"vip":true}}', '{"email":"x@y.z","traits":{"name":"Ann"}}')
    '{"a":1,"traits":{"vip":true,"name":"Ann"},"email":"x@y.z"}'
    """
    if ":{" not in personal:
        return _spliced(rest, personal)
    members = _members.decode(rest)
    for name, value in _members.decode(personal).items():
        inner = members.get(name)
        both = value if inner is None else _spliced(bytes(inner).decode(), bytes(value).decode()).encode()
        members[name] = msgspec.Raw(both)
    return _encode(members).decode()


def _spliced(rest: str, personal: str) -> str:
    """Two objects as one; both are written without blanks around."""
    return personal if rest in ("", "{}") else f"{rest[:-1]},{personal[1:]}"


def _split(members: _Members, depth: int, *, whole: bool) -> tuple[_Members, _Members, dict[bool, str]]:
    """What is left, what is personal, and an address of the name e-mail (True) or of another (False).

    In a `whole` object `name` is a person's.
    """
    rest: _Members = {}
    personal: _Members = {}
    emails: dict[bool, str] = {}
    for name, raw in members.items():
        value = bytes(raw)
        address = _address(value)
        direct = value[:1] not in b"tfn" and (_is_direct(name) or (whole and name.lower() == "name"))
        if direct or address:
            personal[name] = raw
            emails |= {"mail" in name.lower(): address} if address else {}
        elif value[:1] == b"{" and depth:
            kept, taken, more = _split(_members.decode(value), depth - 1, whole=name in _TRAITS)
            if kept or not taken:
                rest[name] = raw if not taken else msgspec.Raw(_encode(kept))
            if taken:
                personal[name] = msgspec.Raw(_encode(taken))
            emails = more | emails
        else:
            rest[name] = raw
    return rest, personal, emails


_direct: dict[str, bool] = {}


def _is_direct(name: str) -> bool:
    """Whether a property of that name is a person's own; the names of a shop come again and again."""
    known = _direct.get(name)
    if known is None:
        known = _NAMED.fullmatch(name) is not None
        if len(_direct) < _DIRECT:
            _direct[name] = known
    return known


def _address(value: bytes) -> str:
    """The e-mail address that a JSON text is; "" for anything else."""
    if value[:1] != b'"' or (b"@" not in value and b"\\u" not in value):
        return ""
    try:
        text: str = msgspec.json.decode(value)
    except msgspec.DecodeError:  # half of a character
        return ""
    return text if _ADDRESS.fullmatch(f'"{text}"') else ""
