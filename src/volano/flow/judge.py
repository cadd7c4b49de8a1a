"""Lake → verdict: how a campaign does, as the data stand."""

from __future__ import annotations

from functools import partial

from volano.domain.campaign import Campaign
from volano.domain.verdict import Verdict
from volano.evaluate.offsets import ArmTally, tally, view
from volano.evaluate.verdict import verdict
from volano.flow.report import newest
from volano.flow.shop import PEOPLE, Lens
from volano.observe.bots import Slowly
from volano.ports import Lake


def judge(
    lake: Lake, campaign: Campaign, *, now: int, as_of: int | None = None, lens: Lens = PEOPLE
) -> Verdict:
    """The verdict with data up to `as_of` (UTC µs): the newest event unless told, and never after `now`."""
    until = min(data_until(lake, now=now) if as_of is None else as_of, now)
    count = Slowly(partial(tally, campaign=campaign, until=until, currency=lens.shop.currency))
    found = lake.tally(Slowly.view(lens.on(view(campaign, until))), count)
    return verdict(campaign, found or ArmTally.empty(campaign), as_of=until, now=now)


def data_until(lake: Lake, *, now: int) -> int:
    """The time of the newest event that is not in the future; `now` if there is none."""
    last = newest(lake)
    return now if last is None else min(last, now)
