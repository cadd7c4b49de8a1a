"""Long work done stretch by stretch: whoever comes next takes it up where it was left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace

from volano.domain.account import Import
from volano.domain.work import Work
from volano.errors import NotFound
from volano.flow.importing import Importing, withdrawn
from volano.flow.ingest import Drained, remake
from volano.flow.knowledge import Knowing
from volano.flow.naming import reread
from volano.flow.remaking import renewed
from volano.flow.segments import AT_ONCE, past_of, settle_some
from volano.flow.works import renewing
from volano.ports import Corrections

_NOBODY = 0  # the person of rows that are about nobody
Stretch = Callable[[int | None, int], int | None]  # from where, now (UTC µs) → where to go on, None: done


class Workshop(Drained, Importing, Protocol):
    """A house in which there is long work."""

    @property
    def corrections(self) -> Corrections: ...


class Working:
    """Does the work of a house in the order in which it was begun.

    What a work needs is read once, beside everything else; each stretch, with how far the work is then, is
    done in a turn of the profiles. So drains go on between, any number of threads and processes can work
    side by side, and what one leaves another takes up.
    """

    def __init__(self, house: Workshop, clock: Callable[[], int]) -> None:
        self._house, self._clock = house, clock
        self._by = Knowing(house.state, house.settings)
        self._read: tuple[str, int, int] | None = None  # of which work, begun when, for the how manieth time
        self._stretch: Stretch = lambda low, now: None

    def step(self) -> Work | None:
        """Does a stretch of the first work that is free; how it was before it, None when there is none."""
        house = self._house
        free = (one for one in house.state.find(Work) if one.held_until <= self._clock())
        work = next(free, None)
        if work is None:
            self._read, self._stretch = None, lambda low, now: None  # it may hold the past of everybody
            return None
        which = (work.key, work.made_at, work.anew)
        if self._read != which:
            self._stretch, self._read = self._prepared(work), which
        with house.profiles.turn():
            if self._as_it_is(work.key) != work:
                return work  # it was done by somebody else, or is to be begun again
            low = self._stretch(work.low, self._clock())
            if low is None:
                house.state.drop(Work, work.key)
            else:
                house.state.put(replace(work, low=low))
        return work

    def finish(self, tell: Callable[[Work], object] = lambda work: None) -> None:
        """Does all the work there is."""
        while (work := self.step()) is not None:
            tell(work)

    def _as_it_is(self, key: str) -> Work | None:
        try:
            return self._house.state.get(Work, key)
        except NotFound:
            return None

    def _prepared(self, work: Work) -> Stretch:
        match work.kind:
            case "settle":
                return self._settling()
            case "reread":
                assert work.naming is not None
                return self._remaking(sorted(reread(self._house, self._house.corrections, work.naming)))
            case "expire":
                return self._expiring(int(work.about))
            case "withdraw":
                withdrawn(self._house, self._house.state.get(Import, work.about), now=self._clock())
        return self._renewing

    def _settling(self) -> Stretch:
        house = self._house
        with house.profiles.turn():  # whoever drains after this goes by what has changed
            asked = tuple(self._by().ready.conditions.values())
        past = past_of(house.lake, asked, self._clock())
        return lambda low, now: settle_some(house.profiles, self._by().ready, past, low, now=now)[1]

    def _expiring(self, before: int) -> Stretch:
        """Whose rows went only we know: until they are made anew it is on record that everybody is to be."""
        house, state = self._house, self._house.state
        stood = self._as_it_is("renew") is not None
        renew = renewing(state, "making anew whose past is gone", now=self._clock())
        state.put(renew)
        remaking = self._remaking(sorted(house.upkeep.expire(before).keys() - {_NOBODY}))

        def stretch(low: int | None, now: int) -> int | None:
            left = remaking(low, now)
            if left is None and not stood and self._as_it_is(renew.key) == renew:
                state.drop(Work, renew.key)
            return left

        return stretch

    def _remaking(self, people: list[int]) -> Stretch:
        house = self._house

        def stretch(low: int | None, now: int) -> int | None:
            some = [one for one in people if low is None or one >= low]
            remake(house.lake, house.profiles, some[:AT_ONCE], now=now, by=self._by())
            return some[AT_ONCE] if len(some) > AT_ONCE else None

        return stretch

    def _renewing(self, _low: int | None, now: int) -> None:
        house = self._house
        names = [journal.name for journal in house.journals()]
        renewed(house.lake, house.profiles, names, self._by(), now=now)
