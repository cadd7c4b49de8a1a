"""All that is kept of one person, to be handed out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import msgspec
import pyarrow as pa

from volano.domain.hook import Call, DeadCall
from volano.domain.profile import Profile
from volano.domain.tables import OF_PEOPLE, TABLES
from volano.domain.view import View
from volano.flow.house import House
from volano.flow.people import person, shown
from volano.flow.whom import Whom, quarantined, refused_lines, whom
from volano.ports import Lake


class HandingOut(House, Protocol):
    """A house with the folder in which its imports leave what they refused."""

    @property
    def home(self) -> Path: ...


def export(house: HandingOut, person_id: int, *, now: int) -> dict[str, Any]:
    """All that is kept of a person, as JSON: identities, traits, segments, every row, and what names them.

    That are calls that wait for web hooks, quarantined events, and refused lines of imports.

    Times are UTC µs, money in minor units.
    """
    page = person(house, person_id, now=now)
    theirs = whom(house, [one.known_as for one in page.identities if one.known_as] + [str(person_id)])
    refused = refused_lines(house.home / "imports", theirs)
    return {
        "person_id": person_id,
        "identities": msgspec.to_builtins(page.identities),
        "given": msgspec.to_builtins(page.given),
        "profile": _plain(page.profile),
        "segments": msgspec.to_builtins(page.segments),
        **{table: shown(_all_of(house.lake, table, person_id)) for table in OF_PEOPLE},
        "calls": _calls(house, theirs),
        "quarantine": shown(quarantined(house.lake, theirs)),
        "refused": [{"file": path.name, "row": line} for path, mine, _ in refused for line in mine],
    }


def _calls(house: House, theirs: Whom) -> list[dict[str, Any]]:
    return [
        msgspec.to_builtins(call)
        for kind in (Call, DeadCall)
        for _, call in house.profiles.scan(kind)
        if call.person_id in theirs.identities
    ]


def _plain(profile: Profile | None) -> dict[str, Any]:
    names = profile.__struct_fields__ if profile is not None else ()
    return {name: msgspec.to_builtins(getattr(profile, name)) for name in names}


def _all_of(lake: Lake, table: str, person_id: int) -> pa.Table:
    return lake.read(View(tables=(table,), columns=tuple(TABLES[table].names), people=(person_id,)))
