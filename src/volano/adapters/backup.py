"""A home in one file: packed while the server runs on, unpacked into a new place.

What makes it consistent: lake and journal are linked while the lake cannot commit, so that no segment behind
the position that its manifest names can be forgotten; the state comes last. Profiles are left out: they are
rebuilt from the lake. Beside the file lie a small index (`backup_index`), which names whom we have forgotten
since, and the keys of what is sealed in the lake (`backup_keys`).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from volano.adapters.backup_index import finish, noted, noting
from volano.adapters.backup_keys import keys_coming, write_keys
from volano.adapters.journal_notes import DRAINED, NO_ROOM
from volano.adapters.keys_lmdb import LmdbKeys
from volano.adapters.lake_files import SORTING
from volano.adapters.lake_holds import abandoned, held
from volano.adapters.pepper_file import NAME as PEPPER
from volano.errors import BadFile, BrokenHome

Move = Callable[[int, int], None]
STATE = "state.db"  # in a home, and in a backup of any
_MARK = "volano-backup-1"
_PASSING = ("lock", "preparing", "unswept", DRAINED, NO_ROOM)  # of a server that runs, not of what it knows
_STAGED, _UNPACKED = ".backup-", ".restore-"  # how the folders of a backup and a restore under way begin


class Elsewhere(Protocol):
    """A lake whose files are not in the home: `ahead` copies them while others go on, `rest` what lacks.

    `rest` is called while the lake cannot commit and returns what the backup is to hold of it, by name.
    """

    def ahead(self) -> None: ...

    def rest(self) -> dict[str, bytes]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The state of a home, wherever it is: `copy_to` writes all of it to a SQLite file.

    `begun` is called when whom we forget from now on can be noted, before anything is read.
    """

    begun: Callable[[], object]
    copy_to: Callable[[Path], object]


def pack(
    home: Path,
    target: Path,
    move: Move,
    *,
    now: int,
    state: Kept,
    lake: Elsewhere | None = None,
) -> int:
    """Write the home to `target` (.tar.gz), all of it or nothing; the number of files in it.

    Beside it come its index, `<target>.index.json`, and the keys, `<target>.keys`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = _half(target)
    with (
        noting(target, made_at=now),
        held(home / "lake" / "preparing", fcntl.LOCK_SH),  # nobody sweeps meanwhile
        tempfile.TemporaryDirectory(dir=home, prefix=_STAGED) as staged,
        held(Path(staged)),
    ):
        state.begun()
        stage = Path(staged)
        (stage / _MARK).write_text(str(now))
        _stage_events(home, stage, lake)
        write_keys(keys_coming(target), LmdbKeys(home / "keys"))  # whatever was sealed has its key by now
        _link_all(home / "imports", stage / "imports")
        with suppress(FileNotFoundError):  # a home of before there were secret keys
            os.link(home / PEPPER, stage / PEPPER)
        state.copy_to(stage / STATE)
        found = sorted(path for path in stage.rglob("*") if path.is_file())
        files = sorted(
            found, key=lambda path: path.name != _MARK
        )  # the mark first, where it is found at once
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds people and keys
            fcntl.flock(handle, fcntl.LOCK_EX)
            with (
                open(handle, "wb") as file,
                tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive,
            ):
                for done, path in enumerate(files):
                    archive.add(path, arcname=str(path.relative_to(stage)), recursive=False)
                    move(done + 1, len(files))
            finish(target, beside, offsets=_ends(stage / "journal"))
        finally:
            beside.unlink(missing_ok=True)
    return len(files) - 1


def clear_stages(home: Path) -> None:
    """Deletes the folders that backups and restores of a home left when they were killed."""
    stages = [*home.glob(f"{_STAGED}*"), *home.parent.glob(f"{_UNPACKED}*")]
    for stage in filter(abandoned, stages):
        shutil.rmtree(stage, ignore_errors=True)


def clear_halves(targets: Iterable[Path]) -> None:
    """Deletes the half files that backups to these files left when they were killed."""
    for half in filter(abandoned, map(_half, targets)):
        half.unlink(missing_ok=True)


def _half(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def forgotten_in(path: Path) -> list[int]:
    """The identities that a backup must not bring back: those noted since it was made."""
    return noted(path, since=_made_at(path))


def _made_at(path: Path) -> int:
    """When a backup was made; 0 if it does not say."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            first = archive.next()
            mark = archive.extractfile(first) if first is not None and first.name == _MARK else None
            return int(mark.read() or 0) if mark is not None else 0
    except (tarfile.TarError, EOFError, OSError, ValueError):
        return 0


def _ends(journals: Path) -> dict[str, int]:
    """Where each of the journals in a folder ends."""
    last = {path.parent.name: path for path in sorted(journals.glob("*/*.log"))}
    return {name: int(path.stem) + path.stat().st_size for name, path in last.items()}


def unpack(file: Path, home: Path, move: Move, put_away: Callable[[Path], object] = lambda _: None) -> int:
    """Make a home of a backup; BadFile if it is none, BrokenHome if there is something in the way.

    `put_away` is called with the home before it has its name, to take elsewhere what is to be there; it may
    refuse.
    """
    if home.exists() and any(home.iterdir()):
        raise BrokenHome(f"{home} is not empty; restore into a new directory with --home")
    if not file.is_file():
        raise BadFile(f"{file} is not there; name a file that `volano backup` wrote")
    home.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(dir=home.parent, prefix=_UNPACKED))
    try:
        with held(stage), tarfile.open(file, "r:gz") as archive:
            members = archive.getmembers()
            if _MARK not in {member.name for member in members}:
                raise BadFile(f"{file} is no Volano backup; name a file that `volano backup` wrote")
            for done, member in enumerate(members):
                archive.extract(member, stage, filter="data")
                move(done + 1, len(members))
        (stage / _MARK).unlink()
        put_away(stage)
        if home.exists():
            home.rmdir()
        stage.rename(home)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadFile(f"{file} cannot be read as a backup ({error}); is it whole?") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return len(members) - 1


def _stage_events(home: Path, stage: Path, lake: Elsewhere | None) -> None:
    """Links lake and journals while no commit is possible; files of the lake never change, segments grow."""
    if lake is not None:
        lake.ahead()
    with (home / "lake" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if lake is None:
            _link_all(home / "lake", stage / "lake")
        else:
            (stage / "lake").mkdir()
            for name, content in lake.rest().items():
                (stage / "lake" / name).write_bytes(content)
        _link_all(home / "journal", stage / "journal")


def _link_all(source: Path, stage: Path) -> None:
    stage.mkdir()
    for path in sorted(source.rglob("*")):
        place = stage / path.relative_to(source)
        if place.relative_to(stage).parts[0].startswith(SORTING):
            continue
        if path.is_dir():
            place.mkdir()
        elif path.name not in _PASSING:
            with suppress(FileNotFoundError):  # a segment the lake has been past for long was just forgotten
                os.link(path, place)
