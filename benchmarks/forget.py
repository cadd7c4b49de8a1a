"""Forget people in one pass: seconds and bytes, beside the size of the lake and one plain copy of its events.

python benchmarks/forget.py --events 1_000_000 --people 100_000 --forget 1_000
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from volano.adapters.keys_lmdb import LmdbKeys
from volano.adapters.lake_duckdb import DuckLake
from volano.domain.tables import TIME, filled
from volano.domain.view import View

BATCH = 500_000
DAY = 86_400_000_000


def rows(chance: np.random.Generator, people: np.ndarray, many: int, at: int) -> pa.Table:
    """Events such as a shop has, with properties of about 120 bytes; one in twenty gives an address."""
    who = chance.choice(people, many)
    product = chance.integers(0, 5_000, many).tolist()
    calls = chance.random(many) < 0.05
    texts = [
        f'{{"plan":"pro","email":"somebody{person:x}@mail.example"}}'
        if call
        else f'{{"product_id":"p{one}","name":"Thing {one}","url":"https://shop.example/p/{one}"}}'
        for one, person, call in zip(product, who.tolist(), calls.tolist(), strict=True)
    ]
    names = chance.choice(["Page Viewed", "Product Viewed", "Order Completed"], many)
    return filled(
        "events",
        {
            "person_id": pa.array(who),
            "identity": pa.array(who),
            "known_as": pa.array([f"a:{one:x}" for one in who.tolist()]),
            "time": pa.array(chance.integers(0, 365 * DAY, many)).cast(TIME),
            "id": pa.array(np.arange(at, at + many)),
            "event": pa.array(np.where(calls, "Identified", names)),
            "path": pa.array([f"/p/{one}" for one in product]),
            "properties": pa.array(texts),
        },
    )


def weight(home: Path) -> float:
    """The Parquet files that are in the lake, in MB."""
    return sum(path.stat().st_size for path in home.glob("*/*/*.parquet")) / 1e6


def moved() -> tuple[float, float]:
    """What this process has read and written through the system so far, in MB (Linux)."""
    told = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(told["rchar"]) / 1e6, int(told["wchar"]) / 1e6


def measured(what: str, act: Callable[[], object]) -> float:
    """Does it and prints what it took; CPU seconds."""
    wall, cpu, before = time.perf_counter(), time.process_time(), moved()
    act()
    wall, cpu, after = time.perf_counter() - wall, time.process_time() - cpu, moved()
    print(
        f"{what:28} {wall:7.2f} s  {cpu:7.2f} CPU s  "
        f"read {after[0] - before[0]:8.1f} MB  written {after[1] - before[1]:8.1f} MB"
    )
    return cpu


def copied(home: Path, target: Path) -> None:
    """Every file read and written once, row group by row group: the floor."""
    for path in home.glob("events/*/*.parquet"):
        file = pq.ParquetFile(path)
        with pq.ParquetWriter(target, file.schema_arrow, compression="zstd") as writer:
            for group in range(file.num_row_groups):
                writer.write_table(file.read_row_group(group, use_threads=False))


def main() -> None:
    """Fills a lake, forgets people in it, and says what it took."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--events", type=int, default=1_000_000)
    asked.add_argument("--people", type=int, default=100_000)
    asked.add_argument("--forget", type=int, default=1_000)
    told = asked.parse_args()
    chance = np.random.default_rng(7)
    people = chance.integers(0, 2**62, told.people)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "lake"
        keys = LmdbKeys(Path(folder) / "keys")
        lake = DuckLake(home, keys=keys, grace=0)
        for at in range(0, told.events, BATCH):
            lake.append({"events": rows(chance, people, min(BATCH, told.events - at), at)})
        lake.compact()
        lake.append({"events": rows(chance, people, 1_000, told.events)})
        size = weight(home)
        gone = people[: told.forget].tolist()
        print(f"{told.events:,} events of {told.people:,} people, {size:.1f} MB, {os.cpu_count()} cores")
        floor = measured("every file copied (floor)", lambda: copied(home, Path(folder) / "copy.parquet"))
        spent = measured(f"{told.forget:,} people forgotten", lambda: lake.forget(gone, gone))
        measured("their keys dropped", lambda: keys.drop(gone))
        left = lake.read(View(columns=("id",), people=tuple(gone))).num_rows
        print(
            f"{spent / floor:.2f} × the CPU of the floor; {weight(home):.1f} MB and {left} of their rows left"
        )


if __name__ == "__main__":
    main()
