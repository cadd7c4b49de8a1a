"""What is wrong with a home, in findings that say how to mend each."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from volano.act.hooks import trouble
from volano.domain.durations import DAY
from volano.domain.hook import Hook
from volano.errors import BadInput, VolanoError
from volano.settings import Settings

if TYPE_CHECKING:
    from volano.wiring import JournalReport

SLOW_SYNC_MS = 20.0
LONG = DAY // 24  # µs after which long work should be done
FEW_BYTES = 1_000_000_000
NEAR = 0.9  # share of the disk budget from which on it is worth a warning
FAR_BEHIND = 0.1  # share of the journal's budget likewise
_SYNCS = 20


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at: how it is, and how to mend it if it is not good."""

    what: str
    state: Literal["good", "warn", "bad"]
    says: str
    mend: str = ""


def examine(settings: Settings, *, now: int) -> list[Finding]:
    """Everything worth knowing before one asks for help; nothing that was told is changed."""
    home = Path(settings.home).resolve()
    checks: list[Callable[[], list[Finding]]] = [
        lambda: [_versions()],
        lambda: [_permissions(home)],
        lambda: [_disk_space(home)],
        lambda: [_disk_budget(settings, home)],
        lambda: [_sync_speed(home)],
        lambda: [_port(settings.host, settings.port)],
        lambda: [_clock(home, now)],
        lambda: _contents(settings, home),
        lambda: _profiles(settings),
        lambda: _journals(settings, home),
        lambda: _works(settings, home, now),
        lambda: _hooks(settings, home, now),
    ]
    return [finding for check in checks for finding in check()]


def _versions() -> Finding:
    python = ".".join(map(str, sys.version_info[:3]))
    parts = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "pyarrow", "sqlalchemy", "litestar"))
    return Finding(
        what="versions", state="good", says=f"volano {version('volano')}, Python {python}, {parts}"
    )


def _permissions(home: Path) -> Finding:
    if not home.exists():
        parent = next(folder for folder in home.parents if folder.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            return Finding(what="home", state="good", says=f"{home} does not exist yet; it will be made")
        return Finding(
            what="home",
            state="bad",
            says=f"{home} cannot be made in {parent}",
            mend=f"choose another with --home, or let this user write to {parent}",
        )
    closed = [
        path
        for path in (home, *home.iterdir(), *home.glob("journal/*"))
        if not os.access(path, os.W_OK | (os.X_OK if path.is_dir() else 0))
    ]
    if closed:
        mend = f"give them to the user who runs volano: chown -R $(id -un) {home}"
        names = ", ".join(str(path) for path in closed[:3])
        return Finding(what="home", state="bad", says=f"{names} cannot be written", mend=mend)
    return Finding(what="home", state="good", says=f"{home} can be read and written")


def _nearest(home: Path) -> Path:
    return next(folder for folder in (home, *home.parents) if folder.is_dir())


def _disk_space(home: Path) -> Finding:
    free = shutil.disk_usage(_nearest(home)).free
    said = f"{free / 1e9:,.1f} GB are free"
    if free < FEW_BYTES:
        return Finding(
            what="disk", state="bad", says=said, mend="make room, or move the home to a larger disk"
        )
    return Finding(what="disk", state="good", says=said)


def _disk_budget(settings: Settings, home: Path) -> Finding:
    from volano.wiring import disk_used

    used, budget = disk_used(settings) if home.is_dir() else 0, settings.disk_budget
    if not budget:
        return Finding(
            what="disk budget", state="good", says=f"the home takes {used / 1e9:,.1f} GB; no limit"
        )
    said = f"the home takes {used / 1e9:,.1f} of {budget / 1e9:,.1f} GB"
    if used <= NEAR * budget:
        return Finding(what="disk budget", state="good", says=said)
    mend = "raise VOLANO_DISK_BUDGET, or keep less with VOLANO_RETENTION_DAYS; beyond it events are refused"
    return Finding(what="disk budget", state="bad" if used > budget else "warn", says=said, mend=mend)


def _sync_speed(home: Path) -> Finding:
    folder = _nearest(home)
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as probe:
            started = time.perf_counter()
            for _ in range(_SYNCS):
                probe.write(b"x" * 4096)
                probe.flush()
                os.fdatasync(probe.fileno())
            each = (time.perf_counter() - started) / _SYNCS * 1000
    except OSError as error:
        return Finding(
            what="fdatasync", state="bad", says=f"{folder}: {error.strerror}", mend="choose another --home"
        )
    said = f"{each:.1f} ms each; an acknowledgement waits for one"
    if each > SLOW_SYNC_MS:
        mend = "put the home on a local SSD; network and USB disks are slow to sync"
        return Finding(what="fdatasync", state="warn", says=said, mend=mend)
    return Finding(what="fdatasync", state="good", says=said)


def _port(host: str, port: int) -> Finding:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding(
                what="port",
                state="warn",
                says=f"{port} on {host} cannot be had ({error.strerror}); a running volano holds it too",
                mend=f"stop the program that has it, or use --port {port + 1}",
            )
    return Finding(what="port", state="good", says=f"{port} on {host} is free")


def _clock(home: Path, now: int) -> Finding:
    newest = max((path.stat().st_mtime for path in home.iterdir()), default=0.0) if home.is_dir() else 0.0
    ahead = newest * 1e6 - now
    if ahead > DAY / 24:
        mend = "set the clock (timedatectl set-ntp true); new events would be dated before old ones"
        return Finding(
            what="clock", state="bad", says=f"it is {ahead / DAY:.1f} days behind the home", mend=mend
        )
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now / 1e6))
    return Finding(what="clock", state="good", says=f"{stamp} UTC")


def _contents(settings: Settings, home: Path) -> list[Finding]:
    from volano.wiring import verify_home

    if not (home / "lake").is_dir():
        return [Finding(what="contents", state="good", says="nothing in it yet")]
    state = _state(settings)
    if state.state == "bad":
        return [state]
    try:
        damage = verify_home(settings)
    except BadInput as error:
        return [Finding(what="contents", state="bad", says=str(error), mend="mend the setting that it names")]
    except (VolanoError, OSError) as error:
        damage = [str(error)]
    if not damage:
        return [state, Finding(what="contents", state="good", says="lake, journal and state can be read")]
    mend = "restore the newest backup: volano restore FILE --home NEW-DIR"
    return [Finding(what="contents", state="bad", says=line, mend=mend) for line in damage]


def _state(settings: Settings) -> Finding:
    from volano.domain.account import Source
    from volano.wiring import open_state

    try:
        state = open_state(settings)
        began = time.perf_counter()
        state.find(Source)
    except VolanoError as error:
        mend = (
            "start its database, or set VOLANO_STATE to where it is; if it is lost, restore the newest backup"
        )
        return Finding(what="state", state="bad", says=error.message, mend=mend)
    took = (time.perf_counter() - began) * 1000
    return Finding(what="state", state="good", says=f"{state.name} answers in {took:.1f} ms")


def _profiles(settings: Settings) -> list[Finding]:
    """The server of the live profiles, if they are on one."""
    from volano.wiring import look_at_profiles

    try:
        told = look_at_profiles(settings)
    except VolanoError as error:
        mend = "see to it; until then events are taken in and wait, and nobody gets anything decided"
        return [Finding(what="profiles", state="bad", says=str(error), mend=mend)]
    return [
        Finding(what="profiles", state="warn" if mend else "good", says=says, mend=mend)
        for says, mend in told
    ]


def _journals(settings: Settings, home: Path) -> list[Finding]:
    from volano.wiring import report_journals

    if not (home / "lake").is_dir():
        return []
    try:
        reports = report_journals(settings)
    except (VolanoError, OSError):
        return []  # told by _contents already
    found = []
    for report in reports:
        found += [_lag(report, settings.journal_budget)]
        folder = f"journal/{report.name}"
        mend = f"look at {folder}/damaged; delete {folder}/incidents when it is settled"
        found += [Finding(what="journal", state="warn", says=line, mend=mend) for line in report.damage]
    return found


def _works(settings: Settings, home: Path, now: int) -> list[Finding]:
    """The long work that was begun and is not done."""
    from volano.domain.work import Work
    from volano.wiring import open_state

    try:
        works = open_state(settings, make=False).find(Work)
    except VolanoError:
        return []  # told by _contents already
    mend = "start `volano serve`, which takes it up where it was left; if it runs, look at what Today says"
    return [
        Finding(
            what="long work",
            state="warn" if now - one.made_at > LONG else "good",
            says=f"{one.said} is under way",
            mend=mend,
        )
        for one in works
    ]


def _hooks(settings: Settings, home: Path, now: int) -> list[Finding]:
    """How it goes with each web hook."""
    from volano.flow.calls import seen
    from volano.wiring import open_house

    if not (home / "lake").is_dir():
        return []
    try:
        house = open_house(settings, make=False)
        found = [seen(house.profiles, hook) for hook in house.state.find(Hook)]
    except (VolanoError, OSError):
        return []  # told by _contents already
    mend = "look at Settings, Web hooks; once the other system takes calls: volano hooks again"
    return [
        Finding(
            what="web hook",
            state="warn"
            if one.hook.off_at or one.dead or trouble(one.standing, one.waiting, now=now)
            else "good",
            says=f"{one.hook.name}: {one.standing.delivered:,} calls taken, {one.waiting:,} wait, "
            f"{one.dead:,} given up{', switched off' if one.hook.off_at else ''}",
            mend=f"{mend} {one.hook.key}",
        )
        for one in found
    ]


def _lag(report: JournalReport, budget: int) -> Finding:
    """How far the drain is behind, and how often a crash tore the end."""
    said = f"{report.name}: {report.waiting / 1e6:,.1f} MB wait to be stored"
    if report.torn:
        said += f"; {report.torn} torn tails were cut off after crashes, none of it acknowledged"
    if report.waiting > FAR_BEHIND * budget:
        mend = "start `volano serve`; if it runs, look at what Today says, and give it more cores"
        return Finding(what="journal", state="warn", says=said, mend=mend)
    return Finding(what="journal", state="good", says=said)
