"""What the two stores of live profiles cost beside each other: LMDB in the home, and a Valkey server.

    python -m benchmarks.store [--people 100000]

The same profiles are put, read and scanned in both, in one process; the server runs on this machine, over
TCP on loopback, and keeps a log (everysec). CPU is ours and the server's together, in µs a record; wall time
tells what the way to the server adds. Ends with 1 when one read costs more than 300 µs of CPU, as a
decision needs up to four, or when putting 100,000 packed records costs more than 10 × LMDB.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from benchmarks.profile import month
from msgspec.structs import replace
from tests.valkey_server import Server, a_server

from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.adapters.profiles_valkey import ValkeyProfiles
from volano.domain.change import Change, Packed
from volano.domain.profile import Profile
from volano.domain.view import Offset
from volano.observe.traits import block_of, tally
from volano.ports import Profiles

READ_LIMIT = 300.0  # CPU µs
PUT_LIMIT = 10.0  # × LMDB
KINDS = 20_000  # different histories; who has which is drawn
READS, SMALL, TURNS = 5_000, 200, 500


def people(count: int) -> Packed:
    """Profiles of so many people, whose ids are spread as hashes are."""
    months = [month(number, KINDS, np.random.default_rng(number)) for number in range(3)]
    kinds = tally(block_of({"events": pa.concat_tables(months).combine_chunks()}))
    dice = random.Random(1)
    ids = sorted({dice.getrandbits(63) for _ in range(count)})
    return Packed.of(Profile, ((one, replace(dice.choice(kinds), person_id=one)) for one in ids))


def spent(server: Server | None) -> float:
    """CPU seconds of this process, and of the server."""
    theirs = 0.0
    if server is not None:
        told = server.room().told("cpu")
        theirs = sum(told[f"used_cpu_{kind}"] for kind in ("sys", "user"))
    return time.process_time() + theirs


def steps(store: Profiles, heap: Packed) -> dict[str, tuple[int, Callable[[], Any]]]:
    """What is measured: of how many records, and how."""
    dice = random.Random(2)
    asked = [dice.choice(heap.keys) for _ in range(READS)]
    some = list(islice(store.scan(Profile), SMALL))

    def small() -> None:
        for number in range(20):
            store.put(Change(puts=tuple(some), upto=Offset("j0", number)))

    def turns() -> None:
        for _ in range(TURNS):
            with store.turn():
                pass

    return {
        "put packed, afresh": (
            len(heap.keys),
            lambda: store.put(Change(packed=(heap,), afresh=(Profile,), upto=Offset("j0", 1))),
        ),
        "put packed, over others": (
            len(heap.keys),
            lambda: store.put(Change(packed=(heap,), upto=Offset("j0", 2))),
        ),
        f"put {SMALL} at a time": (20 * SMALL, small),
        "get": (READS, lambda: [store.get(Profile, one) for one in asked]),
        "scan": (len(heap.keys), lambda: sum(1 for _ in store.scan(Profile))),
        "take the turn": (TURNS, turns),
    }


def measured(store: Profiles, heap: Packed, server: Server | None) -> dict[str, tuple[float, float]]:
    """CPU and wall µs a record, of each step."""
    store.put(Change(packed=(heap.between(0, 2**63),), afresh=(Profile,)))
    found = {}
    for name, (count, act) in steps(store, heap).items():
        began, wall = spent(server), time.perf_counter()
        act()
        passed = time.perf_counter() - wall
        found[name] = ((spent(server) - began) / count * 1e6, passed / count * 1e6)
    return found


def run(home: Path, count: int) -> bool:
    """Measure and print; whether the limits are kept."""
    heap = people(count)
    size = sum(map(len, heap.records)) / count
    with a_server("--appendonly", "yes") as server:
        local = measured(LmdbProfiles(home / "lmdb"), heap, None)
        empty = server.room().told("memory")["used_memory"]
        far = measured(ValkeyProfiles(server.room(), home / "valkey"), heap, server)
        takes = (server.room().told("memory")["used_memory"] - empty) / count
    on_disk = (home / "lmdb" / "data.mdb").stat().st_blocks * 512 / count
    print(f"{count:,} people of {size:,.0f} bytes; µs a record")
    print(f"{'':26}{'LMDB CPU':>10}{'wall':>10}{'Valkey CPU':>14}{'wall':>10}{'CPU':>10}")
    for name, (ours, wall) in local.items():
        theirs, their_wall = far[name]
        print(f"{name:26}{ours:10.1f}{wall:10.1f}{theirs:14.1f}{their_wall:10.1f}{theirs / ours:8.1f} ×")
    print(f"bytes a person: {on_disk:,.0f} on the disk, {takes:,.0f} in the server's memory")
    put = far["put packed, afresh"][0] / local["put packed, afresh"][0]
    return far["get"][0] <= READ_LIMIT and put <= PUT_LIMIT


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    with tempfile.TemporaryDirectory() as folder:
        kept = run(Path(folder), parser.parse_args().people)
    print(f"a read at most {READ_LIMIT:.0f} µs, a put {PUT_LIMIT:.0f} ×: {'kept' if kept else 'BROKEN'}")
    sys.exit(not kept)
