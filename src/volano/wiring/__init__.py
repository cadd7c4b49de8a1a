"""Which adapters are in use: the one folder that knows them, and that reads the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from volano.domain.account import Source
from volano.errors import BadInput, BrokenHome
from volano.ports import (
    CapCounter,
    Census,
    Corrections,
    Journal,
    Lake,
    Outside,
    PersonalKeys,
    Profiles,
    Sql,
    State,
    TableFile,
    Upkeep,
)
from volano.settings import Settings

if TYPE_CHECKING:
    from volano.adapters.journal_file import FileJournal
    from volano.adapters.keys_lmdb import LmdbKeys
    from volano.adapters.lake_duckdb import DuckLake
    from volano.adapters.lake_s3 import S3Files
    from volano.adapters.state_sql import SqlState

FIRST = "j0"  # the journal of the process that drains them all


def _nobody() -> Sequence[Journal]:
    return ()


def _nowhere(_address: str) -> str:
    return ""


def _cut_off() -> Outside:
    raise BadInput("this house has no way to servers of others")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything a command or a request needs of the outside.

    `journal` is what this process appends to, `others` gives those that other processes do or did. `geo` is
    the country (ISO 3166-1 alpha-2) of an address, "" where it is not known; `outside` is the way to servers
    of others, made when it is first asked for. Digests of secret keys are made with `pepper`, which is not in
    the state.
    """

    settings: Settings
    home: Path
    lake: Lake
    upkeep: Upkeep
    corrections: Corrections
    journal: Journal
    state: State
    profiles: Profiles
    census: Census
    caps: CapCounter
    keys: PersonalKeys
    pepper: bytes
    others: Callable[[], Sequence[Journal]] = _nobody
    geo: Callable[[str], str] = _nowhere
    outside: Callable[[], Outside] = _cut_off

    def journals(self) -> list[Journal]:
        """All that is to be brought to the lake, the own journal first."""
        return [self.journal, *self.others()]


def read_settings(environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from `VOLANO_<NAME>` variables; what is given and not None wins.

    >>> read_settings({"VOLANO_PORT": "9000"}, home="/tmp/x").port
    9000
    """
    known = os.environ if environment is None else environment
    found: dict[str, Any] = {}
    for field in fields(Settings):
        text = known.get(f"VOLANO_{field.name.upper()}")
        if text is not None:
            found[field.name] = _as(type(getattr(Settings(), field.name)), field.name, text)
    return replace(Settings(), **found | {name: value for name, value in given.items() if value is not None})


def _as(kind: type, name: str, text: str) -> str | int | bool:
    if kind is bool:
        if text.lower() not in ("0", "1", "true", "false", "yes", "no"):
            raise BadInput(f"VOLANO_{name.upper()} is {text!r}; it must be true or false")
        return text.lower() in ("1", "true", "yes")
    if kind is int:
        if not text.isdecimal():
            raise BadInput(f"VOLANO_{name.upper()} is {text!r}; it must be a whole number")
        return int(text)
    return text


def open_house(settings: Settings, *, make: bool = True, journal: str = FIRST) -> House:
    """Open the data directory; BrokenHome if it cannot be used, or is not there and shall not be made.

    `journal` is the name of the one this process appends to: no two processes may have the same.
    """
    from volano.adapters.backup import clear_stages
    from volano.adapters.caps_lmdb import LmdbCaps
    from volano.adapters.pepper_file import pepper_of

    home = Path(settings.home).resolve() if make else _made_home(settings)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "imports").mkdir(exist_ok=True)
    except OSError as error:
        raise BrokenHome(
            f"the data directory {home} cannot be made ({error.strerror}); choose another with --home"
        ) from error
    clear_stages(home)
    lake = _open_lake(settings, home)
    profiles, census = _open_profiles(settings, home / "profiles")
    return House(
        settings=settings,
        home=home,
        lake=lake,
        upkeep=lake,
        corrections=lake,
        journal=_open_journal(settings, home, journal, lake),
        state=open_state(settings),
        profiles=profiles,
        census=census,
        caps=LmdbCaps(home / "caps"),
        keys=open_keys(home),
        pepper=pepper_of(home),
        others=_others(settings, home, journal, lake),
        geo=_open_geo(settings.geoip),
        outside=cache(partial(open_outside, settings)),
    )


def _open_lake(settings: Settings, home: Path) -> DuckLake:
    from volano.adapters.lake_duckdb import DuckLake

    place = bucket_of(settings, home / "lake") or home / "lake"
    return DuckLake(place, settings.buckets, keys=open_keys(home))


def open_keys(home: Path) -> LmdbKeys:
    """The keys of what is sealed in the lake of a home."""
    from volano.adapters.keys_lmdb import LmdbKeys

    return LmdbKeys(home / "keys")


def bucket_of(settings: Settings, folder: Path) -> S3Files | None:
    """The lake in a bucket, with its folder here; None if it is in the home."""
    if not settings.lake:
        return None
    if not settings.lake.startswith("s3://"):
        raise BadInput(f"VOLANO_LAKE is {settings.lake!r}; it must be an address such as s3://bucket/folder")
    from volano.adapters.lake_s3 import S3Files, s3_system

    return S3Files(settings.lake, folder, s3_system(os.environ))


def open_outside(settings: Settings) -> Outside:
    """The way to servers of others."""
    from volano.adapters.outside_http import HttpOutside

    return HttpOutside(settings.hook_networks)


def _open_profiles(settings: Settings, folder: Path) -> tuple[Profiles, Census]:
    """The profiles, in their folder or on a server, with the census that is kept beside them."""
    from volano.adapters.census_parquet import ParquetCensus
    from volano.adapters.profiles_place import name_of, stays

    if settings.profiles:
        from volano.adapters.profiles_valkey import ValkeyProfiles
        from volano.adapters.valkey_room import ValkeyRoom

        served = ValkeyProfiles(ValkeyRoom(settings.profiles, name_of(folder)), folder)
        return served, ParquetCensus(folder, served.notes)
    from volano.adapters.profiles_lmdb import LmdbProfiles

    stays(folder)
    local = LmdbProfiles(folder)
    return local, ParquetCensus(folder, local.notes)


def look_at_profiles(settings: Settings) -> list[tuple[str, str]]:
    """How the server of the profiles is, if they are on one: sentences, each with its mend or "".

    BrokenHome if it cannot be used.
    """
    if not settings.profiles:
        return []
    from volano.adapters.valkey_report import looked_at
    from volano.adapters.valkey_room import ValkeyRoom

    return looked_at(ValkeyRoom(settings.profiles, ""))


def _open_geo(path: str) -> Callable[[str], str]:
    if not path:
        return _nowhere
    from volano.adapters.geo_maxmind import open_geo

    return open_geo(path)


def _open_journal(settings: Settings, home: Path, name: str, lake: Lake) -> FileJournal:
    from volano.adapters.journal_file import FileJournal, Limits

    limits = Limits(budget=settings.journal_budget)
    return FileJournal(home / "journal", name, start=lake.offset(name), limits=limits)


def _others(settings: Settings, home: Path, own: str, lake: Lake) -> Callable[[], list[Journal]]:
    """The journals of other processes, those of an earlier run too; each is opened once."""
    known: dict[str, Journal] = {}

    def others() -> list[Journal]:
        for name in journal_names(home):
            if name != own and name not in known:
                known[name] = _open_journal(settings, home, name, lake)
        return list(known.values())

    return others


def journal_names(home: Path) -> list[str]:
    """Of the journals in a home, in order: j0, j1, …"""
    found = [path.name for path in (home / "journal").glob("j*") if path.is_dir()]
    numbers = [int(name[1:]) for name in found if re.fullmatch(r"j\d+", name)]
    return [f"j{number}" for number in sorted(numbers)]


def open_state(settings: Settings, *, make: bool = True) -> SqlState:
    """Only the state of a home; BrokenHome if there is none and none shall be made."""
    from volano.adapters.state_owner import kept, place
    from volano.adapters.state_sql import SqlState

    home = Path(settings.home).resolve()
    if not make and not kept(home):
        raise BrokenHome(_nothing_in(home))
    return SqlState(place(home, settings.state), home)


def _made_home(settings: Settings) -> Path:
    home = Path(settings.home).resolve()
    if not (home / "lake").is_dir():
        raise BrokenHome(_nothing_in(home))
    return home


def _nothing_in(home: Path) -> str:
    return f"{home} holds no Volano data; bring some with `volano import`, or name another --home"


def open_pepper(settings: Settings) -> bytes:
    """What the digests of the secret keys of a home are made with."""
    from volano.adapters.pepper_file import pepper_of

    return pepper_of(Path(settings.home).resolve())


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalReport:
    """How a journal is: bytes that wait for the drain, torn tails cut so far, each damage in a sentence."""

    name: str
    waiting: int
    torn: int
    damage: tuple[str, ...]


def report_journals(settings: Settings) -> list[JournalReport]:
    """How the journals of a home are."""
    from volano.adapters.journal_notes import incidents

    home = Path(settings.home).resolve()
    lake = _open_lake(settings, home)
    found = []
    for name in journal_names(home):
        told = incidents(home / "journal" / name)
        waiting = _open_journal(settings, home, name, lake).end - lake.offset(name)
        damage = tuple(one.told(name) for one in told if one.what != "torn")
        found.append(JournalReport(name=name, waiting=waiting, torn=len(told) - len(damage), damage=damage))
    return found


def claim(house: House) -> list[str]:
    """Take the journal of this process for writing; what was cut off its end, a sentence each.

    Busy while another process has it.
    """
    from volano.adapters.journal_file import FileJournal

    return house.journal.claim() if isinstance(house.journal, FileJournal) else []


def disk_used(settings: Settings) -> int:
    """Bytes that a home takes on the disk."""
    from volano.adapters.disk_budget import used

    return used(Path(settings.home).resolve())


def hold_budget(house: House) -> str:
    """Refuse events while the home takes more of the disk than it may; why, or "" while it does not."""
    from volano.adapters.disk_budget import enforce

    return enforce(house.home, house.settings.disk_budget)


def verify_home(settings: Settings) -> list[str]:
    """What is damaged in a home, a line each; what was told is not changed."""
    house = open_house(settings)
    damage = house.upkeep.verify()
    house.state.find(Source)
    for journal in house.journals():
        for offset, payload in journal.read(house.lake.offset(journal.name), 1_000):
            if payload is None:
                damage.append(f"journal {journal.name} is damaged before {offset.position}")
    return damage


def open_table(path: Path, *, header: bool | None = None, delimiter: str | None = None) -> TableFile:
    """A file to import, by what is in it; BadFile if it cannot be read as rows."""
    from volano.adapters import table_file

    return table_file.open_table(path, header=header, delimiter=delimiter)


def open_remote(address: str, query: str | None = None) -> TableFile:
    """Rows to import from elsewhere: Parquet in S3, or what a query gives a PostgreSQL database.

    S3 is reached as the usual AWS_* variables say. BadInput or BadFile if there are no such rows.
    """
    from volano.adapters import table_remote

    if query is None:
        return table_remote.open_object(address, os.environ)
    return table_remote.open_query(address, query)


def open_sql(settings: Settings) -> Sql:
    """The lake of a home, for questions in SQL; BrokenHome if there is none."""
    return _open_lake(settings, _made_home(settings)).sql()
