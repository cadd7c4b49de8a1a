"""What can be taken back."""

from __future__ import annotations

import msgspec

from volano.domain.campaign import Campaign
from volano.domain.hook import Hook
from volano.domain.naming import Naming
from volano.domain.segment import Segment


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What there was before something was changed at `at` (UTC µs), and whether the past was read anew."""

    key: str
    segment: Segment | None = None
    campaign: Campaign | None = None
    namings: tuple[Naming, ...] = ()
    hook: Hook | None = None
    past: bool = False
    at: int
