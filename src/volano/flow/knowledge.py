"""What the drain goes by beside what comes in: the shop's words, money and clock, and its segments."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from volano.domain.campaign import WATCHED, Campaign
from volano.domain.hook import Hook
from volano.domain.naming import Naming
from volano.domain.saved_list import SavedList
from volano.domain.segment import Segment
from volano.domain.work import Work
from volano.flow.asking import groups_of
from volano.flow.shop import shop_of
from volano.observe.membership import Ready, ready
from volano.observe.naming import Names
from volano.ports import State
from volano.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Immutable; made anew when one of its parts changes. `zone` is the shop's time zone.

    `unsettled`: the past of some people is still to be read, so that what two are known to have done is not
    what they are known to have done as one.
    """

    currency: str = "USD"
    zone: str = "UTC"
    marks: tuple[tuple[str, str], ...] = ()
    names: Names = field(default_factory=Names)
    ready: Ready = field(default_factory=lambda: ready(()))
    hooks: tuple[Hook, ...] = ()
    unsettled: bool = False


def knowledge(state: State, settings: Settings) -> Knowledge:
    """What a house goes by now."""
    return Knowing(state, settings)()


class Knowing:
    """What a house goes by, read anew at each call and made ready anew only where it has changed."""

    def __init__(self, state: State, settings: Settings) -> None:
        self._state, self._settings = state, settings
        self._read: tuple[Any, ...] = ()
        self._made = Knowledge()

    def __call__(self) -> Knowledge:
        """As it is now."""
        state = self._state
        shop, namings = shop_of(state, self._settings), state.find(Naming)
        segments = state.find(Segment)
        audiences = [each.audience for each in state.find(Campaign) if each.status in WATCHED]
        lists, hooks = state.find(SavedList), state.find(Hook)
        unsettled = any(work.kind == "settle" for work in state.find(Work))
        read = (shop, namings, segments, audiences, lists, hooks)
        if read != self._read:
            self._made = Knowledge(
                currency=shop.currency,
                zone=shop.timezone,
                marks=tuple(sorted(shop.marks.items())),
                names=Names(namings),
                ready=ready(
                    segments,
                    audiences,
                    groups=groups_of(state, [*(one.rule for one in segments), *audiences]),
                    bounds=shop.rfm,
                ),
                hooks=tuple(hooks),
            )
            self._read = read
        return replace(self._made, unsettled=unsettled) if unsettled else self._made
