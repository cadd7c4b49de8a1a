"""Who may send, who may look, and what was brought in."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256

import msgspec

SHOWN = 7  # characters of a key by which a person knows it again
SCOPES: Mapping[str, str] = {
    "people:read": "find people and read all that is kept of them",
    "people:forget": "forget people for ever",
    "segments:read": "read segments and who is in them",
}  # what a secret key may be good for, in words


class WriteKey(msgspec.Struct, frozen=True, kw_only=True):
    """One write key of a source, known by its hash.

    A write key is public (it stands in web pages) and can only write: SHA-256 keeps it out of backups
    and off screens, and is no password hash. `good_until` is UTC µs, 0 for no end.
    """

    hash: str
    shown: str  # its first characters
    made_at: int = 0
    good_until: int = 0

    @classmethod
    def of(cls, key: str, *, made_at: int = 0) -> WriteKey:
        """What is kept of a key.

        >>> WriteKey.of("wk_abcdefghij").shown
        'wk_abcd'
        """
        return cls(hash=key_hash(key), shown=key[:SHOWN], made_at=made_at)


def key_hash(key: str) -> str:
    """The SHA-256 of a write key, in hexadecimal; a lone surrogate has one too."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place events come from, with its write keys: the newest last.

    `write_key` is what homes of the first version kept in the clear: it is hashed as soon as it is read,
    and is always empty afterwards. `origins` are the pages that may send, space-separated; empty: those
    of the settings. Times are UTC µs, 0 for never.
    """

    key: str
    name: str
    keys: tuple[WriteKey, ...] = ()
    origins: str = ""
    made_at: int = 0
    rotated_at: int = 0
    revoked_at: int = 0
    write_key: str = ""

    def __post_init__(self) -> None:
        """Hash a key that came in the clear."""
        if self.write_key:
            known = WriteKey.of(self.write_key, made_at=self.made_at)
            msgspec.structs.force_setattr(self, "keys", (*self.keys, known))
            msgspec.structs.force_setattr(self, "write_key", "")

    @property
    def shown(self) -> str:
        """The beginning of its newest write key, for people.

        >>> Source(key="web", name="Web", write_key="wk_abcdefghij").shown
        'wk_abcd…'
        """
        return f"{self.keys[-1].shown}…" if self.keys else ""


class SecretKey(msgspec.Struct, frozen=True, kw_only=True):
    """What lets another program ask about people, or forget them, known by an HMAC of its secret.

    `scopes` are those of SCOPES that it has. Times are UTC µs, 0 for never or no end.
    """

    key: str
    name: str
    digest: str
    shown: str  # the first characters of the secret
    scopes: tuple[str, ...]
    made_at: int = 0
    good_until: int = 0
    revoked_at: int = 0


class KeyUse(msgspec.Struct, frozen=True, kw_only=True):
    """When the secret key `key` was last used (UTC µs), to the minute.

    It stands beside the key, so that noting a use never puts back a key that was revoked meanwhile.
    """

    key: str
    at: int


def secret_digest(secret: str, pepper: bytes) -> str:
    """The HMAC-SHA256 of a secret under the pepper of a home, in hexadecimal (RFC 2104)."""
    return hmac.new(pepper, secret.encode("utf-8", "surrogatepass"), sha256).hexdigest()


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may open the console."""

    key: str
    password_hash: str
    changed_at: int = 0


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in browser; `key` is a hash of the cookie."""

    key: str
    user: str
    csrf: str
    expires_at: int


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """One file brought in; counts are of rows, money in minor units."""

    key: str
    file: str
    kind: str
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    people: int = 0
    revenue_minor: int = 0
    currency: str = ""
    made_at: int = 0
    undone_at: int = 0
