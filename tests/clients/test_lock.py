"""Which versions of the libraries are tested is fixed, and the file that fixes them names no address."""

from __future__ import annotations

import json
import re
from pathlib import Path

FOLDER = Path(__file__).parent


def test_the_lock_has_a_digest_of_every_package_and_no_address() -> None:
    packages = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert name == "" or package["integrity"].startswith("sha512-"), name


def test_the_libraries_are_asked_for_in_one_version_each() -> None:
    asked = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    assert {
        name: version for name, version in asked.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)
    } == {}
