"""Secret keys of other programs: made, shown once, known again, taken away."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from secrets import token_urlsafe

from msgspec.structs import replace

from volano.domain.account import SCOPES, SHOWN, KeyUse, SecretKey, secret_digest
from volano.domain.durations import DAY
from volano.domain.slug import free_slug
from volano.errors import BadInput, NotFound
from volano.ports import State

PREFIX = "sk_"
LONGEST_NAME = 100  # characters
LONGEST_LIFE = 3_650  # days


def make(
    state: State,
    pepper: bytes,
    name: str,
    scopes: Collection[str],
    *,
    now: int,
    days: float | None = None,
) -> tuple[SecretKey, str]:
    """A new key with these scopes, and its secret, which nobody can be shown again.

    It is good for `days`, None: until it is revoked. BadInput, in one sentence, if it cannot be made.
    """
    if not name.strip() or len(name) > LONGEST_NAME:
        raise BadInput(
            f"the key needs a name of at most {LONGEST_NAME} characters: say who will use it, such as CRM"
        )
    if days is not None and not 0 < days <= LONGEST_LIFE:
        raise BadInput(f"the key shall be good for {days:g} days; that must be from 0 to {LONGEST_LIFE:,}")
    secret = new_secret()
    key = SecretKey(
        key=free_slug(name, {one.key for one in state.find(SecretKey)}, "key"),
        name=name.strip(),
        digest=secret_digest(secret, pepper),
        shown=secret[:SHOWN],
        scopes=_scopes(scopes),
        made_at=now,
        good_until=0 if days is None else now + int(days * DAY),
    )
    state.put(key)
    return key, secret


def holder(state: State, pepper: bytes, secret: str) -> SecretKey | None:
    """The key with this secret, be it still good or not; how long it takes tells nothing of others."""
    digest = secret_digest(secret, pepper)
    found = [one for one in state.find(SecretKey) if hmac.compare_digest(one.digest, digest)]
    return found[0] if found else None


def key_of(state: State, key: str) -> SecretKey:
    """The key of this name; NotFound names those there are."""
    try:
        return state.get(SecretKey, key)
    except NotFound as error:
        known = ", ".join(one.key for one in state.find(SecretKey)) or "none"
        raise NotFound(f"there is no secret key {key!r}; there are: {known}") from error


def revoke(state: State, key: str, *, now: int) -> SecretKey:
    """Refuse whatever comes with it from now on."""
    found = key_of(state, key)
    return _put(state, found if found.revoked_at else replace(found, revoked_at=now))


def reinstate(state: State, key: str) -> SecretKey:
    """Take a revocation back: it is good again."""
    return _put(state, replace(key_of(state, key), revoked_at=0))


def last_uses(state: State) -> dict[str, int]:
    """When each key that was ever used was so for the last time (UTC µs)."""
    return {use.key: use.at for use in state.find(KeyUse)}


def new_secret() -> str:
    """A secret nobody has: 256 random bits.

    >>> len(new_secret())
    46
    """
    return f"{PREFIX}{token_urlsafe(32)}"


def _put(state: State, key: SecretKey) -> SecretKey:
    state.put(key)
    return key


def _scopes(wanted: Collection[str]) -> tuple[str, ...]:
    """The scopes in the order of SCOPES, each once."""
    for one in wanted:
        if one not in SCOPES:
            raise BadInput(f"{one[:60]!r} is no scope; there are: {', '.join(SCOPES)}")
    if not wanted:
        raise BadInput(f"say what the key is good for, one or more of: {', '.join(SCOPES)}")
    return tuple(one for one in SCOPES if one in wanted)
