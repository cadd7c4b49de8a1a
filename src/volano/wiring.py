"""Which adapters are in use: the one file that knows them, and that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from volano.domain.account import Source
from volano.errors import BadInput, BrokenHome
from volano.ports import Journal, Lake, Profiles, State, TableFile, Upkeep
from volano.settings import Settings

_JOURNAL = "j0"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything a command or a request needs of the outside."""

    settings: Settings
    home: Path
    lake: Lake
    upkeep: Upkeep
    journal: Journal
    state: State
    profiles: Profiles


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


def open_house(settings: Settings, *, make: bool = True) -> House:
    """Open the data directory; BrokenHome if it cannot be used, or is not there and shall not be made."""
    from volano.adapters.journal_file import FileJournal
    from volano.adapters.lake_duckdb import DuckLake
    from volano.adapters.profiles_lmdb import LmdbProfiles
    from volano.adapters.state_sql import SqlState

    home = Path(settings.home).resolve()
    if not make and not (home / "lake").is_dir():
        raise BrokenHome(
            f"{home} holds no Volano data; bring some with `volano import`, or name another --home"
        )
    try:
        home.mkdir(parents=True, exist_ok=True)
        (home / "imports").mkdir(exist_ok=True)
    except OSError as error:
        raise BrokenHome(
            f"the data directory {home} cannot be made ({error.strerror}); choose another with --home"
        ) from error
    lake = DuckLake(home / "lake", settings.buckets)
    return House(
        settings=settings,
        home=home,
        lake=lake,
        upkeep=lake,
        journal=FileJournal(home / "journal", _JOURNAL, start=lake.offset(_JOURNAL)),
        state=SqlState(f"sqlite:///{home / 'state.db'}"),
        profiles=LmdbProfiles(home / "profiles"),
    )


def open_state(settings: Settings) -> State:
    """Only the state of a home."""
    from volano.adapters.state_sql import SqlState

    return SqlState(f"sqlite:///{Path(settings.home).resolve() / 'state.db'}")


def backup_home(settings: Settings, target: Path, move: Callable[[int, int], None]) -> int:
    """Write the home to one file; the number of files in it."""
    from volano.adapters.backup import pack

    return pack(Path(settings.home).resolve(), target, move)


def restore_home(settings: Settings, file: Path, move: Callable[[int, int], None]) -> int:
    """Make the home of a backup, its profiles rebuilt; the number of files in it."""
    from volano.adapters.backup import unpack
    from volano.flow.ingest import rebuild_profiles

    files = unpack(file, Path(settings.home).resolve(), move)
    house = open_house(settings)
    rebuild_profiles(house.lake, house.profiles)
    return files


def verify_home(settings: Settings) -> list[str]:
    """What is damaged in a home, a line each; what was told is not changed."""
    from volano.adapters.lake_duckdb import DuckLake

    house = open_house(settings)
    damage = house.lake.verify() if isinstance(house.lake, DuckLake) else []
    house.state.find(Source)
    for _ in house.journal.read(house.lake.offset(house.journal.name), 1_000):
        pass  # a frame that cannot be read raises BrokenHome
    return damage


def open_table(path: Path, *, header: bool | None = None, delimiter: str | None = None) -> TableFile:
    """A file to import, by what is in it; BadFile if it cannot be read as rows."""
    from volano.adapters import table_file

    return table_file.open_table(path, header=header, delimiter=delimiter)
