"""What somebody did, as the edge decodes it and the journal keeps it."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["track", "identify", "page", "screen", "alias", "group"]

PAGE_VIEWED = "Page Viewed"  # the event name of a `page` call
SCREEN_VIEWED = "Screen Viewed"
IDENTIFIED = "Identified"
ALIASED = "Aliased"
GROUPED = "Grouped"
ORDER_COMPLETED = "Order Completed"
ORDER_UPDATED = "Order Updated"
ORDER_REFUNDED = "Order Refunded"
ORDER_CANCELLED = "Order Cancelled"
EXPERIMENT_VIEWED = "Experiment Viewed"  # an exposure, at trigger time, in every arm
CAMPAIGN_CLICKED = "Campaign Clicked"
CAMPAIGN_CLOSED = "Campaign Closed"
SEGMENT_ENTERED = "Segment Entered"  # ours: the properties name the segment
SEGMENT_LEFT = "Segment Left"


class Event(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One accepted event. Times are UTC microseconds; `time` is skew-corrected.

    `anonymous_id` or `user_id` is not empty. `properties` (the traits of an `identify`) and
    `context` are JSON objects as they came.
    """

    kind: Kind
    event: str
    message_id: str
    time: int
    anonymous_id: str = ""
    user_id: str = ""
    properties: bytes = b"{}"
    context: bytes = b"{}"


class Refusal(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A bad event: its index in the batch (or line in the file), why, and what came (shortened).

    `named` are the hashes of the identities and addresses that the whole of it names.
    """

    index: int
    code: str
    message: str
    sample: str = ""
    named: tuple[int, ...] = ()


class Intake(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="intake"):
    """One acknowledged request: what was kept and what was quarantined."""

    source: str  # key of the source (write key) it came through
    received_at: int
    events: list[Event]
    refusals: list[Refusal] = []
    user_agent: str = ""  # of the request, for events that do not tell their own
    country: str = ""  # ISO 3166-1 alpha-2, looked up at the door; the address itself is never kept
    repeats: int = 0  # events left out, as the same were on the disk already


class Option(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What could have been chosen, and how likely it was."""

    variant: str
    propensity: float


class Decision(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What was chosen for one person at one moment for one campaign."""

    decision_id: str
    campaign: str
    round: int
    variant: str
    options: list[Option]
    reason: str
    assigned_by: str  # the id that was hashed


class Decided(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="decided"):
    """The decisions of one call of `decide`."""

    source: str
    received_at: int
    anonymous_id: str
    user_id: str
    path: str
    decisions: list[Decision]


class Delivery(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What left the house for one person and what became of it, once that is settled.

    `identity` is the hash of an identity of theirs, `time` (UTC µs) when it was settled; `about` says what it
    told, `reason` why it failed.
    """

    delivery_id: str
    identity: int
    time: int
    channel: Literal["webhook"]
    receiver: str
    about: str
    status: Literal["delivered", "failed"]
    attempts: int
    reason: str = ""
    campaign: str = ""
    variant: str = ""
    round: int = 0


class Delivered(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="delivered"):
    """Deliveries that were settled together."""

    received_at: int
    deliveries: list[Delivery]


Frame = Intake | Decided | Delivered
