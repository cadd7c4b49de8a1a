"""CPU time from 1 million imported events to leaks, as a ratio to DuckDB scanning and sorting the same.

Run: `python benchmarks/leaks.py [events]`. The floor is one query over the lake's own Parquet files that
reads the columns a leak needs and sorts them by person and time. Limit: 3.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from volano.adapters.lake_duckdb import DuckLake
from volano.domain.durations import DAY
from volano.domain.leak import Journey
from volano.domain.tables import EVENTS, TIME
from volano.flow.report import leak_run

LIMIT = 3.0
SECOND = 1_000_000
COLUMNS = "person_id, time, event, source, medium, device, path, revenue, currency"
SOURCES = ["google", "instagram", "mail", "partner", None]
MEDIA = ["organic", "social", "email", "referral", None]
DEVICES = ["low-end android", "android", "iphone", "tablet", "desktop"]


def events(count: int) -> pa.Table:
    """Visits of a tenth as many people over 60 days; each visit walks down the journey as far as it likes."""
    rng = np.random.default_rng(7)
    people, visits = count // 10, int(count / 2.65)
    person = rng.integers(0, people, visits)
    traffic = rng.choice(5, visits, p=[0.25, 0.2, 0.1, 0.05, 0.4])
    device = rng.permuted(np.arange(people) % 5)[person]
    reached = (rng.random((visits, 4)) < [0.75, 0.4, 0.6, 0.6]).cumprod(axis=1).sum(axis=1)
    lost = (traffic == 1) & (device == 0) & (rng.random(visits) < 0.5)
    reached = np.where(lost, np.minimum(reached, 2), reached)
    pages = rng.integers(1, 3, visits)
    rows = np.repeat(np.arange(visits), pages + reached)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(pages + reached) - pages - reached, pages + reached)
    step = np.maximum(place - pages[rows] + 1, 0)
    start = rng.integers(0, 60 * DAY, visits)
    moment = start[rows] + place * 20 * SECOND + rng.integers(0, SECOND, len(rows))
    told = np.where(place == 0, traffic[rows], 4)
    return _table(rng, (person[rows], moment, step, told, device[rows]), count)


def _table(rng: np.random.Generator, columns: tuple[Any, ...], count: int) -> pa.Table:
    person, moment, step, traffic, device = (column[:count] for column in columns)
    order = step == 4
    size = len(person)
    path = np.where(step == 0, rng.integers(0, 40, size), 40 + rng.integers(0, 2000, size))

    def words(values: list[str | None], codes: Any) -> Any:
        return pa.array(values, pa.string()).take(pa.array(codes))

    made = {
        "person_id": pa.array(_spread(person + 1)),
        "time": pa.array(moment + 1_700_000_000 * SECOND).cast(TIME),
        "id": pa.array(_spread(np.arange(size) + 7)),
        "identity": pa.array(_spread(person + 1)),
        "known_as": pa.array([f"u:{p}" for p in person]),
        "origin": pa.array(["benchmark"] * size),
        "event": words(list(Journey().steps), step),
        "source": words(SOURCES, traffic),
        "medium": words(MEDIA, traffic),
        "device": words(list(DEVICES), device),
        "path": words([f"/p/{i}" for i in range(2040)], path),
        "revenue": pa.array(rng.integers(500, 20_000, size), mask=~order),
        "currency": words(["EUR", None], np.where(order, 0, 1)),
        "properties": pa.array([f'{{"n":{i % 997}}}' for i in range(size)]),
    }
    return pa.table({name: column.cast(EVENTS.field(name).type) for name, column in made.items()})


def _spread(numbers: Any) -> Any:
    """Numbers as ids that look like hashes, the same for the same number (splitmix64, 63 bits)."""
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(1)).astype(np.int64)


def cpu(work: Callable[[], object], times: int = 3) -> float:
    """The least CPU seconds of all threads of a few runs."""
    spent = []
    for _ in range(times):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


def main(count: int) -> float:
    """Prints the two times and returns their ratio."""
    with tempfile.TemporaryDirectory() as home:
        lake = DuckLake(Path(home) / "lake")
        rows = events(count)
        begun = time.process_time()
        lake.append({"events": rows})
        lake.compact()
        print(f"{rows.num_rows:,} events brought in: {time.process_time() - begun:.2f} CPU s (not counted)")
        with duckdb.connect() as connection:
            files = f"read_parquet('{home}/lake/events/**/*.parquet')"
            query = f"SELECT {COLUMNS} FROM {files} ORDER BY person_id, time"
            floor = cpu(lambda: connection.sql(query).to_arrow_table())
            (stored,) = connection.sql(f"SELECT count(*) FROM {files}").fetchall()[0]
            assert stored == rows.num_rows, "the floor reads other rows than the lake holds"
        found = leak_run(lake, Journey(), now=0)
        spent = cpu(lambda: leak_run(lake, Journey(), now=0))
    print(f"tested {found.tested} slices, found {[leak.slice for leak in found.leaks]}")
    print(f"events → leaks {spent:.2f} CPU s, floor (DuckDB scan and sort) {floor:.2f} CPU s")
    print(f"ratio {spent / floor:.2f} (limit {LIMIT:g})")
    return spent / floor


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000) > LIMIT)
