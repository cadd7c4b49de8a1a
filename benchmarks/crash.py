"""What is acknowledged is kept: Segment's own client, a recording proxy, and processes killed with -9.

    python -m benchmarks.crash [--rounds 200] [--key a]

Each round kills one of three while events come in: a process that only takes events (`intake`), the one that
also drains, thinks and compacts (`drain`), or one that compacts the same lake beside them (`compaction`). The
key chooses the moments: the request that is being answered, or how far a compaction has come. As a kill never
tears a write, each killed drain leaves half a frame too, as a power cut would. The floor is arithmetic, not
speed: every acknowledged event is in the lake exactly once, and the profiles count the orders of the lake.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from benchmarks.recording import PATIENCE, Record, Server, recording
from segment.analytics.client import Client

from volano.adapters.journal_frames import framed
from volano.adapters.journal_notes import incidents
from volano.domain.event import SEGMENT_ENTERED, SEGMENT_LEFT
from volano.domain.profile import Profile
from volano.domain.view import View
from volano.maths.hashing import hash63
from volano.observe.identity import message_row
from volano.web.turning import Turning
from volano.wiring import House, journal_names, open_house, read_settings

KINDS = ("intake", "drain", "compaction")
EVENTS = 1_200  # that are sent in a round
UPLOAD = 10  # events in a request
SENDERS = 6  # threads of the client, so that a kill finds requests on their way
LASTS = 0.8  # seconds in which the events of a round are sent
COMMITS = 100  # requests whose syncs are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one trial: events, rounds by what was killed, and what was found afterwards."""

    sent: int
    acknowledged: int  # in batches that were answered 200
    kept: int  # of those, in the lake
    in_lake: int
    doubled: int  # rows beyond the first of their message
    killed: dict[str, int]
    cut: int  # requests that a kill cut off
    torn: int  # tails of journals that were cut off
    damaged: int
    orders: tuple[int, int]  # that the profiles count, and that the lake has
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing is lost, doubled or miscounted."""
        whole = self.sent == self.acknowledged == self.kept == self.in_lake
        return whole and not self.doubled and self.orders[0] == self.orders[1]


def moment(key: str, turn: int) -> float:
    """The share of a round after which something is killed."""
    return hash63(f"{key}.{turn}") % 10_000 / 10_000


class Tidier:
    """A process that compacts the lake of a home when it is told to."""

    def __init__(self, home: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.crash", "--compact", str(home)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def begin(self) -> None:
        """Returns when it compacts."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def kill(self) -> None:
        """With -9."""
        self._process.kill()
        self._process.communicate()


def compact(home: str) -> None:
    """What a `Tidier` runs: compacts over and over once it is told to."""
    house = open_house(read_settings({}, home=home))
    sys.stdin.readline()
    print("begun", flush=True)
    while True:
        house.upkeep.compact()


def trial(rounds: int, home: Path, key: str = "a", events: int = EVENTS) -> Figures:
    """Sends events, kills something in each round, and counts what the lake holds."""
    began = time.monotonic()
    server = Server(home, "--workers", "2", VOLANO_TIDY_SECONDS="0")
    record = Record(server)
    server.start()
    tidier = Tidier(home)
    try:
        with recording(record) as address:
            client = Client(
                server.write_key, host=address, gzip=True, thread=SENDERS, timeout=PATIENCE,
                upload_size=UPLOAD, upload_interval=0.1, max_queue_size=events * rounds + 1,
            )  # fmt: skip
            for turn in range(rounds):
                ended = Event()
                Thread(target=send, args=(client, events, turn, ended)).start()
                share, begun = moment(key, turn), record.handed_on
                if KINDS[turn % len(KINDS)] == "compaction":
                    tidier.begin()
                    time.sleep(share * LASTS)
                else:
                    record.wait_for_request(begun + int(share * events / UPLOAD), 2 * LASTS)
                tidier = kill(KINDS[turn % len(KINDS)], server, tidier)
                ended.wait(PATIENCE)
            client.join()
            record.wait_for(events * rounds)
    finally:
        tidier.kill()
        server.stop(signal.SIGTERM)
    killed = Counter(KINDS[turn % len(KINDS)] for turn in range(rounds))
    return counted(home, record, dict(killed), events * rounds, time.monotonic() - began)


def kill(kind: str, server: Server, tidier: Tidier) -> Tidier:
    """Kills what the round is for, and has it live again."""
    if kind == "compaction":
        tidier.kill()
        return Tidier(server.home)
    if kind == "drain":
        server.stop(signal.SIGKILL)
        tear(server.home / "journal" / "j0")
        server.start()
        return tidier
    worker = server.writer("j1")
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)
    server.wait_for(lambda: server.writer("j1") != worker)
    return tidier


def tear(journal: Path) -> None:
    """Leaves half a frame behind the last one."""
    with max(journal.glob("*.log")).open("ab") as file:
        file.write(framed(b"never acknowledged")[:-9])


def send(client: Client, events: int, turn: int, ended: Event) -> None:
    """Visits, product views and orders of a few hundred people, a little at a time."""
    for number in range(events):
        person = f"visitor-{(number + 7 * turn) % 300}"
        if number % 10 == 9:
            client.track(person, "Order Completed", {"revenue": 10 + number % 7, "currency": "EUR"})
        elif number % 10 == 0:
            client.page(person, properties={"url": "https://shop.example/"})
        else:
            client.track(person, "Product Viewed", {"product_id": f"p{number % 40}"})
        if number % UPLOAD == 0:
            time.sleep(LASTS / events * UPLOAD)
    ended.set()


def counted(home: Path, record: Record, killed: dict[str, int], sent: int, seconds: float) -> Figures:
    """What the home holds, once what waits in its journals has been moved to the lake."""
    house = open_house(read_settings({}, home=str(home)))
    turning = Turning(house, lambda: time.time_ns() // 1000)
    while turning.drain():
        pass
    if turning.troubles:
        raise SystemExit(f"the journals cannot be drained: {turning.troubles}")
    events = house.lake.read(View(columns=("id", "event"))).to_pylist()
    rows = Counter(row["id"] for row in events if row["event"] not in (SEGMENT_ENTERED, SEGMENT_LEFT))
    promised = {message_row("web", message) for message in record.acknowledged}
    told = [one for name in journal_names(home) for one in incidents(home / "journal" / name)]
    return Figures(
        sent=sent,
        acknowledged=len(promised),
        kept=len(promised & rows.keys()),
        in_lake=len(rows),
        doubled=rows.total() - len(rows),
        killed=killed,
        cut=record.cut,
        torn=sum(one.what == "torn" for one in told),
        damaged=sum(one.what != "torn" for one in told),
        orders=orders(house),
        seconds=round(seconds, 1),
    )


def orders(house: House) -> tuple[int, int]:
    """How many the profiles count, and how many the lake has."""
    events = house.lake.read(View(columns=("event",)))["event"].to_pylist()
    counts = sum(profile.orders for _, profile in house.profiles.scan(Profile))
    return counts, events.count("Order Completed")


def syncs(home: Path) -> int | None:
    """How often the journal was synced while COMMITS requests were answered one after the other."""
    if shutil.which("strace") is None:
        return None
    log = home.with_suffix(".strace")
    server = Server(home, before=("strace", "-f", "-y", "-e", "trace=fdatasync", "-o", str(log)))
    server.start()
    try:
        for number in range(COMMITS):
            server.post([{"type": "track", "event": "Seen", "userId": "u", "messageId": f"s{number}"}])
    finally:
        os.kill(server.writer("j0"), signal.SIGTERM)  # strace lets no signal through
        server.stop()
    return sum("fdatasync(" in line and "/journal/" in line for line in log.read_text().splitlines())


def show(figures: Figures) -> None:
    """The figures, in words."""
    print(f"acked {figures.acknowledged}, in lake {figures.kept}, doubled {figures.doubled}")
    killed = ", ".join(f"{count} {kind}" for kind, count in figures.killed.items())
    print(f"killed: {killed}; {figures.cut} requests cut off; {figures.torn} torn tails cut")
    print(f"sent {figures.sent}, rows in lake {figures.in_lake}, {figures.damaged} stretches damaged")
    print(f"orders: {figures.orders[0]} in profiles, {figures.orders[1]} in the lake; {figures.seconds} s")


def main() -> None:
    """Prints the figures; exits 1 when an event is lost or doubled, or a commit was not synced."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options.add_argument("--rounds", type=int, default=200)
    options.add_argument("--key", default="a")
    options.add_argument("--compact", metavar="HOME", help=argparse.SUPPRESS)
    asked = options.parse_args()
    os.environ.pop("VOLANO_HOME", None)
    if asked.compact:
        compact(asked.compact)
    with tempfile.TemporaryDirectory() as folder:
        figures = trial(asked.rounds, Path(folder) / "home", asked.key)
        show(figures)
        found = syncs(Path(folder) / "synced")
    print(
        "strace is not here: syncs are not counted"
        if found is None
        else f"{found} syncs for {COMMITS} commits"
    )
    sys.exit(0 if figures.good and (found is None or found >= COMMITS) else 1)


if __name__ == "__main__":
    main()
