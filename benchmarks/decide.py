"""What one decision costs: 20 live campaigns, one person, CPU µs a call, against decode and encode alone.

Then the same where one of the campaigns, which means everybody, has a cap: each call counts its visit.

Run it with `python benchmarks/decide.py`. It ends with 1 when a whole decision takes more than 2 ms at p99.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from volano.act.choose import Snapshot, choose, snapshot
from volano.adapters.caps_lmdb import LmdbCaps
from volano.adapters.journal_file import FileJournal
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.account import Source
from volano.domain.campaign import CONTROL, Arm, Campaign, Cap, Plan, Trigger
from volano.domain.change import Change, Packed
from volano.domain.idea import Content
from volano.domain.profile import Profile
from volano.flow.decide import decide_one, facts_of, known_profile
from volano.observe.identity import identity, known_as
from volano.ports import Journal
from volano.testing.journal_memory import MemoryJournal
from volano.testing.state_memory import MemoryState
from volano.web.decisions import asked
from volano.web.pace import Pace
from volano.web.write_keys import WriteKeys

CAMPAIGNS, PEOPLE, CALLS = 20, 20_000, 10_000
LIMIT = 2_000.0  # µs at p99
AUDIENCES: tuple[dict[str, Any], ...] = (
    {},
    {"source": "instagram / social", "device": "low-end android"},
    {"orders": {"$gte": 1}, "visitor": "returning"},
    {"$or": [{"landing": {"$prefix": "/sale"}}, {"source": {"$in": ["google / cpc", "mail / newsletter"]}}]},
)


def campaigns() -> list[Campaign]:
    """Twenty, of which a person meets about half."""
    content = Content(
        headline="Take 10 % off your basket", body="For everything you have picked.", button="Go"
    )
    return [
        Campaign(
            key=f"c{number}",
            name="c",
            idea="i",
            recipe="r",
            format="popup",
            audience=AUDIENCES[number % len(AUDIENCES)],
            trigger=Trigger(on="Page Viewed", then="exit"),
            arms=(Arm(key=CONTROL, weight=0.5), Arm(key="a", weight=0.5, content=content)),
            goals=(),
            plan=Plan(baseline=0.1, lift=0.1, people_per_arm=100, days=7),
            status="live",
        )
        for number in range(CAMPAIGNS)
    ]


def body(number: int) -> bytes:
    """What the tag sends."""
    return msgspec.json.encode(
        {
            "writeKey": "w",
            "anonymousId": f"anonymous-{number}",
            "context": {
                "page": {
                    "path": "/sale/1",
                    "url": "https://shop.example/sale/1",
                    "title": "Sale",
                    "search": "",
                },
                "campaign": {"source": "google", "medium": "cpc"},
                "session": {"landing": "/sale/1", "visits": 1 + number % 3},
                "device": {"memory": 4},
                "userAgent": "Mozilla/5.0 (Linux; Android 10; K) Chrome/120.0 Mobile Safari/537.36",
            },
        }
    )


async def measured(call: Callable[[int], Awaitable[object]]) -> np.ndarray[Any, Any]:
    """CPU µs of each call, of all threads."""
    found = np.empty(CALLS)
    for number in range(CALLS):
        began = time.process_time_ns()
        await call(number)
        found[number] = (time.process_time_ns() - began) / 1000
    return found


async def run(home: Path) -> bool:
    """Measure and print; whether the limit is kept."""
    ready, state = snapshot(campaigns()), MemoryState()
    state.put(Source(key="web", name="Web", write_key="w"))
    keys = WriteKeys(state, Pace(0, 0))
    profiles, journal = LmdbProfiles(home / "profiles"), FileJournal(home / "journal")
    people = [identity(known_as("", f"anonymous-{number}")) for number in range(PEOPLE)]
    known = [(one, Profile(person_id=one, orders=one % 4, last_seen=1)) for one in people]
    profiles.put(Change(packed=(Packed.of(Profile, known),)))
    now = time.time_ns() // 1000
    bodies = [body(number % PEOPLE) for number in range(CALLS)]
    asks = [asked(one, keys, now) for one in bodies]
    found = [facts_of(ask, known_profile(profiles, ask)) for ask in asks]
    caps, (first, *others) = LmdbCaps(home / "caps"), campaigns()
    capped = snapshot([replace(first, cap=Cap(times=3, days=7)), *others])
    caps.fill(())
    answers = [await decide_one(ready, profiles, caps, journal, ask) for ask in asks]

    async def floor(number: int) -> object:
        msgspec.json.decode(bodies[number])
        return msgspec.json.encode(answers[number])

    async def chosen(number: int) -> object:
        return choose(ready, found[number], lambda _: asks[number].anonymous_id, now=now)

    async def whole(number: int, record: Journal = journal, live: Snapshot = ready) -> object:
        ask = asked(bodies[number], keys, now)
        return msgspec.json.encode(await decide_one(live, profiles, caps, record, ask))

    async def unrecorded(number: int) -> object:
        return await whole(number, MemoryJournal())

    async def counted(number: int) -> object:
        return await whole(number, MemoryJournal(), capped)

    base = await measured(floor)
    met = np.mean([len(answer.campaigns) for answer in answers])
    print(f"{CAMPAIGNS} live campaigns, {met:.1f} of them meet a person; {CALLS:,} calls, CPU µs")
    spent = {
        "decode + encode (floor)": base,
        "choose": await measured(chosen),
        "decide_one without fsync": await measured(unrecorded),
        "the same with a cap": await measured(counted),
        "decide_one": await measured(whole),
    }
    for name, each in spent.items():
        p50, p99 = np.percentile(each, [50, 99])
        ratio = p50 / np.percentile(base, 50)
        print(f"{name:26} p50 {p50:8.1f}   p99 {p99:8.1f}   {ratio:6.1f} × floor")
    return bool(np.percentile(spent["decide_one"], 99) <= LIMIT)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        kept = asyncio.run(run(Path(home)))
    print(f"p99 of decide_one at most {LIMIT:,.0f} µs: {'kept' if kept else 'BROKEN'}")
    sys.exit(not kept)
