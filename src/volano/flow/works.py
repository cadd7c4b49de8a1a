"""Long work is put on record in the moment that causes it; `flow.working` does it."""

from __future__ import annotations

from msgspec.structs import replace

from volano.domain.account import Import
from volano.domain.durations import SECOND
from volano.domain.naming import Naming
from volano.domain.work import Work
from volano.ports import State

HELD = 60 * SECOND


def settling(state: State, what: str, *, now: int) -> Work:
    """The segments of everybody, from the beginning: what is asked of people has changed."""
    return _begun(state, Work(key="settle", kind="settle", what=what, made_at=now))


def rereading(state: State, naming: Naming, *, now: int) -> Work:
    """The past of a naming that was kept or dropped."""
    what = f"reading the past of {naming.event} anew"
    return _begun(
        state, Work(key=f"reread {naming.key}", kind="reread", what=what, naming=naming, made_at=now)
    )


def renewing(state: State, what: str, *, now: int) -> Work:
    """All that is known of people, from the lake."""
    return _begun(state, Work(key="renew", kind="renew", what=what, made_at=now))


def bringing(state: State, name: str, *, now: int, held: bool) -> Work:
    """All that is known of people, once a file has been brought in; whoever does that holds it meanwhile.

    Should they die, it is done when HELD has passed since they last said that they are alive.
    """
    what = f"taking what {name} tells into what is known of people"
    until = now + HELD if held else 0
    return _begun(state, Work(key=f"bring {name}", kind="renew", what=what, made_at=now, held_until=until))


def withdrawing(state: State, entry: Import, *, now: int) -> Work:
    """An import out of the lake, then all that is known of people."""
    what = f"making what is known of people anew without {entry.file}"
    key = f"withdraw {entry.key}"
    return _begun(state, Work(key=key, kind="withdraw", what=what, about=entry.key, made_at=now))


def expiring(state: State, before: int, *, now: int) -> Work:
    """What happened before a time (UTC µs) out of the lake, and the people made anew whose it was."""
    what = "dropping what is too old"
    return _begun(state, Work(key="expire", kind="expire", what=what, about=str(before), made_at=now))


def read_again(state: State) -> None:
    """What was read of the past for work under way counts no more: rows are somebody else's by now.

    To be called in the turn of the profiles in which that happens.
    """
    for one in state.find(Work):
        if one.kind == "settle":
            state.put(replace(one, anew=one.anew + 1))


def _begun(state: State, work: Work) -> Work:
    """The work; if the same is under way, it is begun again."""
    known = next((one for one in state.find(Work) if one.key == work.key), None)
    return work if known is None else replace(work, anew=known.anew + 1)
