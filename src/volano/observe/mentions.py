"""Whom a text that was kept as it came names, in whatever spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

import msgspec

from volano.observe.identity import address_key, identity

NAMED = 16  # names of one event that are kept as hashes
_LOOKED_AT = 1 << 20  # characters of an event in which names are looked for

_SEPARATORS = r"\s\"'`,:;{}\[\]()<>\\=&/?#%|"
_BETWEEN = re.compile(rf"[{_SEPARATORS}]+")
_CUT = 6  # bytes from which on the end of a cut text may be the beginning of an id
_LONGEST = 100  # characters of an id of which beginnings are known
_HALF = re.compile(r"(?:\\(?:u[0-9a-fA-F]{0,3})?|%[0-9a-fA-F]?)$")  # an escape that was cut
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.S)
_CONTROLS = frozenset("bfnrt")
_ID = re.compile(
    r'"(?:userid|user_id|uid|anonymousid|anonymous_id|previousid|previous_id|distinct_id|alias'
    r'|duid|nuid|tnuid|[$](?:user_id|device_id|anon_distinct_id))"\s*:\s*("(?:[^"\\]|\\.){1,600}"|-?\d{1,40})',
    re.I,
)
_EMAIL = re.compile(r'"([^"\\@\s]{1,100}@[^"\\@\s]{1,200})"')


class Mentions:
    """Looks for ids in texts: as words of their own, or cut off where the text was cut.

    Case does not count, and JSON and addresses may have written an id in their own way.

    >>> mentions = Mentions(["ann@shop.example", "42"])
    >>> mentions.within('{"userId":"42"}'), mentions.within('{"price":142}'), mentions.within('"Ann%40sh')
    (True, False, True)
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = {one.strip().casefold() for one in ids} - {""}
        self._wordy = [one for one in self._ids if _BETWEEN.search(one)]
        self._beginnings = {
            one[:size] for one in self._ids for size in range(1, min(len(one), _LONGEST)) if _long(one[:size])
        }
        self._longest = max(map(len, self._beginnings), default=0)

    def within(self, text: str) -> bool:
        """Whether one of the ids stands in the text."""
        return bool(self._ids) and any(self._stand_in(one.casefold()) for one in _spellings(text))

    def _stand_in(self, text: str) -> bool:
        if not self._ids.isdisjoint(_BETWEEN.split(text)) or any(_stands(one, text) for one in self._wordy):
            return True
        ends = (text[-size:] for size in range(1, min(len(text), self._longest) + 1))
        return any(end in self._beginnings and _bounded(text, len(text) - len(end)) for end in ends)


def named_in(raw: bytes) -> tuple[int, ...]:
    """The hashes of the identities, and of the e-mail addresses, that the JSON text of an event gives.

    It may be broken: what stands under the names that clients use counts, whichever of them it was.

    >>> named_in(b'{"userId": 7, "x') == (identity("u:7"), identity("a:7"))
    True
    """
    text = raw[:_LOOKED_AT].decode("utf-8", "replace")
    names = dict.fromkeys(_plain(found[1]) for found in _ID.finditer(text))
    emails = dict.fromkeys(found[1] for found in _EMAIL.finditer(text))
    return hashes_of([*names][:NAMED], [*emails][:NAMED])


def hashes_of(ids: Iterable[str], emails: Iterable[str] = ()) -> tuple[int, ...]:
    """The hashes of ids, of whom it is not known what they are, and of addresses; an id may be one, too."""
    some = [one for one in ids if one]
    found = [identity(f"{kind}:{one}") for one in some for kind in "ua"]
    found += [address_key(one) for one in (*some, *emails) if "@" in one]
    return tuple(dict.fromkeys(found))


def _plain(value: str) -> str:
    try:
        return str(msgspec.json.decode(value.encode()))
    except (msgspec.DecodeError, UnicodeError):
        return value.strip('"')


def _spellings(text: str) -> list[str]:
    """The text, and what it says once its escapes are read; they may be within each other."""
    found = [_HALF.sub("", text)]
    for _ in range(2):
        found += [_unescaped(one) for one in found if "\\" in one]
        found += [unquote(one) for one in found if "%" in one]
        found = [*dict.fromkeys(found)]
    return found


def _unescaped(text: str) -> str:
    plain = _ESCAPE.sub(_character, text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(found: re.Match[str]) -> str:
    code, other = found.groups()
    return chr(int(code, 16)) if code else " " if other in _CONTROLS else other


def _stands(one: str, text: str) -> bool:
    """Whether an id that has separators in it stands in the text, and not as a part of something longer."""
    at = text.find(one)
    while at >= 0:
        if _bounded(text, at) and _bounded(text, at + len(one)):
            return True
        at = text.find(one, at + 1)
    return False


def _bounded(text: str, at: int) -> bool:
    """Whether a word may begin or end at this place."""
    return at in (0, len(text)) or not (text[at - 1].isalnum() and text[at].isalnum())


def _long(text: str) -> bool:
    return len(text) >= _CUT or len(text.encode("utf-8", "replace")) >= _CUT
