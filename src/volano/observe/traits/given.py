"""What was said of a person: traits given by the shop, answers given by the person, and consent.

The properties of `Identified` rows count, in the words of the shop: texts, numbers, flags, lists of texts
and what lies one level deep (`consent.email`). The last word on each key counts; of two words of one moment
the one later in the alphabet of their JSON. A key with its value may take ROOM characters (longer texts are
cut, anything else longer is left out); the KEYS keys told last are known, and beside them always the address
and the CONSENTS consents told last. `null` takes a word back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from volano.domain.event import IDENTIFIED
from volano.domain.profile import ADDRESS, Profile
from volano.observe.traits.history import History
from volano.observe.traits.properties import read, read_once
from volano.observe.traits.trait import Columns, Field, Trait

KEYS = 64
CONSENTS = 64
ROOM = 128  # characters
TRAITS = "traits."  # how the fact of each begins: a rule says `traits.plan`
CONSENT = "consent."
_LARGEST = 2**63
_NUMBER = 20  # characters that a number may take
_PLAIN = (bool, float, type(None))

Given = dict[str, tuple[int, Any]]
_encode = msgspec.json.Encoder().encode


def tally(history: History) -> Columns:
    """The last word on each key."""
    rows = np.flatnonzero(history.among(IDENTIFIED))
    if not len(rows):
        return {}
    given: list[Given] = [{} for _ in range(len(history))]
    for place, moment, told in read_once(history, rows, lambda text: list(words(read(text)))):
        said = given[place]
        for key, value in told:
            before = said.get(key)
            said[key] = (moment, value) if before is None else _later(before, (moment, value))
    return {"given": [_latest(said) for said in given]}


def words(told: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The keys and values that are kept of an object.

    >>> dict(words({"plan": "pro", "consent": {"email": True}, "deep": {"a": {"b": 1}}}))
    {'plan': 'pro', 'consent.email': True}
    """
    for key, value in told.items():
        inner = (
            {f"{key}.{name}": each for name, each in value.items()} if type(value) is dict else {key: value}
        )
        for name, each in inner.items():
            kept = _kept(name, each)
            if kept is not _NOTHING:
                yield name, kept


class _Nothing:
    """Stands for a value that is not kept."""


_NOTHING = _Nothing()


def _kept(key: str, value: Any) -> Any:
    kind, room = type(value), ROOM - len(key)
    if kind is str and room > 0:
        return value[:room]
    if kind is int:
        return value if -_LARGEST <= value < _LARGEST and room >= _NUMBER else _NOTHING
    if kind is list:
        fits = all(type(each) is str for each in value) and sum(map(len, value)) + len(value) <= room
        return value if fits else _NOTHING
    return value if room >= _NUMBER and kind in _PLAIN else _NOTHING


def _later(one: tuple[int, Any], other: tuple[int, Any]) -> tuple[int, Any]:
    if one[0] != other[0]:
        return other if one[0] < other[0] else one
    return one if one[1] is other[1] or _encode(one[1]) >= _encode(other[1]) else other


def _latest(said: Given) -> Given:
    if len(said) <= min(KEYS, CONSENTS):
        return said
    order = sorted(said, key=lambda key: (said[key][0], key))
    consents = [key for key in order if key.startswith(CONSENT)]
    others = [key for key in order if not key.startswith(CONSENT) and key not in ADDRESS]
    kept = {*consents[-CONSENTS:], *others[-KEYS:], *ADDRESS}
    return {key: said[key] for key in order if key in kept}


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """The last word of both on each key."""
    if not one.given or not other.given:
        return {"given": one.given or other.given}
    given = dict(one.given)
    for key, word in other.given.items():
        given[key] = _later(given.get(key, word), word)
    return {"given": _latest(given)}


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """All of it under `traits.`, the channels that were consented to, and the address."""
    if profile.given:
        agreed = []
        for key, (_, value) in profile.given.items():
            if value is not None:
                found[TRAITS + key] = value
                if value is True and key.startswith(CONSENT):
                    agreed.append(key.removeprefix(CONSENT))
        found["consent"] = sorted(agreed)
        if profile.email:
            found["email"] = profile.email


GIVEN = Trait(
    name="given",
    columns=("event", "properties"),
    tally=tally,
    joined=joined,
    facts=facts,
    fields={
        f"{TRAITS}*": Field(
            "Given traits", "text", "What the shop or the person said, each by its name.", "direct"
        ),
        "consent": Field(
            "Consent", "list", "Names under `consent` that are true: `consent.email` is `email`."
        ),
        "email": Field("E-mail", "text", "The address that was given.", "direct"),
    },
)
