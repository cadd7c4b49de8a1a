"""Profiles of everybody made anew from the lake, against DuckDB scanning and sorting the same columns.

    python -m benchmarks.profile [--people 1000000]

People have 20 events each. All is made anew as after a change of the shop's time zone, in a home without
segments, in one with the segments that come with the house, and once more there. It ends with 1 when the
second takes more than twice the CPU of the sort. (With few people the floor is all in the processor's caches,
and the ratio larger.)
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from volano.adapters.keys_lmdb import LmdbKeys
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.profile import Profile
from volano.domain.tables import EVENTS, TIME
from volano.flow.ingest import rebuild_profiles
from volano.flow.knowledge import Knowledge
from volano.maths.hashing import hash63
from volano.observe.membership import ready
from volano.observe.starters import starters
from volano.observe.traits import VIEW, facts, joined, people

EVENTS_EACH, MONTHS, LIMIT = 20, 12, 2.0
DAY = 86_400
START = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
NAMES = ("Product Viewed", "Product Added", "Page Viewed", "Order Completed", "Product Removed", "Identified")
SHARES = (0.6, 0.12, 0.15, 0.06, 0.03, 0.04)


def words(prefix: str, count: int) -> Any:
    """So many texts."""
    return pa.array([f"{prefix}-{number}" for number in range(count)])


def month(number: int, count: int, dice: np.random.Generator) -> pa.Table:
    """What a third of `count` people did in one month: one or two visits, a tenth of them in the app."""
    ids = np.array([hash63(f"a:{person}") for person in range(count + 3)], np.int64)
    rows = count * EVENTS_EACH // MONTHS
    who = np.sort(dice.integers(0, -(-count // 3), rows)) * 3 + number % 3
    visit = dice.integers(0, 1 + who % 2, rows)
    start = START + number * 30 * DAY + (who * 7_919 + visit * 104_729) % (30 * DAY)
    moment = (start + dice.integers(0, 1_200, rows)) * 1_000_000 + dice.integers(0, 1_000_000, rows)
    order = np.lexsort((moment, who))
    who, moment, visit = who[order], moment[order], visit[order]
    lead = np.append(True, (who[1:] != who[:-1]) | (visit[1:] != visit[:-1]))
    event = dice.choice(len(NAMES), rows, p=SHARES)
    product = (who * 37 + dice.integers(0, 200, rows)) % 5_000  # in a few categories that somebody likes
    shown, app = event < 2, who % 10 == 0
    bought = event == 3

    def told(values: Any, code: Any, where: Any) -> Any:
        return values.take(pa.array(code, mask=~where))

    everywhere = np.ones(rows, np.bool_)
    plans = pa.array(
        [
            json.dumps({"plan": f"p{n % 4}", "email": f"somebody{n}@mail.example", "age": n % 80})
            for n in range(5_000)
        ]
    )
    bodies = pa.array(
        [
            json.dumps(
                {
                    "product_id": f"p-{n}",
                    "name": f"Product number {n}",
                    "position": n % 20,
                    "list_id": f"list-{n % 50}",
                }
            )
            for n in range(5_000)
        ]
    )
    columns = {
        "person_id": pa.array(ids[who]),
        "time": pa.array(moment).cast(TIME),
        "id": pa.array(dice.integers(0, 2**62, rows)),
        "identity": pa.array(ids[who]),
        "known_as": told(words("a:someone", count + 3), who, everywhere),
        "event": told(pa.array(NAMES), event, everywhere),
        "source": told(words("source", 30), product % 30, lead),
        "medium": told(words("medium", 6), product % 6, lead),
        "utm_campaign": told(words("campaign", 40), product % 40, lead & (product % 3 == 0)),
        "device": told(pa.array(["desktop", "iphone", "android", "tablet"]), who % 4, everywhere),
        "os": told(pa.array(["Windows", "iOS", "Android", "macOS"]), who % 4, everywhere),
        "browser": told(pa.array(["Chrome", "Safari", "Firefox"]), who % 3, everywhere),
        "language": told(pa.array(["de-de", "en-gb", "fr-fr"]), who % 3, everywhere),
        "timezone": told(pa.array(["Europe/Berlin", "Europe/London", "Europe/Paris"]), who % 3, everywhere),
        "country": told(pa.array(["de", "gb", "fr"]), who % 3, everywhere),
        "device_id": told(words("device", count + 3), who, app),
        "push_token": told(words("token" * 30, count + 3), who, app),
        "revenue": pa.array(dice.integers(1_000, 20_000, rows), mask=~bought),
        "product": told(words("product", 5_000), product, shown | bought),
        "category": told(words("category", 60), product // 84, shown | bought),
        "brand": told(words("brand", 125), product // 40, shown | bought),
        "price": pa.array(300 + product * 5, mask=~(shown | bought)),
        "quantity": pa.array(1 + product % 3, mask=~shown),
        "properties": told(pa.concat_arrays([bodies, plans]), product + 5_000 * (event == 5), everywhere),
    }  # fmt: skip
    return pa.table(columns).cast(pa.schema([EVENTS.field(name) for name in columns]))


def build(path: Path, count: int) -> None:
    """A lake with a year of arrivals, in shape."""
    dice = np.random.default_rng(7)
    for number in range(MONTHS):
        then = START + (number + 1) * 30 * DAY
        keys = LmdbKeys(path.parent / "keys")
        lake = DuckLake(path, keys=keys, clock=lambda then=then: float(then), grace=0.0)  # type: ignore[misc]
        lake.append({"events": month(number, count, dice)})
    lake.compact()


def made_anew(lake: Path, store: Path, segments: int) -> int:
    """All that is known of people from the lake into the store, with so many segments; how many people."""
    now = (START + 366 * DAY) * 1_000_000
    by = Knowledge(zone="Europe/Berlin", ready=ready(starters(now=now)[:segments]))
    house = DuckLake(lake, keys=LmdbKeys(lake.parent / "keys"))
    return rebuild_profiles(house, LmdbProfiles(store), now=now, by=by)


def sorted_by_duckdb(lake: Path, columns: list[str]) -> int:
    """The same columns scanned and sorted; how many rows."""
    names = ", ".join(f'"{name}"' for name in columns)
    query = f"SELECT {names} FROM read_parquet('{lake}/events/**/*.parquet') ORDER BY person_id, time"
    duck = duckdb.connect()
    duck.execute("SET enable_progress_bar = false")
    return sum(batch.num_rows for batch in duck.sql(query).to_arrow_reader(100_000))


def opened(store: Path) -> int:
    """A server's part: the store is opened, read all over, and a table of the first is made."""
    profiles = LmdbProfiles(store)
    now = (START + 400 * DAY) * 1_000_000
    return sum(1 for _, one in profiles.scan(Profile) if facts(one, now=now))


def measured(what: Callable[..., int], *arguments: Any) -> tuple[int, float, float, float]:
    """What it returns in a process of its own, its CPU and wall seconds, and its peak of memory in MB."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_told, args=(theirs, what, arguments))
    process.start()
    found: tuple[int, float, float, float] = ours.recv()
    process.join()
    return found


def _told(pipe: Any, what: Callable[..., int], arguments: tuple[Any, ...]) -> None:
    began, wall = time.process_time(), time.perf_counter()
    found = what(*arguments)
    spent, passed = time.process_time() - began, time.perf_counter() - wall
    pipe.send((found, spent, passed, _peak()))


def _peak() -> float:
    """The most memory that this process had, in MB; `getrusage` would tell that of its parent, too."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def one_by_one(store: Path) -> None:
    """What the live update costs for one person."""
    profiles = LmdbProfiles(store)
    some = [one for _, (_, one) in zip(range(2_000), profiles.scan(Profile), strict=False)]
    now = (START + 400 * DAY) * 1_000_000
    each: dict[str, Callable[[Profile], object]] = {
        "get": lambda one: profiles.get(Profile, one.person_id),
        "joined": lambda one: joined(one, one),
        "facts": lambda one: facts(one, now=now),
    }
    for name, do in each.items():
        began = time.process_time()
        for one in some:
            do(one)
        print(f"{name:9} {(time.process_time() - began) / len(some) * 1e6:6.1f} µs a person")
    began = time.process_time()
    people(some, now=now)
    print(f"people    {(time.process_time() - began) / len(some) * 1e6:6.1f} µs a person")


def run(home: Path, count: int) -> bool:
    """Measure and print; whether the limit is kept."""
    build(home / "lake", count)
    columns = [
        *dict.fromkeys(("person_id", "time", *(name for name in VIEW.columns if name in EVENTS.names)))
    ]
    rows, floor, wall, memory = measured(sorted_by_duckdb, home / "lake", columns)
    print(f"{count:,} people, {rows:,} events, {len(columns)} columns")
    print(f"DuckDB scan + sort (floor) {floor:7.1f} CPU s {wall:7.1f} s {memory:7,.0f} MB")
    known, spent, wall, memory = measured(made_anew, home / "lake", home / "profiles", 0)
    size = (home / "profiles" / "data.mdb").stat().st_blocks * 512
    print(f"profiles made anew         {spent:7.1f} CPU s {wall:7.1f} s {memory:7,.0f} MB")
    print(f"{spent / floor:.2f} × floor; {known:,} people, {size / 2**20:,.0f} MB, {size / known:.0f} B each")
    _, spent_reading, wall, memory = measured(opened, home / "profiles")
    print(f"all read, facts told       {spent_reading:7.1f} CPU s {wall:7.1f} s {memory:7,.0f} MB")
    number = len(starters(now=0))
    _, whole, wall, memory = measured(made_anew, home / "lake", home / "settled", number)
    print(f"with {number} segments           {whole:7.1f} CPU s {wall:7.1f} s {memory:7,.0f} MB")
    print(f"{whole / floor:.2f} × floor")
    _, again, wall, memory = measured(made_anew, home / "lake", home / "settled", number)
    print(f"the same once more         {again:7.1f} CPU s {wall:7.1f} s {memory:7,.0f} MB")
    print(f"{again / floor:.2f} × floor")
    one_by_one(home / "profiles")
    return whole <= LIMIT * floor


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        kept = run(Path(folder), parser.parse_args().people)
    print(f"at most {LIMIT} × the CPU of the floor: {'kept' if kept else 'BROKEN'}")
    sys.exit(not kept)
