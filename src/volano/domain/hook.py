"""Web hooks: other systems that are told who enters and leaves segments, and the calls that tell them."""

from __future__ import annotations

import msgspec

ENTERED, LEFT, TEST = "segment.entered", "segment.left", "hook.test"  # what a call may tell


class Secret(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What signs the calls of a hook, `whsec_…`; `good_until` is UTC µs, 0 for no end."""

    secret: str
    made_at: int = 0
    good_until: int = 0


class Hook(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An address that is told of moves into and out of these segments; none are all of them.

    Of its secrets the newest is the last. `off_at`: since when (UTC µs) it is told nothing; 0: it is told.
    """

    key: str
    name: str
    url: str
    segments: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    made_at: int = 0
    rotated_at: int = 0
    off_at: int = 0

    def wants(self, segment: str) -> bool:
        """Whether it is told of this segment."""
        return not self.off_at and (not self.segments or segment in self.segments)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What is still to be told to a hook: that a person entered or left a segment at a moment (UTC µs).

    `id` is the same however often it is told. It is tried since `since`, and was `attempts` times.
    """

    hook: str
    id: str
    person_id: int
    segment: str
    entered: bool
    at: int
    since: int
    attempts: int = 0


class DeadCall(Call, frozen=True, kw_only=True):
    """One that is not tried any more, unless somebody asks for it."""


class CallNumber(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls a hook has had so far: their keys go up in the order in which they are to be told."""

    number: int


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an attempt at a moment (UTC µs): a status, 0 if nobody answered, and the same in words.

    `wait`: for how long (µs) it asked not to be called.
    """

    at: int
    status: int
    words: str
    wait: int = 0

    @property
    def ok(self) -> bool:
        """Whether the call was taken.

        >>> Said(at=0, status=204, words="").ok, Said(at=0, status=302, words="").ok
        (True, False)
        """
        return 200 <= self.status < 300


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How it goes with a hook: not called before `next_at`, how many attempts have failed in a row and since
    when, what came of the last ones, and how many calls were delivered. Times are UTC µs, 0 for never.
    """

    next_at: int = 0
    failures: int = 0
    failing_since: int = 0
    delivered: int = 0
    last: tuple[Said, ...] = ()
