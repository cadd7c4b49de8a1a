"""Fixtures for these tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.lakes import AnyLake
from tests.postgres import database, postgres
from tests.s3 import BUCKET, s3, s3_environment
from tests.valkey_server import valkey
from volano.adapters.keys_lmdb import LmdbKeys
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.lake_s3 import S3Files
from volano.testing.keys_memory import MemoryKeys
from volano.testing.lake_memory import MemoryLake

__all__ = ["database", "postgres", "s3", "s3_environment", "valkey"]


@pytest.fixture(params=["duck", "memory", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> AnyLake:
    if request.param == "memory":
        return MemoryLake(buckets=4)
    if request.param == "duck":
        return DuckLake(tmp_path / "lake", buckets=4, keys=LmdbKeys(tmp_path / "keys"))
    address = f"s3://{BUCKET}/contracts/{tmp_path.name}"
    return DuckLake(
        S3Files(address, tmp_path / "lake", request.getfixturevalue("s3")), buckets=4, keys=MemoryKeys()
    )
