"""One turn of the wheel on a simulated shop: from its history to the next ranking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from volano.act.choose import snapshot
from volano.cli.say import now, progress
from volano.domain.campaign import Campaign
from volano.domain.durations import DAY
from volano.domain.idea import Idea
from volano.domain.tables import TIME
from volano.domain.verdict import Lesson
from volano.domain.visit import came_from
from volano.flow import launch, propose
from volano.flow.asking import groups_of
from volano.flow.capping import fill
from volano.flow.decide import decide_block
from volano.flow.importing import ImportReport, run_import
from volano.flow.inspecting import ImportRequest
from volano.flow.review import review
from volano.flow.shop import lens_of
from volano.observe.identity import identity, known_as
from volano.wiring import House, open_table
from volano.world.run import World
from volano.world.spec import Offer, Visits, WorldSpec
from volano.world.wire import write

HISTORY_DAYS = 28  # before anything is tried


def turn_once(house: House, spec: WorldSpec) -> dict[str, Any]:
    """Turn the wheel once, in bulk, through the public import and decisions; what came of it."""
    world = World(spec)
    before = min(HISTORY_DAYS, spec.days // 2)
    bring(house, world, 0, before)
    outlook = propose.refresh(house.lake, house.state, now=spec.start + before * DAY, lens=lens_of(house))
    truth = world.truth()
    campaign = _start_best(house, outlook.ideas, now=spec.start + before * DAY)
    bring(house, world, before, spec.days, Offers(house))
    end = spec.start + spec.days * DAY
    verdicts = review(house.lake, house.state, now=end, lens=lens_of(house))
    return {
        "people": spec.people,
        "days": spec.days,
        "seed": spec.seed,
        "truth": {"leaks": truth.leaks, "effects": truth.effects},
        "leaks": outlook.leaks[:3],
        "ideas": outlook.ideas,
        "campaign": campaign,
        "verdict": next((verdict for verdict in verdicts), None),
        "learned": house.state.find(Lesson),
        "next_ranking": [_rank(idea) for idea in propose.rescore(house.state, now=end)],
    }


def bring(house: House, world: World, first: int, last: int, offers: Offers | None = None) -> ImportReport:
    """Simulate the days [first, last) and bring them in as the file an owner would import."""
    with progress(f"simulating days {first} to {last}") as move:
        rows: list[pa.Table] = []
        for day in range(first, last):
            rows.append(world.simulate(day, day + 1, offers))
            move(day + 1 - first, last - first)
    if offers is not None:
        offers.keep()
    file = house.home / "imports" / f"world-{first}-{last}.parquet"
    write(pa.concat_tables(rows), str(file))
    with progress(f"importing days {first} to {last}") as move:
        wanted = ImportRequest(kind="events")
        report = run_import(house, open_table(file), wanted, now=now(), progress=move)
    file.unlink()
    return report


class Offers:
    """Asks the product's decision in bulk, and keeps what was decided for the lake."""

    def __init__(self, house: House) -> None:
        self._house = house
        campaigns = house.state.find(Campaign)
        groups = groups_of(house.state, (one.audience for one in campaigns))
        self._ready = snapshot(campaigns, groups=groups)
        if self._ready.caps and house.caps.missing:
            fill(house, now=now())
        self._rows: list[pa.Table] = []

    def __call__(self, visits: Visits) -> Sequence[Offer]:
        """What each live campaign offers to each visit."""
        if not self._ready.offers:
            return ()
        last, caps = int(visits.time.max()), self._house.caps
        block = decide_block(self._ready, people(visits), origin="world", now=last, caps=caps)
        self._rows.append(block.rows)
        live = [offer.campaign for offer in self._ready.offers.values()]
        return [
            Offer(each.key, each.recipe, each.round, each.trigger.on, block.arms[each.key]) for each in live
        ]

    def keep(self) -> None:
        """Put the decisions in the lake."""
        if self._rows:
            self._house.lake.append({"decisions": pa.concat_tables(self._rows)})
            self._rows = []


def people(visits: Visits) -> pa.Table:
    """Who visits, and what rules may ask of them, a row each."""
    named = zip(visits.person_id.tolist(), visits.anonymous_id.tolist(), strict=True)
    known = [known_as(user, anonymous) for user, anonymous in named]
    ids = [identity(name) for name in known]
    traffic = zip(visits.source.tolist(), visits.medium.tolist(), strict=True)
    return pa.table(
        {
            "person_id": ids,
            "identity": ids,
            "known_as": known,
            "assigned_by": visits.anonymous_id.tolist(),
            "time": pa.array(visits.time).cast(TIME),
            "source": [came_from(source, medium) for source, medium in traffic],
            "device": visits.device.tolist(),
            "path": visits.path.tolist(),
            "landing": visits.path.tolist(),
            "visitor": ["returning" if seen else "new" for seen in visits.returning],
            "orders": visits.orders,
        }
    )


def _start_best(house: House, ideas: Sequence[Idea], *, now: int) -> Campaign | None:
    best = next((idea for idea in ideas if idea.status in ("proposed", "open")), None)
    if best is None:
        return None
    drafted = launch.draft(house.lake, house.state, best.key, now=now, lens=lens_of(house))
    return launch.publish(house.state, drafted.key, now=now)


def _rank(idea: Idea) -> dict[str, Any]:
    return {
        "idea": idea.key,
        "title": idea.title,
        "score": idea.score,
        "impact": idea.impact.value,
        "status": idea.status,
    }
