"""What an owner may set: plain values, read from the environment by `wiring` only."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is `VOLANO_<NAME>` in the environment; `docs/reference/settings.md` lists them."""

    home: str = "./volano-data"  # the data directory
    host: str = "127.0.0.1"  # the address the server listens on
    port: int = 8765  # the port the server listens on
    workers: int = 1  # processes that take events and decide
    buckets: int = 16  # how many buckets a new lake is split into; a power of two, fixed at creation
    currency: str = "USD"  # ISO 4217 code of amounts that come without one
    timezone: str = "UTC"  # IANA zone of times that come without an offset
    origins: str = "*"  # origins whose pages may send events, space-separated, or *
    journal_budget: int = 1 << 30  # bytes acknowledged and not yet stored; beyond it new ones get 429
    key_rate: int = 5_000  # events a second that a write key may bring, to each process; 0: no limit
    key_burst: int = 100_000  # events that a write key may bring at once, before its rate counts
    repeats_known: int = 1 << 20  # events that each process knows again at the door; 0: none
    disk_budget: int = 0  # bytes the home may take on the disk; beyond it new events get 503; 0: no limit
    retention_days: int = 0  # days after which events are dropped, by their own time; 0: never
    tidy_seconds: int = 120  # seconds between two compactions at least; 0: as soon as one pays
    lake: str = ""  # where the lake is, such as s3://bucket/folder; empty: in the home
    # where the state is, such as postgresql://user:password@host/db; empty: in the home
    state: str = field(default="", repr=False)
    # where the live profiles are, such as redis://:password@host/0; empty: in the home
    profiles: str = field(default="", repr=False)
    geoip: str = ""  # a MaxMind country file; empty: no country is looked up
    hook_networks: str = ""  # own hosts and networks that web hooks may reach, space-separated
    secure_cookies: bool = False  # send the session cookie over https only
