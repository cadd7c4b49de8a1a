"""What it costs to know who is in a segment: of a million people in a store, from a cold start.

    python -m benchmarks.segment [--people 1000000]

A store of profiles is filled, and the facts of everybody are worked out once (the census). Then each rule is
asked in a process of its own, as `volano segment --count` does, again after one person in a hundred changed,
and a day later. The floor is the same answer worked out from all profiles, one by one. Ends with 1 when a
rule takes more than a second of CPU while nobody changed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.profile import DAY, START, measured, month
from msgspec.structs import replace

from volano.adapters.census_parquet import ParquetCensus
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.change import Change, Packed
from volano.domain.profile import Profile
from volano.flow.everybody import everybody
from volano.flow.segments import facts_asked, fitting
from volano.observe.traits import block_of, people, tally
from volano.ports import Census, Profiles

LIMIT = 1.0  # CPU seconds
KINDS = 20_000  # different histories; who has which is drawn
NOW = (START + 60 * DAY) * 1_000_000
RULES: dict[str, Any] = {
    "orders": {"orders": {"$gte": 1}},
    "lapsing": {"orders": {"$gte": 1}, "days_since_order": {"$gte": 14, "$lt": 60}},
    "taste and source": {
        "category": {"$in": ["category-3", "category-9"]},
        "source": {"$prefix": "source-1"},
    },
    "types": {"rfm": {"$in": ["new", "promising"]}, "events_30d": {"$gte": 3}},
    "in a segment": {"segments": {"$in": ["keen"]}, "price_band": "2000-5000"},
    "a given trait": {"traits.plan": "p1", "traits.age": {"$gte": 40}},
}


class Store:
    """The store of profiles and the census beside it."""

    def __init__(self, path: Path) -> None:
        profiles = LmdbProfiles(path)
        self.profiles: Profiles = profiles
        self.census: Census = ParquetCensus(path, profiles.notes)


def fill(path: Path, count: int) -> int:
    """Profiles of so many people; how many."""
    months = [month(number, KINDS, np.random.default_rng(number)) for number in range(3)]
    kinds = tally(block_of({"events": _joined(months)}))
    dice = np.random.default_rng(1).integers(0, len(kinds), count).tolist()
    each = (
        replace(kinds[kind], person_id=person, segments={"keen": 1} if kind % 3 == 0 else {})
        for person, kind in enumerate(dice)
    )
    packed = Packed.of(Profile, ((one.person_id, one) for one in each))
    LmdbProfiles(path).put(Change(packed=(packed,), afresh=(Profile,)))
    return count


def _joined(months: list[Any]) -> Any:
    import pyarrow as pa

    return pa.concat_tables(months).combine_chunks()


def touch(path: Path, count: int) -> int:
    """One person in a hundred orders once more."""
    profiles = LmdbProfiles(path)
    some = [profiles.get(Profile, person) for person in range(0, count, 100)]
    profiles.put(
        Change(puts=tuple((one.person_id, replace(one, orders=one.orders + 1)) for one in some if one))
    )
    return len(some)


def count_all(path: Path, now: int) -> int:
    """Everybody worked out, nobody counted."""
    return everybody(Store(path), ["orders"], now=now).num_rows


def fits(path: Path, rule: Any, now: int) -> int:
    """How many people a rule fits."""
    house = Store(path)
    lake = DuckLake(path / "lake")  # of which these rules ask nothing
    return len(fitting(lake, everybody(house, facts_asked(rule), now=now), rule, now=now))


def one_by_one(path: Path, rule: Any, now: int) -> int:
    """The same from all profiles."""
    told = people((one for _, one in LmdbProfiles(path).scan(Profile)), now=now)
    return len(fitting(DuckLake(path / "lake"), told, rule, now=now))


def run(path: Path, count: int) -> bool:
    """Measure and print; whether the limit is kept."""
    measured(fill, path, count)
    _, spent, wall, memory = measured(count_all, path, NOW)
    print(f"{count:,} people; all facts worked out  {spent:6.2f} CPU s {wall:6.2f} s {memory:6,.0f} MB")
    folder = path / "census"
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"kept in {size / 2**20:,.0f} MB")
    found, floor, _, memory = measured(one_by_one, path, RULES["orders"], NOW)
    print(f"one by one (floor)               {floor:6.2f} CPU s {'':8} {memory:6,.0f} MB")
    _, start, _, _ = measured(fits, path / "nobody", RULES["orders"], NOW)
    print(f"a process that looks at nobody   {start:6.2f} CPU s")
    worst = 0.0
    for name, rule in RULES.items():
        told, spent, _, memory = measured(fits, path, rule, NOW)
        worst = max(worst, spent)
        print(f"{name:32} {spent:6.2f} CPU s {told:8,} {memory:6,.0f} MB")
        assert name != "orders" or told == found, "not the same people"
    changed, _, _, _ = measured(touch, path, count)
    _, spent, _, _ = measured(fits, path, RULES["orders"], NOW)
    print(f"orders, after {changed:,} changed   {spent:6.2f} CPU s")
    _, spent, _, _ = measured(fits, path, RULES["orders"], NOW + DAY * 1_000_000)
    print(f"orders, a day later              {spent:6.2f} CPU s")
    _, spent, _, _ = measured(fits, path, RULES["orders"], NOW + DAY * 1_000_000 + 1)
    print(f"orders, a moment later           {spent:6.2f} CPU s  = {spent / floor:.3f} × floor")
    return worst <= LIMIT


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    with tempfile.TemporaryDirectory() as home:
        kept = run(Path(home) / "profiles", parser.parse_args().people)
    print(f"at most {LIMIT} CPU s: {'kept' if kept else 'BROKEN'}")
    sys.exit(not kept)
