"""The site of a test, in memory and on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.hooked import Shop
from tests.flow.site import Site
from tests.receiver import Receiver, receiving
from volano.adapters.census_parquet import ParquetCensus
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.testing.keys_memory import MemoryKeys


@pytest.fixture(params=["memory", "disk"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """Once in memory, once with the adapters of a single machine."""
    if request.param == "memory":
        yield Site()
    else:
        yield Site(
            lake=DuckLake(tmp_path / "lake", 2, keys=MemoryKeys()),
            profiles=LmdbProfiles(tmp_path / "profiles"),
            on_disk=ParquetCensus(tmp_path / "profiles", LmdbProfiles(tmp_path / "profiles").notes),
        )


@pytest.fixture(params=["memory", "disk"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """The house, in memory and on the disk."""
    if request.param == "memory":
        return Shop(home=tmp_path)
    profiles = LmdbProfiles(tmp_path / "live")
    return Shop(
        home=tmp_path,
        lake=DuckLake(tmp_path / "lake", 2, keys=MemoryKeys()),
        profiles=profiles,
        on_disk=ParquetCensus(tmp_path / "live", profiles.notes),
    )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody else's server."""
    with receiving() as found:
        yield found
