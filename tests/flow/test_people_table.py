"""The table of people in the lake says what the profiles say."""

from __future__ import annotations

import json

from tests.flow.site import MINUTE, NOW, Site, event, history, order
from volano.domain.profile import Profile
from volano.domain.view import View
from volano.flow.people_table import TABLE, people_as_of, refresh
from volano.observe.traits import FIELDS, facts

LATER = NOW + 60 * MINUTE


def test_the_table_holds_the_facts_of_everybody(site: Site) -> None:
    for frame in history():
        site.frame(frame)
    who = event(
        "Identified", kind="identify", user="u1", properties={"plan": "pro", "consent": {"email": True}}
    )
    site.send(who, order("o9", 25, user="u1"))
    site.drain()
    assert people_as_of(site.lake) is None
    assert refresh(site.lake, now=LATER) == 4
    assert people_as_of(site.lake) == LATER
    names = tuple(name for name in FIELDS if name not in ("traits.*", "segments"))
    rows = site.lake.read(View(tables=(TABLE,), columns=(*names, "traits"))).to_pylist()
    for row in rows:
        profile = site.profiles.get(Profile, row["person_id"])
        known = facts(profile, now=LATER)
        for name in names:
            said = known.get(name)
            if FIELDS[name].kind == "list":
                said = None if said is None else json.dumps(said, separators=(",", ":"))
            if FIELDS[name].kind == "time" and said is not None:
                row[name] = round(row[name].timestamp() * 1_000_000)
            assert row[name] == said, name
    assert [json.loads(row["traits"]) for row in rows if row["traits"]] == [
        {"plan": "pro", "consent.email": True}
    ]


def test_a_table_made_again_replaces_the_one_before(site: Site) -> None:
    site.send(event(user="a"))
    site.drain()
    refresh(site.lake, now=NOW)
    site.send(event(user="b"))
    site.drain()
    assert refresh(site.lake, now=LATER) == 2
    assert people_as_of(site.lake) == LATER
    assert site.lake.read(View(tables=(TABLE,), columns=("events",))).num_rows == 2
