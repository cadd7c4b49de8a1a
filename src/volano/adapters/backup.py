"""A home in one file: packed while the server runs on, unpacked into a new place.

What makes it consistent: lake and journal are linked while the lake cannot commit, so that no segment behind
the position that its manifest names can be forgotten; the state comes last. Profiles are left out: they are
rebuilt from the lake. A small index beside the file names whom we have forgotten since it was written.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from volano.adapters.journal_notes import DRAINED, NO_ROOM
from volano.errors import BadFile, BrokenHome

Move = Callable[[int, int], None]
_MARK = "volano-backup-1"
_PASSING = ("lock", "preparing", DRAINED, NO_ROOM)  # of a server that runs, not of what it knows
_SORTING = "sort-"  # how the folders of a compaction under way begin


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """Identities (their hashes) that were forgotten at a moment, UTC µs."""

    at: int
    hashes: list[int]


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside a backup: when it was made, where journals end, whom it must not bring back."""

    made_at: int
    offsets: dict[str, int] = {}
    forgotten: list[Forgotten] = []


def pack(home: Path, target: Path, move: Move, *, now: int) -> int:
    """Write the home to `target` (.tar.gz), all of it or nothing; the number of files in it.

    Beside it comes its index, `<target>.index.json`.
    """
    if not (home / "state.db").is_file():
        raise BrokenHome(f"{home} holds no Volano data; name another with --home")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".backup-") as staged:
        stage = Path(staged)
        (stage / _MARK).touch()
        _stage_events(home, stage)
        _link_all(home / "imports", stage / "imports")
        _stage_state(home / "state.db", stage / "state.db")
        files = sorted(path for path in stage.rglob("*") if path.is_file())
        beside = target.with_name(f".{target.name}.part")
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds people and keys
            with (
                open(handle, "wb") as file,
                tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive,
            ):
                for done, path in enumerate(files):
                    archive.add(path, arcname=str(path.relative_to(stage)), recursive=False)
                    move(done + 1, len(files))
            _write(target, Index(made_at=now, offsets=_ends(stage / "journal")))
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    return len(files) - 1


def note_forgotten(path: Path, hashes: Iterable[int], *, at: int) -> bool:
    """Adds identities to the index beside a backup; False when that cannot be reached."""
    new = sorted(set(hashes) - set(forgotten_in(path)))
    try:
        if not path.is_file():
            return False
        index = _index(path)
        more = [Forgotten(at=at, hashes=new)] if new else []
        _write(path, msgspec.structs.replace(index, forgotten=[*index.forgotten, *more]))
    except OSError:
        return False
    return True


def forgotten_in(path: Path) -> list[int]:
    """The identities that a backup must not bring back."""
    return [one for forgotten in _index(path).forgotten for one in forgotten.hashes]


def _index(path: Path) -> Index:
    try:
        return msgspec.json.decode(_index_path(path).read_bytes(), type=Index)
    except FileNotFoundError:
        return Index(made_at=0)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadFile(f"{_index_path(path)} cannot be read ({error}); it names whom to forget") from error


def _write(path: Path, index: Index) -> None:
    place = _index_path(path)
    beside = place.with_name(f".{place.name}.part")
    beside.touch(mode=0o600)
    beside.write_bytes(msgspec.json.encode(index))
    beside.replace(place)


def _index_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.index.json")


def _ends(journals: Path) -> dict[str, int]:
    """Where each of the journals in a folder ends."""
    last = {path.parent.name: path for path in sorted(journals.glob("*/*.log"))}
    return {name: int(path.stem) + path.stat().st_size for name, path in last.items()}


def unpack(file: Path, home: Path, move: Move) -> int:
    """Make a home of a backup; BadFile if it is none, BrokenHome if there is something in the way."""
    if home.exists() and any(home.iterdir()):
        raise BrokenHome(f"{home} is not empty; restore into a new directory with --home")
    if not file.is_file():
        raise BadFile(f"{file} is not there; name a file that `volano backup` wrote")
    home.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(dir=home.parent, prefix=".restore-"))
    try:
        with tarfile.open(file, "r:gz") as archive:
            members = archive.getmembers()
            if _MARK not in {member.name for member in members}:
                raise BadFile(f"{file} is no Volano backup; name a file that `volano backup` wrote")
            for done, member in enumerate(members):
                archive.extract(member, stage, filter="data")
                move(done + 1, len(members))
        (stage / _MARK).unlink()
        if home.exists():
            home.rmdir()
        stage.rename(home)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadFile(f"{file} cannot be read as a backup ({error}); is it whole?") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return len(members) - 1


def _stage_events(home: Path, stage: Path) -> None:
    """Links lake and journals while no commit is possible; files of the lake never change, segments grow."""
    with (home / "lake" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _link_all(home / "lake", stage / "lake")
        _link_all(home / "journal", stage / "journal")


def _link_all(source: Path, stage: Path) -> None:
    stage.mkdir()
    for path in sorted(source.rglob("*")):
        place = stage / path.relative_to(source)
        if place.relative_to(stage).parts[0].startswith(_SORTING):
            continue
        if path.is_dir():
            place.mkdir()
        elif path.name not in _PASSING:
            with suppress(FileNotFoundError):  # a segment the lake has been past for long was just forgotten
                os.link(path, place)


def _stage_state(database: Path, stage: Path) -> None:
    source, target = sqlite3.connect(database, timeout=10), sqlite3.connect(stage)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()
