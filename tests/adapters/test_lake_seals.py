"""What tells of somebody directly stands in no file of a lake, and is where it was for who reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.contracts.lakes import event, merge, seen, table
from volano.adapters import lake_compaction, lake_parts
from volano.adapters.keys_lmdb import LmdbKeys
from volano.adapters.lake_duckdb import DuckLake
from volano.domain.event import IDENTIFIED
from volano.domain.rewritten import Rewritten
from volano.domain.tables import EVENTS
from volano.domain.view import View
from volano.testing.keys_memory import MemoryKeys
from volano.testing.lake_memory import MemoryLake

SECRETS = ("@shop.example", "Elm Street", "Rose", "token-")


def call(name: int, person: int, **more: Any) -> dict[str, Any]:
    """An identify call of somebody, on a phone."""
    traits = {
        "plan": "pro",
        "email": f"P{person}@shop.example",
        "name": "Rose",
        "address": {"street": "Elm Street"},
    }
    return event(
        name,
        person,
        name,
        event=IDENTIFIED,
        properties=json.dumps(traits),
        push_token=f"token-{person}",
        **more,
    )


def view_of(name: int, person: int, **more: Any) -> dict[str, Any]:
    """A product that was looked at."""
    return event(name, person, name, properties=json.dumps({"name": "Shoe", "price": name}), **more)


def files(lake: DuckLake) -> list[Path]:
    return [
        path for path in sorted(lake.path.rglob("*.parquet")) if "events" in str(path.relative_to(lake.path))
    ]


def in_the_open(lake: DuckLake) -> list[str]:
    """Which secrets stand in a file of the lake, packed or unpacked."""
    found = []
    for path in files(lake):
        text = str(pq.read_table(path).to_pydict()) + path.read_bytes().decode("latin-1")
        found += [one for one in SECRETS if one in text]
    return found


def told(lake: DuckLake | MemoryLake, **view: Any) -> list[tuple[int, Any, str | None]]:
    """Each row with its properties and its token."""
    rows = lake.read(View(columns=("id", "properties", "push_token"), **view)).to_pylist()
    return [(row["id"], json.loads(row["properties"]), row["push_token"]) for row in rows]


@pytest.fixture
def lake(tmp_path: Path) -> DuckLake:
    return DuckLake(tmp_path / "lake", buckets=2, keys=LmdbKeys(tmp_path / "keys"), grace=0)


ROWS = [call(n, n % 3) if n % 2 else view_of(n, n % 3) for n in range(12)]


def test_files_hold_no_address_and_readers_see_all(lake: DuckLake) -> None:
    memory = MemoryLake(buckets=2)
    added = lake.append({"events": table(ROWS)})["events"]
    memory.append({"events": table(ROWS)})
    assert added.column("properties").to_pylist() == [row["properties"] for row in ROWS]
    assert added.schema == EVENTS
    for _ in range(2):
        assert in_the_open(lake) == []
        assert sorted(told(lake)) == sorted(told(memory))
        lake.compact()
        lake.sweep()


@pytest.mark.parametrize("large", [False, True])
def test_compaction_merges_and_unmerges_move_what_is_sealed_untouched(
    lake: DuckLake, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake_compaction, "_AT_ONCE", 0 if large else 400_000)
    monkeypatch.setattr(lake_parts, "SPLIT", 3)
    lake.append({"events": table(ROWS)})
    lake.append({"events": table([call(n, n % 3) for n in range(20, 30)])})
    before = sorted(told(lake))
    sealed = Counter(str(pq.read_table(path)["personal"].to_pylist()) for path in files(lake))
    for step in (merge(1, 0, 1), merge(2, 2, 1), merge(3, 0, 0)):
        lake.append({"merges": table([step])})
        assert sorted(told(lake)) == before
        lake.compact()
        assert sorted(told(lake)) == before
        assert sorted(told(lake, people=(1,))) == [row for row in before if row in told(lake, people=(1,))]
    assert in_the_open(lake) == []
    assert sum(sealed.values()) > 1


@pytest.mark.parametrize("properties", [None, "", "{}", '{"n":1}', "no JSON"])
@pytest.mark.parametrize("token", [None, "", "token-\0x"])
def test_what_is_not_there_is_not_there_afterwards(
    lake: DuckLake, properties: str | None, token: str | None
) -> None:
    rows = [event(1, 1, properties=properties, push_token=token), call(2, 1), event(3, 1, event=IDENTIFIED)]
    lake.append({"events": table(rows)})
    for _ in range(2):
        assert seen(lake, "properties", "push_token", only=(("id", ("1", "3")),)) == [
            (properties, token),
            (None, None),
        ]
        lake.compact()
    assert in_the_open(lake) == []


def test_what_somebody_says_again_is_sealed_alike_and_what_another_says_is_not(lake: DuckLake) -> None:
    rows = [
        {**call(1, 1), "properties": "{}"},
        call(2, 1),
        call(3, 1),
        {**call(4, 2), "push_token": "token-1"},
    ]
    rows[3]["properties"] = rows[1]["properties"]
    lake.append({"events": table(rows)})
    [file] = files(lake)
    by_id = dict(zip(*(pq.read_table(file)[name].to_pylist() for name in ("id", "personal")), strict=True))
    assert by_id[2] == by_id[3]
    assert len({*by_id.values()}) == 3


def test_rows_of_a_lost_key_read_as_if_they_told_nothing_personal(lake: DuckLake, tmp_path: Path) -> None:
    lake.append({"events": table([call(1, 1), call(2, 2)])})
    keys = LmdbKeys(tmp_path / "keys")
    keys.drop([1])
    lake.append({"events": table([call(3, 1)])})  # under a new key
    assert [(one, properties.get("email"), token) for one, properties, token in told(lake)] == [
        (2, "P2@shop.example", "token-2"),
        (1, None, None),
        (3, "P1@shop.example", "token-1"),
    ]
    assert told(lake)[1][1] == {"plan": "pro"}
    assert {properties.get("email") for _, properties, _ in told(DuckLake(lake.path))} == {None}


def test_a_view_that_wants_nothing_personal_needs_no_key(tmp_path: Path) -> None:
    class Asked(MemoryKeys):
        times = 0

        def of(self, identities: Any) -> dict[int, bytes]:
            self.times += 1
            return super().of(identities)

    keys = Asked()
    lake = DuckLake(tmp_path, buckets=2, keys=keys)
    lake.append({"events": table(ROWS)})
    assert len(seen(lake, "id", "event", "identity")) == 12
    assert keys.times == 0
    assert lake.read(View(columns=("push_token",)))["push_token"].null_count == 6
    assert lake.read(View(columns=("push_token",))).column_names == ["person_id", "time", "push_token"]


def test_a_row_is_found_in_plain_parquet_by_the_mark_of_its_address(lake: DuckLake, tmp_path: Path) -> None:
    lake.append({"events": table(ROWS)})
    mark = LmdbKeys(tmp_path / "keys").mark("p1@SHOP.example")
    [file] = files(lake)
    rows = pq.read_table(file).to_pylist()
    assert {row["identity"] for row in rows if row["address"] == mark} == {1}
    assert {row["address"] for row in rows if row["event"] != IDENTIFIED} == {None}


def test_sql_shows_what_is_sealed_as_it_lies_and_finds_the_rows_of_an_address(lake: DuckLake) -> None:
    lake.append({"events": table(ROWS)})
    lake.append({"merges": table([merge(1, 1, 2)])})
    found = "SELECT DISTINCT person_id FROM events WHERE address = address_mark('P1@shop.example')"
    assert lake.sql().ask(found).read_all().to_pydict() == {"person_id": [2]}
    shown = lake.sql().ask("SELECT properties, personal, push_token FROM events").read_all()
    assert not any(secret in str(shown.to_pydict()) for secret in SECRETS)
    assert shown["personal"].null_count == 6
    assert lake.sql().ask("SELECT address_mark(NULL) AS x").read_all().to_pydict() == {"x": [None]}


def shouted(events: pa.Table) -> Rewritten:
    """The same rows, which have come whole, of a variant."""
    assert events.schema == EVENTS
    assert all("@shop.example" in text for text in events["properties"].to_pylist())
    assert None not in events["push_token"].to_pylist()
    at = events.column_names.index("variant")
    return Rewritten(rows={"events": events.set_column(at, "variant", pa.array(["loud"] * len(events)))})


def test_a_rewrite_sees_the_whole_and_leaves_it_sealed(lake: DuckLake) -> None:
    lake.append({"events": table(ROWS)})
    before = sorted(told(lake))
    lake.rewrite((("event", (IDENTIFIED,)),), shouted)
    lake.sweep()
    assert sorted(told(lake)) == before
    assert len(seen(lake, "id", only=(("variant", ("loud",)),))) == 6
    assert in_the_open(lake) == []


def doubled(events: pa.Table) -> Rewritten:
    """Each row twice, of which the lake takes one."""
    return Rewritten(rows={"events": pa.concat_tables([events, events])})


def test_a_row_that_is_rewritten_twice_is_there_once_and_sealed(lake: DuckLake) -> None:
    lake.append({"events": table([*ROWS, call(90, 1, origin="imp_1")])})
    before = sorted(told(lake))
    lake.rewrite((), doubled)
    lake.sweep()
    assert sorted(told(lake)) == before
    assert in_the_open(lake) == []


def test_what_waits_behind_an_import_is_sealed_and_comes_back_whole(lake: DuckLake) -> None:
    lake.append({"events": table([call(1, 1, origin="imp_1"), call(2, 1, origin="imp_1")])})
    lake.append({"events": table([call(1, 1, origin="shop")])})
    assert len(files(lake)) == 2
    assert in_the_open(lake) == []
    assert lake.withdraw("imp_1") == 2
    assert [one for one, *_ in told(lake)] == [1]
    assert told(lake)[0][1]["email"] == "P1@shop.example"
    lake.sweep()
    assert in_the_open(lake) == []


def test_columns_of_one_chunk_or_many_and_of_no_rows_are_sealed_alike(lake: DuckLake) -> None:
    whole = table(ROWS)
    lake.append({"events": pa.concat_tables([whole.slice(0, 5), whole.slice(5, 0), whole.slice(5)])})
    lake.append({"events": whole.slice(0, 0)})
    assert len(told(lake)) == 12
    assert in_the_open(lake) == []


PLACES: dict[str, Callable[[DuckLake], object]] = {"hot": lambda _: None, "compacted": DuckLake.compact}


@pytest.mark.parametrize("shape", PLACES)
def test_files_of_before_are_sealed_by_compaction(tmp_path: Path, shape: str) -> None:
    old = DuckLake(tmp_path / "lake", buckets=2, grace=0)
    for low in (0, 6):
        old.append({"events": table(ROWS[low : low + 6])})
    old.append({"events": table([view_of(50, 1), event(51, 1, properties="{}", push_token="")])})
    PLACES[shape](old)
    before = sorted(told(old))
    assert in_the_open(old) != []
    lake = DuckLake(tmp_path / "lake", keys=LmdbKeys(tmp_path / "keys"), grace=0)
    assert sorted(told(lake)) == before
    assert lake.needs_compaction()
    steps: list[tuple[int, int]] = []
    lake.compact(lambda *step: steps.append(step))
    lake.sweep()
    assert steps[-1][0] == steps[-1][1]
    assert in_the_open(lake) == []
    assert sorted(told(lake)) == before
    assert not lake.needs_compaction()
    assert (lake.verify(), lake.summary()) == ([], {"events": 14})


def test_a_new_lake_has_nothing_to_seal_later(lake: DuckLake) -> None:
    assert not lake.needs_compaction()
    lake.append({"events": table(ROWS)})
    assert not lake.needs_compaction()


WRITER = """
import sys
from pathlib import Path
from tests.adapters.test_lake_seals import call
from tests.contracts.lakes import table
from volano.adapters.keys_lmdb import LmdbKeys
from volano.adapters.lake_duckdb import DuckLake
home, first = Path(sys.argv[1]), int(sys.argv[2])
lake = DuckLake(home / "lake", buckets=2, keys=LmdbKeys(home / "keys"), grace=0)
for turn in range(5):
    lake.append({"events": table([call(first + turn * 10 + n, n) for n in range(10)])})
"""


def test_two_processes_seal_for_the_same_people_and_all_of_it_can_be_read(
    lake: DuckLake, tmp_path: Path
) -> None:
    root = str(Path(__file__).parents[2])
    commands = [[sys.executable, "-c", WRITER, str(tmp_path), first] for first in ("0", "1000")]
    writers = [subprocess.Popen(command, cwd=root) for command in commands]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert {(properties["email"], token) for _, properties, token in told(lake)} == {
        (f"P{person}@shop.example", f"token-{person}") for person in range(10)
    }
    assert len(told(lake)) == 100
    assert in_the_open(lake) == []
