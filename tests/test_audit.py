"""The audit of the dependencies fails for a known weakness, and says where it could not look."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

told = runpy.run_path(str(Path(__file__).parent.parent / ".ci" / "audit"))["told"]


def dependency(name: str, *weaknesses: str) -> dict[str, Any]:
    vulns = [{"id": one, "fix_versions": ["1.1"]} for one in weaknesses]
    return {"name": name, "version": "1.0", "vulns": vulns}


def test_a_known_weakness_is_named_with_its_mend_and_fails() -> None:
    code, lines = told({"dependencies": [dependency("good"), dependency("bad", "PYSEC-1", "GHSA-2")]})
    assert (code, lines) == (1, ["bad 1.0: PYSEC-1, mended in 1.1", "bad 1.0: GHSA-2, mended in 1.1"])


def test_dependencies_without_one_pass() -> None:
    assert told({"dependencies": [dependency("good")]}) == (0, ["1 dependencies, none with a known weakness"])


def test_what_could_not_be_looked_at_is_said() -> None:
    skipped = {"name": "far", "skip_reason": "not found"}
    code, lines = told({"dependencies": [dependency("good"), skipped]})
    assert code == 0
    assert lines == ["not audited: 1 of 2 dependencies, as their advisories cannot be reached from here"]
    assert told(None)[1] == ["not audited: the dependencies, as their advisories cannot be reached from here"]
