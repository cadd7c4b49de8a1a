"""Lakes of version 1 read right: chains, rows that were moved, rows at odds with their identity."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from volano.adapters.lake_duckdb import DuckLake
from volano.domain.tables import EVENTS, SEALED, TIME
from volano.domain.view import View

OLD = ["person_id", "time", "id", "identity", "known_as", "origin", "event", "source"]


def written(
    home: Path, rows: list[tuple[int, int, int | None]], links: list[tuple[int, int]], settled: int
) -> None:
    """A lake of version 1 with one bucket: rows (person, id, identity), links in order."""
    (home / "events" / "b=00").mkdir(parents=True)
    (home / "index" / "links").mkdir(parents=True)
    people, ids, identities = (pa.array(some, pa.int64()) for some in zip(*sorted(rows), strict=True))
    told = {"person_id": people, "time": ids.cast(TIME), "id": ids, "identity": identities}
    columns = [told.get(name, pa.nulls(len(rows), EVENTS.field(name).type)) for name in OLD]
    pq.write_table(pa.table(columns, names=OLD), home / "events/b=00/2024-10-04-00000001-0000.parquet")
    np.save(home / "index/links/run.npy", np.array(links, np.int64).reshape(-1, 2))
    part = {"path": "events/b=00/2024-10-04-00000001-0000.parquet", "table": "events", "bucket": 0}
    part |= {"day": "2024-10-04", "rows": len(rows), "time_low": 0, "time_high": 99}
    part |= {"person_low": min(people.to_pylist()), "person_high": max(people.to_pylist())}
    manifest = {"version": 1, "buckets": 1, "commits": 1, "parts": [part], "settled": settled}
    manifest["links"] = [{"path": "index/links/run.npy", "rows": len(links)}]
    (home / "manifest.json").write_text(json.dumps(manifest))


def found(lake: DuckLake) -> dict[int, int]:
    """The person of each row, by its id."""
    rows = lake.read(View(columns=("id",)))
    return dict(zip(rows["id"].to_pylist(), rows["person_id"].to_pylist(), strict=True))


def test_chains_lead_to_their_end_whether_their_rows_were_moved_or_not(tmp_path: Path) -> None:
    rows: list[tuple[int, int, int | None]] = [
        (2, 10, 1),
        (2, 11, 2),
        (3, 12, 3),
    ]  # the rows of 1 were moved to 2, before 2 became 3
    written(tmp_path, rows, [(1, 2), (2, 3)], settled=1)
    for lake in (DuckLake(tmp_path), DuckLake(tmp_path)):
        assert found(lake) == {10: 3, 11: 3, 12: 3}
        lake.compact()
    assert (found(lake), lake.verify()) == ({10: 3, 11: 3, 12: 3}, [])


def test_an_identity_without_a_link_whose_rows_lie_under_a_person_is_linked_to_them(tmp_path: Path) -> None:
    written(tmp_path, [(7, 10, 1), (7, 11, 7)], [], settled=0)
    lake = DuckLake(tmp_path)
    assert found(lake) == {10: 7, 11: 7}
    lake.append({"events": pa.table({"person_id": [1], "time": pa.array([5]).cast(TIME), "id": [12]})})
    assert found(lake) == {10: 7, 11: 7, 12: 7}


def test_a_row_that_lies_under_another_person_than_its_identity_stays_there(tmp_path: Path) -> None:
    written(tmp_path, [(7, 10, 1), (8, 11, 1), (9, 12, None)], [(1, 8), (9, 7)], settled=2)
    assert found(DuckLake(tmp_path)) == {10: 7, 11: 8, 12: 7}


def test_columns_that_old_files_lack_are_null_and_their_files_join_those_of_now(tmp_path: Path) -> None:
    written(tmp_path, [(1, 10, 1), (2, 11, 2)], [], settled=0)
    lake = DuckLake(tmp_path)
    new = {"person_id": [1], "time": pa.array([5]).cast(TIME), "id": [12], "bot": ["crawler"], "os": ["iOS"]}
    lake.append({"events": pa.table(new)})
    for _ in range(2):
        rows = lake.read(View(columns=("id", "bot", "os"))).to_pylist()
        assert [(row["id"], row["bot"], row["os"]) for row in rows] == [
            (12, "crawler", "iOS"),
            (10, None, None),
            (11, None, None),
        ]
        assert found_with(lake, humans=True) == [10, 11]
        assert found_with(lake, only=(("os", ("iOS",)),)) == [12]
        lake.compact()
    [file] = [path for path in tmp_path.glob("events/b=00/*") if path.name > "2024-10-05"]
    assert pq.read_schema(file).names == [*EVENTS.names, *SEALED.names]


def found_with(lake: DuckLake, **view: object) -> list[int]:
    ids: list[int] = lake.read(View(columns=("id",), **view)).column("id").to_pylist()  # type: ignore[arg-type]
    return ids
