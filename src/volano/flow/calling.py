"""The calls that wait for web hooks are made, in order for each, and what came of them is put on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from time import monotonic
from typing import Any, Protocol

import msgspec
from msgspec.structs import asdict, replace

from volano import __version__
from volano.act.hooks import answered, body_of, headers, heard, may_call, overdue, silent, trouble
from volano.domain.change import Change, Key
from volano.domain.durations import DAY
from volano.domain.event import Delivered, Delivery
from volano.domain.hook import ENTERED, LEFT, Call, CallNumber, DeadCall, Hook, Said, Standing
from volano.domain.identity import Identity, Kin
from volano.domain.undo import Before
from volano.errors import NotFound, Unreachable
from volano.flow.calls import CallKey, calls_of, number_of, seen, standing_of
from volano.flow.decide import person_of
from volano.flow.house import House
from volano.flow.segments import named_people
from volano.flow.undo import KEPT
from volano.ports import Journal, Outside, Profiles

AT_ONCE = 50  # calls of a hook before the next hook has its turn
LAID_ASIDE = 1_000  # calls that are dead at once
DEAD_KEPT = 30 * DAY  # after which nobody will ask for a dead call any more
_STRETCH = 1.0  # seconds for one hook, likewise
_HEADERS = {"content-type": "application/json", "user-agent": f"Volano/{__version__}"}


class Calling(House, Protocol):
    """A house with a way to servers of others, and a journal of its own."""

    @property
    def journal(self) -> Journal: ...
    @property
    def outside(self) -> Callable[[], Outside]: ...


@dataclass(slots=True, kw_only=True)
class Ended:
    """What came of a stretch of calls of a hook, to be put on record together."""

    hook: Hook
    before: Standing
    standing: Standing
    delivered: list[tuple[CallKey, Call]] = field(default_factory=list)
    dead: list[tuple[CallKey, Call]] = field(default_factory=list)
    again: tuple[CallKey, Call] | None = None
    off: bool = False


class Caller:
    """Makes the calls of a house, some of one hook at a time; one in all processes.

    A call is off the list once what came of it is in the journal. Whoever dies in between tells it again,
    with the same id. What could not be put on record is, before anybody is called again.
    """

    def __init__(self, house: Calling, clock: Callable[[], int]) -> None:
        self._house, self._clock = house, clock
        self._ended: Ended | None = None
        self._last = ""

    def step(self) -> bool:
        """Calls the next hook in turn that has calls and may have them now; whether there was one."""
        self._settle()
        now = self._clock()
        hooks = sorted(self._house.state.find(Hook), key=lambda hook: (hook.key <= self._last, hook.key))
        for hook in hooks:
            standing = standing_of(self._house.profiles, hook.key)
            if hook.off_at or not may_call(standing, now=now):
                continue
            calls = list(islice(calls_of(self._house.profiles, Call, hook.key), AT_ONCE))
            if calls:
                self._last = hook.key
                self._ended = self._told(hook, standing, calls)
                self._settle()
                return True
        return False

    def troubles(self) -> dict[str, str]:
        """What the owner should know, by the name of the hook."""
        now, found = self._clock(), {}
        for hook in self._house.state.find(Hook):
            one = seen(self._house.profiles, hook)
            found[hook.name] = trouble(one.standing, one.waiting, now=now)
        return found

    def sweep(self) -> None:
        """Drops what is kept of hooks that are no more, and calls that have been dead for long."""
        store, old = self._house.profiles, self._clock() - DEAD_KEPT
        found: list[tuple[type[msgspec.Struct], Key, Any]] = [
            (kind, key, key if isinstance(key, int) else key[0])
            for kind in (Call, DeadCall, CallNumber, Standing)
            for key, _ in store.scan(kind)
        ]
        known = self._known()  # once all is found: a hook is there before its calls are
        drops = [(kind, key) for kind, key, which in found if which not in known]
        drops += [(DeadCall, key) for key, call in store.scan(DeadCall) if call.since < old]
        if drops:
            with store.turn():
                store.put(Change(drops=tuple(drops)))

    def _known(self) -> set[int]:
        """The numbers of the hooks there are or that can be brought back; others and their secrets go."""
        state, now = self._house.state, self._clock()
        hooks, removed = state.find(Hook), [one for one in state.find(Before) if one.hook is not None]
        for one in removed:
            if now - one.at > KEPT:
                state.drop(Before, one.key)
            elif one.hook is not None:
                hooks.append(one.hook)
        hooks += state.find(Hook)  # one may have been brought back just now
        return {number_of(hook.key) for hook in hooks}

    def _told(self, hook: Hook, standing: Standing, calls: Sequence[tuple[CallKey, Call]]) -> Ended:
        """What came of these calls, up to the first that fails; nobody is told of who was forgotten."""
        store, began = self._house.profiles, monotonic()
        people = {call.person_id: person_of(store, call.person_id) for _, call in calls}
        names = names_of(self._house, [*people.values()])
        ended = Ended(hook=hook, before=standing, standing=standing)
        for key, call in calls:
            if store.get(Call, key) is None:
                continue
            person = people[call.person_id]
            said = self._post(hook, call.id, body_of(call, person, names[person]))
            ended.standing, fate = heard(ended.standing, call, said)
            tried = replace(call, attempts=call.attempts + 1)
            if fate == "delivered":
                ended.delivered.append((key, tried))
            else:
                self._fallen(ended, key, tried, dead=fate == "dead")
                ended.off = fate == "off"
                break
            if monotonic() - began > _STRETCH:
                break
        return ended

    def _fallen(self, ended: Ended, key: CallKey, tried: Call, *, dead: bool) -> None:
        """A call failed: it is tried again, or it is dead with those behind it that have waited as long."""
        if not dead:
            ended.again = (key, tried)
            return
        standing, now = ended.standing, self._clock()
        rest = ((at, one) for at, one in calls_of(self._house.profiles, Call, ended.hook.key) if at > key)
        late = takewhile(lambda pair: overdue(standing, pair[1], now=now), rest)
        ended.dead = [(key, tried), *islice(late, LAID_ASIDE)]

    def _post(self, hook: Hook, call_id: str, body: bytes) -> Said:
        return post(self._house.outside(), hook, call_id, body, clock=self._clock)

    def _settle(self) -> None:
        """Puts on record what came of the last calls, if anything is to be."""
        ended = self._ended
        if ended is None:
            return
        store = self._house.profiles
        with store.turn():
            self._put(store, ended)
        if ended.off:
            try:
                now = self._house.state.get(Hook, ended.hook.key)
                self._house.state.put(replace(now, off_at=self._clock()))
            except NotFound:
                pass  # it was removed meanwhile
        self._ended = None

    def _put(self, store: Profiles, ended: Ended) -> None:
        """In a turn, so that nothing is kept of whoever was forgotten since they were told of."""

        def there(some: Sequence[tuple[CallKey, Call]]) -> list[tuple[CallKey, Call]]:
            return [(key, call) for key, call in some if store.get(Call, key) is not None]

        delivered, dead = there(ended.delivered), there(ended.dead)
        now, why = self._clock(), ended.standing.last[0].words if ended.standing.last else ""
        rows = [_delivery(call, "delivered", "", now) for _, call in delivered]
        rows += [_delivery(call, "failed", why, now) for _, call in dead]
        if rows:
            frame = Delivered(received_at=now, deliveries=rows)
            self._house.journal.append_now(msgspec.msgpack.encode(frame))
        puts: list[tuple[Key, msgspec.Struct]] = [(key, DeadCall(**asdict(call))) for key, call in dead]
        puts += there([ended.again]) if ended.again is not None else []
        if standing_of(store, ended.hook.key) == ended.before:  # else somebody asked to begin anew
            puts.append((number_of(ended.hook.key), ended.standing))
        store.put(Change(puts=tuple(puts), drops=tuple((Call, key) for key, _ in (*delivered, *dead))))


def post(outside: Outside, hook: Hook, call_id: str, body: bytes, *, clock: Callable[[], int]) -> Said:
    """What a hook says to a call, which is signed as of now."""
    signed = headers(call_id, body, hook.secrets, now=clock())
    try:
        answer = outside.post(hook.url, _HEADERS | signed, body)
    except Unreachable as error:
        return silent(error.message, now=clock())
    return answered(answer, now=clock())


def names_of(house: House, people: Sequence[int]) -> Mapping[int, list[str]]:
    """The identities by which these people are known, `u:…` and `a:…`."""
    found: dict[int, list[str]] = {}
    for person in people:
        kin = house.profiles.get(Kin, person)
        records = [house.profiles.get(Identity, one) for one in (kin.identities if kin else (person,))]
        found[person] = [one.known_as for one in records if one is not None and one.known_as]
    alone = [person for person, names in found.items() if not names]
    told = named_people(house.lake, alone) if alone else {}
    return found | {person: [name] for person, name in told.items() if name}


def _delivery(call: Call, status: str, why: str, now: int) -> Delivery:
    """The row of a call that ended: one for each time that it was tried to the end."""
    return Delivery(
        delivery_id=f"{call.id}:{call.since}:{status}",
        identity=call.person_id,
        time=now,
        channel="webhook",
        receiver=call.hook,
        about=f"{ENTERED if call.entered else LEFT} {call.segment}",
        status="delivered" if status == "delivered" else "failed",
        attempts=call.attempts,
        reason=why,
    )
