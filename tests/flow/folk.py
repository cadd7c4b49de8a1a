"""Ann on her phone, Bob on the kiosk that Ann used first: a house with all that it has of people."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.flow.site import MINUTE, NOW, Site, event, order
from volano.adapters.caps_lmdb import LmdbCaps
from volano.adapters.census_parquet import ParquetCensus
from volano.adapters.keys_lmdb import LmdbKeys
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.erasure import Receipt
from volano.domain.event import IDENTIFIED
from volano.domain.identity import Address, Identity, Kin
from volano.domain.profile import Profile
from volano.domain.registry import Seen
from volano.domain.tables import TABLES
from volano.domain.view import View
from volano.flow.forgetting import forget
from volano.flow.ingest import rebuild_profiles
from volano.observe.identity import identity
from volano.ports import CapCounter, PersonalKeys
from volano.settings import Settings
from volano.testing.caps_memory import MemoryCaps
from volano.testing.keys_memory import MemoryKeys
from volano.testing.profiles_memory import MemoryProfiles
from volano.testing.state_memory import MemoryState

ANN, BOB, PHONE, KIOSK = (identity(name) for name in ("u:ann", "u:bob", "a:phone", "a:kiosk"))


@dataclass
class House(Site):
    """A site with all that a house has of people."""

    home: Path = Path()
    state: MemoryState = field(default_factory=MemoryState)
    settings: Settings = field(default_factory=Settings)
    caps: CapCounter = field(default_factory=MemoryCaps)
    keys: PersonalKeys = field(default_factory=MemoryKeys)

    @property
    def corrections(self) -> Any:
        """The lake corrects itself."""
        return self.lake

    def journals(self) -> list[Any]:
        """The one journal."""
        return [self.journal]

    def forget(self, *ids: str, **said: Any) -> Receipt:
        """Forgets them now."""
        return forget(self, ids, now=NOW, drain=self.drain, **said)

    def profiles_of(self) -> dict[Any, Profile]:
        """The profiles as they are."""
        return dict(self.profiles.scan(Profile))

    def profiles_anew(self) -> dict[Any, Profile]:
        """The profiles made anew from the lake."""
        store = MemoryProfiles()
        rebuild_profiles(self.lake, store, now=NOW)
        return dict(store.scan(Profile))

    def text(self) -> str:
        """Everything that the lake, the store and the journal hold, as one text."""
        tables = [self.lake.read(View(tables=(name,), columns=tuple(TABLES[name].names))) for name in TABLES]
        kinds = (Identity, Kin, Address, Profile, Seen)
        records = [list(self.profiles.scan(kind)) for kind in kinds]
        waiting = list(self.journal.read(self.journal.end, 99))
        return str([[table.to_pylist() for table in tables], records, waiting])


def ann_and_bob(home: Path, *, disk: bool) -> House:
    """The house."""
    made = House(home=home)
    if disk:
        keys = LmdbKeys(home / "keys")
        made = House(
            home=home,
            keys=keys,
            lake=DuckLake(home / "lake", 2, keys=keys),
            profiles=LmdbProfiles(home / "live"),
            on_disk=ParquetCensus(home / "live", LmdbProfiles(home / "live").notes),
            caps=LmdbCaps(home / "caps"),
        )
    made.send(event(anon="phone", time=NOW), event(anon="kiosk", time=NOW + 1))
    told = {"kind": "identify", "properties": {"email": "Ann@Shop.example", "plan": "gold", "login": "ann"}}
    made.send(event(IDENTIFIED, user="ann", anon="phone", time=NOW + MINUTE, **told))
    made.send(event("Product Viewed", user="ann", anon="kiosk", time=NOW + 2 * MINUTE))
    made.send(order("o1", user="bob", anon="kiosk", time=NOW + 3 * MINUTE))
    made.drain()
    return made


def people_of(house: House) -> set[int]:
    """Of whom there are events."""
    return set(house.lake.read(View(columns=("event",)))["person_id"].to_pylist())
