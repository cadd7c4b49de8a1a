"""Countries from a file in MaxMind's format."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.mmdb import mmdb
from volano.adapters.geo_maxmind import open_geo
from volano.errors import BrokenHome

FILE = mmdb(
    {
        "192.0.2.0/24": {"country": {"iso_code": "DE"}},
        "198.51.100.0/25": {"registered_country": {"iso_code": "br"}},
        "198.51.100.128/25": {"continent": {"code": "EU"}},
        "203.0.113.7/32": {"country": {"iso_code": "US"}, "registered_country": {"iso_code": "CA"}},
    }
)


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("192.0.2.77", "DE"),
        ("198.51.100.1", "BR"),
        ("198.51.100.200", ""),
        ("203.0.113.7", "US"),
        ("203.0.113.8", ""),
        ("10.0.0.1", ""),
        ("2001:db8::1", ""),
        ("no address", ""),
        ("", ""),
    ],
)
def test_an_address_has_the_country_that_the_file_says(tmp_path: Path, address: str, country: str) -> None:
    path = tmp_path / "countries.mmdb"
    path.write_bytes(FILE)
    assert open_geo(str(path))(address) == country


def test_without_a_file_nothing_is_known() -> None:
    assert open_geo("")("192.0.2.77") == ""


def test_a_file_that_is_none_is_named_with_the_mend(tmp_path: Path) -> None:
    bad = tmp_path / "bad.mmdb"
    bad.write_bytes(b"nothing of the kind")
    for path in (bad, tmp_path / "missing.mmdb", tmp_path):
        with pytest.raises(BrokenHome, match="download it again"):
            open_geo(str(path))
