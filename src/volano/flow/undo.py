"""What was there before, kept for a while, so that it can be taken back."""

from __future__ import annotations

from volano.domain.durations import DAY
from volano.domain.undo import Before
from volano.errors import BadInput, NotFound
from volano.ports import State

KEPT = DAY


def keep_before(state: State, before: Before) -> None:
    """Keep it; what is too old to be taken back is forgotten."""
    for one in state.find(Before):
        if one.at < before.at - KEPT:
            state.drop(Before, one.key)
    state.put(before)


def before(state: State, key: str) -> Before:
    """What there was before; BadInput if that is not known any more."""
    try:
        return state.get(Before, key)
    except NotFound as error:
        raise BadInput("there is nothing to take back; it was done too long ago") from error
