"""Web hooks as the owner has them: made, tried, given another secret, taken away and brought back."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from itertools import islice
from secrets import token_bytes, token_hex

from msgspec.structs import asdict, replace

from volano.act.hooks import PREFIX, telling
from volano.domain.change import Change
from volano.domain.durations import DAY
from volano.domain.hook import TEST, Call, CallNumber, DeadCall, Hook, Said, Secret, Standing
from volano.domain.segment import Segment
from volano.domain.undo import Before
from volano.errors import BadInput, NotFound
from volano.flow.calling import post
from volano.flow.calls import calls_of, number_of, standing_of
from volano.flow.undo import before, keep_before
from volano.ports import Outside, Profiles, State

GRACE = 7  # days for which a replaced secret still signs
KEPT = 3  # secrets that sign at a time, so that the header stays short
_NAME = 100  # characters of a name
_AT_ONCE = 1_000  # calls brought back in one transaction
_BYTES = 32  # of a secret: the specification asks for 24 to 64


def hook_of(state: State, key: str) -> Hook:
    """The hook with this key; NotFound names those there are."""
    try:
        return state.get(Hook, key)
    except NotFound as error:
        known = ", ".join(hook.key for hook in state.find(Hook)) or "none"
        raise NotFound(f"there is no web hook {key!r}; there are: {known}") from error


def make(
    state: State,
    profiles: Profiles,
    url: str,
    *,
    name: str = "",
    segments: Sequence[str] = (),
    now: int,
) -> tuple[Hook, str]:
    """A new hook at an address that was checked, and its secret, which nobody can be shown again."""
    if any(hook.url == url for hook in state.find(Hook)):
        raise BadInput(f"there is a web hook at {url} already: remove that one first")
    name = name.strip()[:_NAME] or re.sub(r"^https?://([^/:]+).*", r"\1", url)[:_NAME]
    told = new_secret()
    hook = Hook(
        key=_free(state, profiles, name),
        name=name,
        url=url,
        segments=_segments(state, segments),
        secrets=(Secret(secret=told, made_at=now),),
        made_at=now,
    )
    state.put(hook)
    return hook, told


def rotate(state: State, key: str, *, now: int, days: float = GRACE) -> tuple[Hook, str]:
    """A new secret for a hook; those before it sign, too, for `days` more at most."""
    hook = hook_of(state, key)
    if not 0 <= days <= 365:
        raise BadInput(f"the old secret shall sign for {days:g} days; that must be from 0 to 365")
    told, end = new_secret(), now + int(days * DAY)
    old = [replace(one, good_until=min(one.good_until or end, end)) for one in hook.secrets]
    good = [one for one in old if one.good_until > now]
    secrets = (*good[1 - KEPT :], Secret(secret=told, made_at=now))
    changed = replace(hook, secrets=secrets, rotated_at=now)
    state.put(changed)
    return changed, told


def remove(state: State, key: str, *, now: int) -> Hook:
    """Tell a hook nothing more. What waits for it is kept as long as it can be brought back."""
    hook = hook_of(state, key)
    keep_before(state, Before(key=_undo(key), hook=hook, at=now))
    state.drop(Hook, key)
    return hook


def restore(state: State, key: str) -> Hook:
    """Bring back a hook that was removed, with what waited for it; BadInput if it is not known any more."""
    was = before(state, _undo(key))
    assert was.hook is not None
    state.put(was.hook)
    state.drop(Before, was.key)
    return was.hook


def again(state: State, profiles: Profiles, key: str, *, now: int) -> int:
    """Call a hook again at once, whatever it said before: it is switched on, and dead calls wait in their old
    places. Returns how many these are.
    """
    hook, done = hook_of(state, key), 0
    while True:
        with profiles.turn():
            some = list(islice(calls_of(profiles, DeadCall, key), _AT_ONCE))
            fresh = replace(standing_of(profiles, key), next_at=now, failures=0, failing_since=0)
            profiles.put(
                Change(
                    puts=(
                        (number_of(key), fresh),
                        *((at, Call(**asdict(one) | {"since": now, "attempts": 0})) for at, one in some),
                    ),
                    drops=tuple((DeadCall, at) for at, _ in some),
                )
            )
        done += len(some)
        if len(some) < _AT_ONCE:
            break
    state.put(replace(hook, off_at=0))
    return done


def try_out(outside: Outside, hook: Hook, *, clock: Callable[[], int]) -> Said:
    """What a hook says to a call that tells nothing of anybody."""
    body = telling(TEST, {"hook": hook.key}, at=clock())
    return post(outside, hook, f"test_{token_hex(8)}", body, clock=clock)


def new_secret() -> str:
    """A secret nobody has.

    >>> new_secret()[:6]
    'whsec_'
    """
    return f"{PREFIX}{b64encode(token_bytes(_BYTES)).decode()}"


def _segments(state: State, segments: Sequence[str]) -> tuple[str, ...]:
    known = {segment.key for segment in state.find(Segment)}
    for key in segments:
        if key not in known:
            raise BadInput(f"there is no segment {key!r}; there are: {', '.join(sorted(known)) or 'none'}")
    return tuple(dict.fromkeys(segments))


def _undo(key: str) -> str:
    return f"hook {key}"


def _free(state: State, profiles: Profiles, name: str) -> str:
    """A key made of the name, with the first number under which nothing is kept of another hook."""
    wanted = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "hook"
    known = {hook.key for hook in state.find(Hook)}
    known |= {one.hook.key for one in state.find(Before) if one.hook is not None}
    key, place = wanted, 2
    while key in known or any(profiles.get(kind, number_of(key)) for kind in (CallNumber, Standing)):
        key, place = f"{wanted}-{place}", place + 1
    return key
