"""The journey that a home looks at: the e-commerce default until another is kept."""

from __future__ import annotations

from volano.domain.durations import DAY
from volano.domain.leak import HomeJourney, Journey
from volano.errors import BadInput, NotFound
from volano.ports import State

LONGEST = 400 * DAY


def home_journey(state: State) -> Journey:
    """The kept journey, or the default."""
    try:
        return state.get(HomeJourney, HomeJourney().key).journey
    except NotFound:
        return Journey()


def keep_journey(state: State, journey: Journey) -> Journey:
    """Look at this journey from now on; BadInput if it is none."""
    if len(journey.steps) < 2 or not all(name.strip() for name in journey.steps):
        raise BadInput("a journey needs at least two steps, each the name of an event")
    if not 0 < journey.within <= LONGEST:
        raise BadInput("the window of a journey must be above 0 and at most 400 days")
    state.put(HomeJourney(journey=journey))
    return journey
