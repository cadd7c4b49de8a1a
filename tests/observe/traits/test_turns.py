"""Between the moments that are told, time alone changes no fact but those that grow with it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.observe.traits.blocks import DAY, ROWS, START, Row, block
from volano.domain.profile import Profile
from volano.observe.traits import TIMED, facts, tally, turns

LAST = START + 500 * DAY
STEPS = 60


def lasting(profile: Profile, now: int) -> dict[str, Any]:
    return {name: value for name, value in facts(profile, now=now).items() if name not in TIMED}


@settings(deadline=None, max_examples=150)
@given(ROWS, st.integers(START - 2 * DAY, START + 90 * DAY), st.floats(0, 1))
def test_facts_stay_as_they_are_until_the_moment_that_is_told(rows: list[Row], now: int, part: float) -> None:
    for profile in tally(block(rows), zone="America/New_York"):
        for _ in range(STEPS):
            turn = turns(profile, now=now)
            end = LAST if turn is None else turn
            assert end > now
            known = lasting(profile, now)
            for moment in (end - 1, now + int((end - 1 - now) * part)):
                assert lasting(profile, moment) == known
            if turn is None or turn >= LAST:
                break
            now = turn


@settings(deadline=None, max_examples=100)
@given(ROWS, st.integers(START - 2 * DAY, LAST))
def test_facts_that_grow_with_time_are_whole_units_since_their_anchor(rows: list[Row], now: int) -> None:
    for profile in tally(block(rows)):
        found = facts(profile, now=now)
        for name, timed in TIMED.items():
            assert (name in found) == (timed.anchor in found)
            if name in found:
                assert found[name] == (now - found[timed.anchor]) // timed.unit
