"""The places events come from, and their write keys: made, shown once, replaced, taken away."""

from __future__ import annotations

import re
from secrets import token_urlsafe

from msgspec.structs import replace

from volano.domain.account import Source, WriteKey
from volano.domain.durations import DAY
from volano.domain.slug import free, free_slug
from volano.errors import BadInput, NotFound
from volano.ports import State

GRACE = 7  # days for which a replaced key is good
KEPT = 5  # keys of a source that are remembered, so that an old one is refused by name


def first_source(state: State, *, now: int) -> tuple[Source, str | None]:
    """The source every new home begins with, and its write key if it was made just now.

    Keys that an older version kept in the clear are hashed in the state.
    """
    known = state.find(Source)
    if not known:
        return make(state, "Shop", key="web", now=now)
    state.put(*known)
    return next((source for source in known if not source.revoked_at), known[0]), None


def source_of(state: State, key: str) -> Source:
    """The source with this key; NotFound names those there are."""
    try:
        return state.get(Source, key)
    except NotFound as error:
        known = ", ".join(source.key for source in state.find(Source)) or "none"
        raise NotFound(f"there is no source {key!r}; there are: {known}") from error


def make(state: State, name: str, *, now: int, key: str = "", origins: str = "") -> tuple[Source, str]:
    """A new source and its write key, which nobody can be shown again."""
    if not name.strip():
        raise BadInput("the source has no name: give it one, such as Web shop")
    told, taken = new_key(), {source.key for source in state.find(Source)}
    source = Source(
        key=free(key, taken) if key else free_slug(name, taken, "source"),
        name=name.strip(),
        keys=(WriteKey.of(told, made_at=now),),
        origins=_origins(origins),
        made_at=now,
    )
    state.put(source)
    return source, told


def rotate(state: State, key: str, *, now: int, days: float = GRACE) -> tuple[Source, str]:
    """A new write key for a source; the ones before it are good for `days` more at most."""
    source = source_of(state, key)
    if source.revoked_at:
        raise BadInput(f"the source {key!r} was revoked: add another")
    if not 0 <= days <= 365:
        raise BadInput(f"the old key shall be good for {days:g} days; that must be from 0 to 365")
    told, end = new_key(), now + int(days * DAY)
    old = [replace(one, good_until=min(one.good_until or end, end)) for one in source.keys]
    keys = (*old[1 - KEPT :], WriteKey.of(told, made_at=now))
    changed = replace(source, keys=keys, rotated_at=now)
    state.put(changed)
    return changed, told


def revoke(state: State, key: str, *, now: int) -> Source:
    """Refuse whatever comes with a key of this source, from the next second on; its past stays."""
    source = source_of(state, key)
    return _put(state, source if source.revoked_at else replace(source, revoked_at=now))


def reinstate(state: State, key: str) -> Source:
    """Take a revocation back: its keys are good again."""
    return _put(state, replace(source_of(state, key), revoked_at=0))


def rename(state: State, key: str, name: str) -> Source:
    """Call a source something else."""
    if not name.strip():
        raise BadInput("the source has no name: give it one, such as Web shop")
    return _put(state, replace(source_of(state, key), name=name.strip()))


def allow(state: State, key: str, origins: str) -> Source:
    """Let only pages of these origins (space-separated, `*`: all) send with its keys; "": as in settings."""
    return _put(state, replace(source_of(state, key), origins=_origins(origins)))


def new_key() -> str:
    """A write key nobody has: 128 random bits.

    >>> len(new_key())
    25
    """
    return f"wk_{token_urlsafe(16)}"


def _put(state: State, source: Source) -> Source:
    state.put(source)
    return source


def _origins(text: str) -> str:
    """The origins in one spelling; BadInput names the one that is none.

    >>> _origins(" https://Shop.example/  *")
    'https://shop.example *'
    """
    found = [origin.rstrip("/").lower() for origin in text.replace(",", " ").split()]
    for origin in found:
        if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s?#@]+", origin):
            raise BadInput(
                f"{origin[:100]!r} is no origin: give scheme and host, such as https://shop.example"
            )
    return " ".join(found)
