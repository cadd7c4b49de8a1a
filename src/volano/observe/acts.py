"""What somebody does by hand about who is who: each act as claims, to be taken back by other claims."""

from __future__ import annotations

from collections.abc import Callable

from volano.domain.identity import APART, BY_HAND, PARTED, REJOINED, Claim, Identity, Tie
from volano.observe.telling import Book

Known = Callable[[int], Identity | None]
Named = tuple[int, str]  # an identity and its name


def joining(one: Named, other: Named, *, by: str, now: int) -> list[Claim]:
    """Two identities, and with them their people, are one from now on. `by` is who says so."""
    return [_act(one, other, BY_HAND, by, now)]


def parting(one: Named, known: Known, *, by: str, now: int) -> list[Claim]:
    """The identity leaves its person: nothing that is told joins it any more, acts by hand are over."""
    ended = [tie for tie in _acts(one, known) if tie.on]
    return [_act(one, one, APART, by, now), *_on_ties(ended, PARTED, known, by, now)]


def undoing(one: Named, known: Known, *, by: str, now: int) -> list[Claim]:
    """Takes back the last act about an identity; nothing when there was none or it was taken back."""
    record = known(one[0])
    ties = _acts(one, known)
    last = max([tie.told_at for tie in ties], default=0)
    if record is not None and record.apart and record.apart_at >= last:
        back = [tie for tie in ties if not tie.on and tie.told_at == record.apart_at]
        return [_act(one, one, REJOINED, by, now), *_on_ties(back, BY_HAND, known, by, now)]
    latest = [tie for tie in ties if tie.on and tie.told_at == last]
    return _on_ties(latest, PARTED, known, by, now)


def _on_ties(ties: list[Tie], reason: str, known: Known, by: str, now: int) -> list[Claim]:
    return [_act(_named(tie.one, known), _named(tie.other, known), reason, by, now) for tie in ties]


def _acts(one: Named, known: Known) -> list[Tie]:
    return [tie for tie in Book(known, cap=1).ties_of(one[0]) if tie.reason in (BY_HAND, PARTED)]


def _named(one: int, known: Known) -> Named:
    record = known(one)
    return one, "" if record is None else record.known_as


def _act(one: Named, other: Named, reason: str, by: str, now: int) -> Claim:
    return Claim(
        alias=one[0],
        claimed=other[0],
        time=now,
        reason=reason,
        known_as=one[1],
        claimed_as=other[1],
        origin=by,
        told_at=now,
    )
