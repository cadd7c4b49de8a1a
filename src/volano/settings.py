"""What an owner may set: plain values, read from the environment by `wiring` only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is `VOLANO_<NAME>` in the environment; `docs/reference/settings.md` lists them."""

    home: str = "./volano-data"  # the data directory
    host: str = "127.0.0.1"  # the address the server listens on
    port: int = 8765  # the port the server listens on
    buckets: int = 16  # how many buckets a new lake is split into; a power of two, fixed at creation
    currency: str = "USD"  # ISO 4217 code of amounts that come without one
    timezone: str = "UTC"  # IANA zone of times that come without an offset
    origins: str = "*"  # origins whose pages may send events, space-separated, or *
    secure_cookies: bool = False  # send the session cookie over https only
