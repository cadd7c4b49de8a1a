"""Does the house find what the world planted, and keep quiet where nothing is? Prints counts and limits.

Run it with `python benchmarks/truth.py [--shops 20] [--rounds 200] [--workers 2]`; it takes about half an
hour on two cores. Everything goes through the public import and decisions, as in `volano demo --no-serve`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from volano.cli.demo import MONDAY
from volano.cli.turn import HISTORY_DAYS, Offers, bring
from volano.domain.durations import DAY
from volano.domain.leak import Journey, Leak
from volano.domain.verdict import Verdict
from volano.flow import launch, propose
from volano.flow.report import count_journey
from volano.flow.review import review
from volano.plan import playbook, rice
from volano.settings import Settings
from volano.testing.caps_memory import MemoryCaps
from volano.testing.census_memory import MemoryCensus
from volano.testing.journal_memory import MemoryJournal
from volano.testing.lake_memory import MemoryLake
from volano.testing.profiles_memory import MemoryProfiles
from volano.testing.state_memory import MemoryState
from volano.wiring import House, open_house, read_settings
from volano.world.run import World
from volano.world.spec import WorldSpec

SHOP_PEOPLE = 20_000
ROUND_PEOPLE, BEFORE, RUNNING = 2_500, 28, 31  # days of history, and of the campaign with its order window
RECIPE, STEP = "trust-badges-bar", 1  # shown to everybody who looks at a product
WEEKS = BEFORE / 7
PILOTS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One small experiment: what it said, the lift it was planned for and the lift that was seen."""

    call: str
    planned: float
    seen: float


def leaks_of(seed: int, truth: str) -> tuple[bool, int]:
    """Whether the largest planted leak is the first that is found, and how many are found."""
    spec = WorldSpec(people=SHOP_PEOPLE, days=HISTORY_DAYS, seed=seed, start=MONDAY, truth=truth)
    with tempfile.TemporaryDirectory() as home:
        house, world = open_house(read_settings({}, home=home)), World(spec)
        bring(house, world, 0, HISTORY_DAYS)
        found = propose.refresh(house.lake, house.state, now=spec.start + HISTORY_DAYS * DAY).leaks
    planted = world.truth().leaks
    first = bool(found and planted) and _place(found[0]) == (planted[0].step, planted[0].slice)
    return first, len(found)


def _place(leak: Leak) -> tuple[str, dict[str, str]]:
    return leak.step, leak.slice


def one_round(seed: int, scale: float) -> Round:
    """A campaign in a small shop whose idea truly lifts by `scale` × the lift the test is planned for."""
    quiet = WorldSpec(
        people=ROUND_PEOPLE, days=BEFORE + RUNNING, seed=seed, start=MONDAY, truth="none", effects="none"
    )
    with tempfile.TemporaryDirectory() as home:
        house, world = _in_memory(home), World(quiet)
        bring(house, world, 0, BEFORE)
        key, planned = _launched(house, now=MONDAY + BEFORE * DAY)
        if scale:
            world = World(
                WorldSpec(
                    people=ROUND_PEOPLE,
                    days=BEFORE + RUNNING,
                    seed=seed,
                    start=MONDAY,
                    truth="none",
                    effects={RECIPE: planned * scale},
                )
            )
            world.simulate(0, BEFORE)
        bring(house, world, BEFORE, BEFORE + RUNNING, Offers(house))
        verdict = next(
            each
            for each in review(house.lake, house.state, now=MONDAY + (BEFORE + RUNNING) * DAY)
            if each.campaign == key
        )
    return Round(call=verdict.call, planned=planned, seen=_seen(verdict))


def _seen(verdict: Verdict) -> float:
    return next((result.relative or 0.0 for result in verdict.results if result.goal == "orders"), 0.0)


def _in_memory(home: str) -> House:
    lake = MemoryLake()
    profiles = MemoryProfiles()
    Path(home, "imports").mkdir()
    return House(
        settings=Settings(),
        home=Path(home),
        lake=lake,
        upkeep=lake,
        corrections=lake,
        journal=MemoryJournal(),
        state=MemoryState(),
        profiles=profiles,
        census=MemoryCensus(profiles),
        caps=MemoryCaps(),
        pepper=b"",
    )


def _launched(house: House, *, now: int) -> tuple[str, float]:
    """A live campaign for everybody at the step, planned from the history; its key and planned lift."""
    journey = Journey()
    tally = count_journey(house.lake, journey)
    assert tally is not None
    people = [step["people"] for step in tally.steps]
    leak = Leak(
        key="everybody",
        step=journey.steps[STEP],
        next_step=journey.steps[STEP + 1],
        slice={},
        people=people[STEP],
        went_on=people[STEP + 1],
        expected=0,
        observed=people[STEP + 1] / people[STEP],
        gap=0,
        gap_low=0,
        gap_high=0,
        reach=people[STEP] / WEEKS * 13,
        lost_orders_per_week=0,
        lost_orders_low=0,
        lost_orders_high=0,
        lost_money_per_week=0,
        currency="USD",
        p_value=1,
        q_value=1,
        order_share=people[-1] / people[STEP],
        people_per_week=people[STEP] / WEEKS,
        found_at=now,
        review_by=now,
    )
    idea = rice.idea(leak, playbook.recipe(RECIPE), playbook.prior(RECIPE), now=now)
    house.state.put(leak, idea)
    campaign = launch.publish(
        house.state, launch.draft(house.lake, house.state, idea.key, now=now).key, now=now
    )
    return campaign.key, campaign.plan.lift


def told(what: str, value: float, limit: float, ok: bool) -> bool:
    """One line of the result."""
    print(f"{'ok  ' if ok else 'MISS'} {what}: {value:g} (limit {limit:g})", flush=True)
    return ok


def main() -> int:
    """Run all of it; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    with ProcessPoolExecutor(asked.workers) as pool:
        return 0 if _shops(pool.map, asked.shops) & _rounds(pool.map, asked.rounds) else 1


Map = Callable[..., Iterable[object]]


def _shops(run: Map, shops: int) -> bool:
    seeds = range(1, shops + 1)
    planted = [found[0] for found in run(partial(leaks_of, truth="planted"), seeds)]  # type: ignore[index]
    empty = [found[1] for found in run(partial(leaks_of, truth="none"), seeds)]  # type: ignore[index]
    least, most = 0.9 * shops, 0.15 * shops
    loud = sum(count > 0 for count in empty)
    return told(
        f"shops of {shops} whose largest leak is found first", sum(planted), least, sum(planted) >= least
    ) & told(f"empty shops of {shops} in which a leak is reported", loud, most, loud <= most)


def _rounds(run: Map, rounds: int) -> bool:
    inert = [_round(found) for found in run(partial(one_round, scale=0.0), range(1_000, 1_000 + rounds))]
    ships = sum(each.call == "ship" for each in inert)
    quiet = told(f"inert rounds of {rounds} that ship", ships, 0.075 * rounds, ships <= 0.075 * rounds)
    # people come several times in a window: a lift of every visit is a smaller lift of people; measured first
    pilots = [_round(found) for found in run(partial(one_round, scale=1.0), range(5_000, 5_000 + PILOTS))]
    passed_on = sum(each.seen for each in pilots) / sum(each.planned for each in pilots)
    scale = 1 / passed_on
    print(f"     a lift of every visit becomes {passed_on:.2f} × as much of people; scaled by {scale:.2f}")
    real = [_round(found) for found in run(partial(one_round, scale=scale), range(2_000, 2_000 + rounds))]
    shipped = sum(each.call == "ship" for each in real) / rounds
    mean = sum(each.seen for each in real) / rounds
    print(f"     planned {sum(each.planned for each in real) / rounds:+.1%}, seen on average {mean:+.1%}")
    calls = {call: sum(each.call == call for each in real) for call in {each.call for each in real}}
    print(f"     verdicts on real effects: {calls}")
    return quiet & told("share of planned effects that ship", shipped, 0.75, shipped >= 0.75)


def _round(found: object) -> Round:
    assert isinstance(found, Round)
    return found


if __name__ == "__main__":
    sys.exit(main())
