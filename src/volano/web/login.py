"""Who may open the console: the password, signed-in browsers, and the brake on guessing."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock, Semaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from volano.domain.account import Session, User
from volano.domain.durations import DAY, SECOND
from volano.errors import BadInput, NotAllowed, NotFound, TooFast
from volano.ports import State

OWNER = "owner"
SHORTEST = 10  # characters
LONGEST = 1_000
FORTNIGHT = 14 * DAY  # that a session lasts
_REMEMBERED = 10_000  # addresses
_ANYWHERE = "*"  # stands for every address but those the password was given from

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_two_at_a_time = Semaphore(2)  # 19 MiB each


def set_password(state: State, password: str, *, now: int) -> User:
    """Give the owner this password and sign every browser out; BadInput if it is too short."""
    if len(password) < SHORTEST:
        raise BadInput(f"the password has {len(password)} characters; it must have at least {SHORTEST}")
    if len(password) > LONGEST:
        raise BadInput(f"the password has {len(password)} characters; it may have at most {LONGEST}")
    with _two_at_a_time:
        owner = User(key=OWNER, password_hash=_hasher.hash(password), changed_at=now)
    for session in state.find(Session):
        state.drop(Session, session.key)
    state.put(owner)
    return owner


def _fits(password: str, password_hash: str) -> bool:
    with _two_at_a_time:
        try:
            return _hasher.verify(password_hash, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False


def cookie_key(cookie: str) -> str:
    """What is kept of a session cookie.

    >>> cookie_key("x")[:8]
    '2d711642'
    """
    return sha256(cookie.encode()).hexdigest()


class MustWait(TooFast):
    """Too many wrong passwords or keys; `seconds` until the next try is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patience:
    """Failures that are borne, then seconds to wait, doubling up to the longest."""

    failures: int
    wait: int
    longest: int

    def after(self, failures: int) -> int:
        """µs to wait after so many failures."""
        over = failures - self.failures
        return min(self.longest, self.wait * 2 ** min(over, 10)) * SECOND if over >= 0 else 0


_ONE = _Patience(failures=5, wait=30, longest=900)
_ALL = _Patience(failures=20, wait=15, longest=60)


class Brake:
    """Slows down whoever guesses: after five failures an address waits, twice as long each time.

    After twenty failures from anywhere everybody waits, at most a minute; but not an address from which
    the right password came before, so that guessing does not keep the owner out. `what` is guessed, in words.
    """

    def __init__(self, what: str = "passwords") -> None:
        self._what = what
        self._failures: dict[str, tuple[int, int]] = {}  # address → failures, free again at
        self._welcome: set[str] = set()
        self._lock = Lock()

    def take(self, address: str, *, now: int) -> None:
        """Count a try before it is made; MustWait when it comes too soon."""
        with self._lock:
            brakes = {address: _ONE} if address in self._welcome else {address: _ONE, _ANYWHERE: _ALL}
            free_at = max(self._failures.get(name, (0, 0))[1] for name in brakes)
            if now < free_at:
                seconds = -(-(free_at - now) // SECOND)
                told = f"too many wrong {self._what}; try again in {seconds} seconds"
                raise MustWait(told, seconds=seconds)
            for name, patience in brakes.items():
                failures = self._failures.pop(name, (0, 0))[0] + 1
                self._failures[name] = (failures, now + patience.after(failures))
            while len(self._failures) > _REMEMBERED:
                self._failures.pop(next(iter(self._failures)))

    def release(self, address: str) -> None:
        """The try was good: forget the failures."""
        with self._lock:
            self._welcome.add(address)
            for name in (address, _ANYWHERE):
                self._failures.pop(name, None)


class Door:
    """Lets people in: the first password by a one-time setup token, then sign-ins and sessions."""

    def __init__(self, state: State, clock: Callable[[], int], setup_token: str | None = None) -> None:
        self._state = state
        self._clock = clock
        self._brake = Brake()
        self._lock = Lock()
        self._nobody = _hasher.hash(secrets.token_hex())  # verified when there is no user: same time
        self.setup_token = None if self.has_owner() else setup_token or secrets.token_urlsafe(18)

    def has_owner(self) -> bool:
        """Whether a password was ever set."""
        return bool(self._state.find(User))

    def set_up(self, token: str, password: str) -> str:
        """Set the first password; returns the cookie of the new session. The token is good once."""
        with self._lock:
            expected = "" if self.has_owner() else self.setup_token or ""
            if not expected or not hmac.compare_digest(token.encode(), expected.encode()):
                raise NotAllowed("the setup token is not the one that `volano serve` printed; copy it again")
            set_password(self._state, password, now=self._clock())
            self.setup_token = None
        return self._open()

    def sign_in(self, password: str, address: str, *, old_cookie: str = "") -> str:
        """The cookie of a new session; NotAllowed, or MustWait."""
        self._brake.take(address, now=self._clock())
        try:
            wanted = self._state.get(User, OWNER).password_hash
        except NotFound:
            wanted = self._nobody
        if not _fits(password, wanted):
            raise NotAllowed("that is not the password; if it is lost, run `volano password` on the server")
        self._brake.release(address)
        self.sign_out(old_cookie)
        return self._open()

    def session(self, cookie: str) -> Session | None:
        """The signed-in browser of that cookie, if it still is."""
        if not cookie:
            return None
        try:
            found = self._state.get(Session, cookie_key(cookie))
        except NotFound:
            return None
        return found if found.expires_at > self._clock() else None

    def sign_out(self, cookie: str) -> None:
        """End the session of that cookie."""
        if cookie:
            self._state.drop(Session, cookie_key(cookie))

    def change(self, old: str, new: str, address: str) -> str:
        """Another password; every other browser is signed out, this one gets a new cookie."""
        self._brake.take(address, now=self._clock())
        if not _fits(old, self._state.get(User, OWNER).password_hash):
            raise NotAllowed("the present password is not right")
        self._brake.release(address)
        set_password(self._state, new, now=self._clock())
        return self._open()

    def _open(self) -> str:
        now, cookie = self._clock(), secrets.token_urlsafe(32)
        for old in self._state.find(Session):
            if old.expires_at <= now:
                self._state.drop(Session, old.key)
        self._state.put(
            Session(
                key=cookie_key(cookie),
                user=OWNER,
                csrf=secrets.token_urlsafe(24),
                expires_at=now + FORTNIGHT,
            )
        )
        return cookie
