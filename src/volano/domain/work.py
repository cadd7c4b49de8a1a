"""Long work that was begun, and how far it is."""

from __future__ import annotations

from typing import Literal

import msgspec

from volano.domain.naming import Naming

Kind = Literal["settle", "reread", "renew", "withdraw", "expire"]
_IDS = 2**63  # people have ids from 0 on below it, evenly spread


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """Something long that is to be done; it is kept until it is, and taken up again wherever it was left.

    `what` names it to people. `settle`: the segments of everybody; `reread`: the past of `naming`, as it is
    or was; `renew`: all that is known of people; `withdraw`: that without the import `about`; `expire`: what
    happened before the time `about` (UTC µs), and whose it was. People with ids below `low` are done, None:
    nothing is. `anew` grows whenever what was read for it counts no more.

    Until `held_until` (UTC µs) nobody else is to begin it: who put it is still at something that goes before.
    """

    key: str
    kind: Kind
    what: str
    naming: Naming | None = None
    about: str = ""
    low: int | None = None
    anew: int = 0
    made_at: int = 0
    held_until: int = 0

    @property
    def share(self) -> float:
        """How much of it is done.

        >>> Work(key="settle", kind="settle", what="…", low=2**62).share
        0.5
        """
        return min(max(self.low or 0, 0) / _IDS, 1.0)

    @property
    def said(self) -> str:
        """What is under way, with how much of it is done once something is.

        >>> Work(key="settle", kind="settle", what="seeing who is in New", low=2**62).said
        'seeing who is in New (50 %)'
        """
        return f"{self.what} ({self.share:.0%})".replace("%", " %") if self.share else self.what
