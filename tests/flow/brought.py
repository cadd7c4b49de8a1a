"""An empty house, files brought into it, and what it holds then."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.table_file import open_table
from volano.domain.account import Import
from volano.domain.view import View
from volano.flow.importing import ImportReport, run_import
from volano.flow.inspecting import ImportRequest
from volano.ports import Profiles
from volano.settings import Settings
from volano.testing.keys_memory import MemoryKeys
from volano.testing.lake_memory import MemoryLake
from volano.testing.profiles_memory import MemoryProfiles
from volano.testing.state_memory import MemoryState

NOW = 1_700_000_000_000_000
ALL = (
    "id known_as event source medium device path campaign variant revenue currency order_id product"
    " properties origin"
).split()
ORDERS = (
    "user_id,date,total,order_id,sku\n"
    "ann,2020-01-02,5.00,o1,x\nann,2020-01-02,7.00,o1,y\nbob,2020-01-03,1,o2,x\n"
)
Kind = Literal["orders", "events"]


@dataclass(frozen=True)
class House:
    """A house with nothing in it."""

    home: Path
    lake: Any
    state: MemoryState
    settings: Settings
    profiles: Profiles = field(default_factory=MemoryProfiles)

    @property
    def upkeep(self) -> Any:
        """The lake keeps itself."""
        return self.lake

    @property
    def corrections(self) -> Any:
        """The lake corrects itself."""
        return self.lake


def house_with(lake: str, folder: Path) -> House:
    """A house whose lake is in `memory` or of `duckdb`."""
    made: Any = MemoryLake() if lake == "memory" else DuckLake(folder / "lake", 4, keys=MemoryKeys())
    return House(home=folder / "home", lake=made, state=MemoryState(), settings=Settings())


def bring(house: House, kind: Kind, text: str, name: str = "shop.csv", **said: Any) -> ImportReport:
    """Write the text to a file and import that."""
    house.home.mkdir(exist_ok=True)
    path = house.home / name
    path.write_text(text)
    now = NOW + len(house.state.find(Import)) + len(text)
    return run_import(house, open_table(path), ImportRequest(kind=kind, **said), now=now)


def rows(house: House, table: str = "events", *columns: str) -> list[dict[str, Any]]:
    """What a table of the lake holds."""
    names = columns or tuple(ALL)
    found: list[dict[str, Any]] = house.lake.read(View(tables=(table,), columns=names)).to_pylist()
    return found


def money_of(house: House, table: str) -> int:
    """All revenue in a table."""
    return sum(row["revenue"] for row in rows(house, table, "revenue"))


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    """Rows, and how many of them were accepted, duplicates and refused."""
    return report.rows, report.accepted, report.duplicates, report.refused
