"""`volano import` from a bucket and from a database: once, undone, and without a word of the password."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from tests.postgres import Postgres, postgres
from tests.s3 import BUCKET, s3, s3_environment

__all__ = ["postgres", "s3", "s3_environment"]


def volano(home: Path, *words: str, code: int = 0, environment: dict[str, str] | None = None) -> Any:
    ran = subprocess.run(
        [sys.executable, "-m", "volano", *words, "--home", str(home), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **(environment or {})},
    )
    assert ran.returncode == code, ran.stderr
    assert "sesame" not in ran.stdout + ran.stderr
    return json.loads(ran.stdout) if code == 0 else ran.stderr


@pytest.fixture
def database(postgres: Postgres) -> str:
    """The address of a database with two orders."""
    address = postgres.database()
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE orders (client int, paid numeric(10,2), at timestamptz)")
        connection.execute("INSERT INTO orders VALUES (1, 10.50, '2026-01-02'), (2, 20, '2026-01-03')")
    return address


MAPPED = ("--as", "orders", "--map", "person=client", "--map", "revenue=paid", "--map", "timestamp=at")


def test_orders_of_a_database_come_in_once_and_may_be_taken_back(tmp_path: Path, database: str) -> None:
    words = ("import", "--from", database, "--query", "select client, paid, at from orders", *MAPPED)
    first, again = volano(tmp_path, *words), volano(tmp_path, *words)
    assert (first["accepted"], first["by_currency"], again["accepted"]) == (2, {"USD": 3050}, 0)
    assert first["file"] == f"postgresql://localhost{urlsplit(database).path}"
    assert volano(tmp_path, "import", "--undo", first["import_id"])["rows_removed"] > 0
    assert [entry["file"] for entry in volano(tmp_path, "import", "--list")] == [first["file"]] * 2


def test_orders_in_a_bucket_come_in_once(
    tmp_path: Path, s3: fs.S3FileSystem, s3_environment: dict[str, str]
) -> None:
    orders = pa.table({"client": [1, 2], "paid": ["10.50", "20"], "at": ["2026-01-02", "2026-01-03"]})
    pq.write_table(orders, f"{BUCKET}/in/orders.parquet", filesystem=s3)
    words = ("import", f"s3://{BUCKET}/in/orders.parquet", *MAPPED)
    first, again = (volano(tmp_path, *words, environment=s3_environment) for _ in range(2))
    assert (first["accepted"], again["accepted"]) == (2, 0)
    assert first["file"] == f"s3://{BUCKET}/in/orders.parquet"


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    gone = "postgresql://shop:sesame@127.0.0.1:1/shop"
    told = volano(tmp_path, "import", "--from", gone, "--query", "select 1", "--as", "orders", code=2)
    assert "postgresql://127.0.0.1:1/shop does not answer" in told
    assert "go together" in volano(tmp_path, "import", "--from", gone, "--as", "orders", code=2)
