"""The secret keys at the door: who asks, whether it may, how fast, and when it last did."""

from __future__ import annotations

from contextlib import suppress

from volano.domain.account import SHOWN, KeyUse, SecretKey
from volano.domain.durations import MINUTE
from volano.errors import Busy
from volano.flow.secret_keys import holder, last_uses
from volano.ports import State
from volano.web.asgi import NoKey, NoScope
from volano.web.login import Brake
from volano.web.pace import Pace

RATE = 20  # requests a second that a key may make
BURST = 200  # requests that it may make at once
_BAD = 'Bearer error="invalid_token"'
_HOW = "give a secret key (sk_…) as bearer token, or as the user name of Basic auth"
_ANOTHER = "make another with `volano keys add`"


class SecretKeys:
    """Looks each key up when it comes, so that one is refused from the moment it is revoked.

    Whoever guesses is slowed down by address; a good key is let in all the same, for a proxy may be the
    address of many programs, and 256 bits are not guessed.
    """

    def __init__(self, state: State, pepper: bytes) -> None:
        self._state, self._pepper = state, pepper
        self._brake = Brake("keys")
        self._pace = Pace(RATE, BURST, "this key makes more than {:,} requests")
        self._noted: dict[str, int] = {}  # key → use that is kept, UTC µs

    def admitted(self, secret: str, scope: str, address: str, *, now: int) -> SecretKey:
        """The key with this secret, if it is good for `scope` at `now` (UTC µs).

        NoKey or NoScope if it is not, TooFast if whoever asks must wait.
        """
        try:
            key = _good(holder(self._state, self._pepper, secret) if secret else None, secret, now)
        except NoKey:
            if secret:
                self._brake.take(address, now=now)
            raise
        self._pace.admit(key.key, now)
        self._pace.spend(key.key, 1)
        if scope not in key.scopes:
            raise NoScope(
                f"the key {key.name!r} lacks the scope {scope}: make one that has it with "
                f"`volano keys add NAME --scope {scope}`",
                "no_scope",
                challenge=f'Bearer error="insufficient_scope", scope="{scope}"',
            )
        return key

    def note(self, key: SecretKey, *, now: int) -> None:
        """Keep that it was used, once a minute at most; where the state is busy, the next time."""
        if not self._noted:
            self._noted = last_uses(self._state)
        if 0 <= now - self._noted.get(key.key, -MINUTE) < MINUTE:  # the clock may have been set back
            return
        with suppress(Busy):
            self._state.put(KeyUse(key=key.key, at=now))
            self._noted[key.key] = now


def _good(key: SecretKey | None, secret: str, now: int) -> SecretKey:
    """The key, or in one sentence why it is not good."""
    if not secret:
        raise NoKey(f"there is no secret key: {_HOW}", "no_secret_key")
    if key is None and secret.startswith("wk_"):
        told = f"{secret[:SHOWN]}… is a write key, which can only write: {_HOW}"
        raise NoKey(told, "write_key", challenge=_BAD)
    if key is None:
        raise NoKey(f"this secret key is unknown: {_HOW}", "unknown_secret_key", challenge=_BAD)
    if key.revoked_at:
        raise NoKey(f"the key {key.name!r} was revoked: {_ANOTHER}", "revoked_secret_key", challenge=_BAD)
    if key.good_until and now >= key.good_until:
        raise NoKey(
            f"the time of the key {key.name!r} is up: {_ANOTHER}", "expired_secret_key", challenge=_BAD
        )
    return key
