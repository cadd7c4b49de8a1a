"""A home in a backup and back, wherever its lake, its state and its keys are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from volano.domain.backup import Backup
from volano.ports import State
from volano.settings import Settings
from volano.wiring import bucket_of, look_at_profiles, open_house, open_keys, open_state


def backup_home(settings: Settings, target: Path, move: Callable[[int, int], None], *, now: int) -> int:
    """Write the home to one file, and remember where (`now`, UTC µs); the number of files in it.

    A lake in a bucket is copied there, beside itself.
    """
    from volano.adapters.backup import Kept, pack
    from volano.adapters.lake_s3_backup import Copies

    home, path = Path(settings.home).resolve(), str(target.resolve())
    state, told = open_state(settings, make=False), Backup(key=path, path=path, made_at=now)
    kept = Kept(begun=lambda: state.put(told), copy_to=state.copy_to)
    bucket = bucket_of(settings, home / "lake")
    copies = Copies(bucket, now=now) if bucket is not None else None
    try:
        return pack(home, target, move, now=now, state=kept, lake=copies)
    except BaseException:
        if copies is not None:
            copies.drop()
        raise
    finally:
        if not target.is_file():
            state.drop(Backup, path)


def forget_in_backups(state: State, hashes: Sequence[int], *, now: int) -> tuple[list[str], list[str]]:
    """Note beside each backup that these identities are forgotten; files reached, and out of reach."""
    from volano.adapters.backup import clear_halves
    from volano.adapters.backup_index import note_forgotten

    paths = [backup.path for backup in state.find(Backup)]
    clear_halves(map(Path, paths))
    reached = {path: note_forgotten(Path(path), hashes, at=now) for path in paths}
    return [path for path in paths if reached[path]], [path for path in paths if not reached[path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """How many files came back, and what is to be said of them in a sentence ("": nothing)."""

    files: int
    warning: str


def restore_home(settings: Settings, file: Path, move: Callable[[int, int], None]) -> Restored:
    """Make the home of a backup, its profiles rebuilt.

    The identities that we have forgotten since it was written are forgotten again, and only those: who is
    one with them in the backup may have been parted from them before.
    """
    from volano.adapters.backup import forgotten_in, unpack
    from volano.adapters.backup_keys import keys_place, take_back
    from volano.flow.forgetting import forget_just
    from volano.flow.ingest import drain_all, rebuild_profiles
    from volano.flow.knowledge import knowledge

    look_at_profiles(settings)  # before anything is written
    gone = forgotten_in(file)
    home = Path(settings.home).resolve()
    warnings = []

    def put_away(stage: Path) -> None:
        warnings.append(take_back(keys_place(file), open_keys(stage), stage / "lake"))
        _put_away(settings, stage)

    files = unpack(file, home, move, put_away)
    house, now = open_house(settings), time.time_ns() // 1000
    by = knowledge(house.state, settings)
    names = [journal.name for journal in house.journals()]
    rebuild_profiles(house.lake, house.profiles, names, now=now, by=by)
    if gone:
        forget_just(house, gone, now=now, drain=lambda: drain_all(house))
    return Restored(files=files, warning=warnings[0])


def _put_away(settings: Settings, stage: Path) -> None:
    """Take lake and state of an unpacked home to where the settings want them."""
    from volano.adapters.backup import STATE
    from volano.adapters.lake_s3_backup import put_back
    from volano.adapters.state_sql import SqlState

    elsewhere = SqlState(settings.state, stage) if settings.state else None  # it may refuse
    put_back(stage / "lake", bucket_of(settings, stage / "lake"))
    if elsewhere is not None:
        elsewhere.take_from(stage / STATE)
