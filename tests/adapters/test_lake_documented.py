"""The page about the lake is true: every example on it that can run here runs, and all say the same."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tests.adapters.test_lake_duckdb import events
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.lake_manifest import Manifest, Part
from volano.domain.tables import TABLES, TIME

PAGE = (Path(__file__).parents[2] / "docs/reference/lake.md").read_text()
FIRST, *BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
NEEDED = {block: re.findall(r"^(?:import|from) (\w+)", block, re.MULTILINE) for block in BLOCKS}
RUNNABLE = [block for block in BLOCKS if all(importlib.util.find_spec(name) for name in NEEDED[block])]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A lake with compacted and hot files, one person merged since."""
    lake = DuckLake(tmp_path, buckets=2)
    lake.append({"events": events(range(20), people=4)})
    lake.compact()
    lake.append({"events": events(range(20, 30), people=4)})
    told = {"person_id": [2], "time": pa.array([0]).cast(TIME), "id": [1], "identity": [1], "alias": [1]}
    lake.append({"merges": pa.table(told)})
    return tmp_path


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: NEEDED[block][0])
def test_an_example_gives_what_the_lake_holds(block: str, home: Path) -> None:
    said: dict[str, Any] = {}
    exec(FIRST.replace("volano-data/lake", str(home)) + block, said)
    assert [tuple(row) for row in said["answer"]] == [(0, 8), (2, 15), (3, 7)]


def test_duckdb_and_arrow_are_among_those_that_run() -> None:
    assert {"duckdb", "pyarrow"} <= {NEEDED[block][0] for block in RUNNABLE}


def test_the_example_for_the_shell_of_duckdb_runs_as_it_stands(home: Path) -> None:
    [block] = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    found = duckdb.connect().execute(block.replace("volano-data/lake", str(home))).fetchall()
    assert found == [("event 0", 10), ("event 1", 10), ("event 2", 10)]


def test_every_table_and_every_field_of_the_manifest_is_on_the_page() -> None:
    words = set(re.findall(r"`(\w+)`", PAGE))
    assert {*TABLES, *Manifest.__struct_fields__} - {"settled"} <= words
    assert set(Part.__struct_fields__) - {"time_low", "time_high", "person_low", "person_high"} <= words
