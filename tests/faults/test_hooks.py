"""Web hooks from end to end: a real server that is killed, and a real receiver that fails and goes away."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from time import time_ns

import pytest

from tests.faults.homes import caught_up, opened
from tests.receiver import Got, receiving
from tests.served import Served, serving, until
from volano.act.hooks import verified
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.hook import Call
from volano.domain.segment import Segment
from volano.domain.view import View
from volano.flow.hooks import make
from volano.flow.segments import save

USERS = [f"u{number}" for number in range(24)]


def hooked(home: Path, url: str) -> str:
    """A home with a segment and a hook that is told of it; the secret."""
    house, now = opened(home), time_ns() // 1000
    rule = {"orders": {"$gte": 1}}
    save(house.state, house.profiles, Segment(key="buyers", name="Buyers", rule=rule), now=now)
    return make(house.state, house.profiles, url, segments=["buyers"], now=now)[1]


def order(served: Served, users: Iterable[str]) -> None:
    """They order."""
    for user in users:
        told = {"order_id": user, "revenue": 1}
        sent = served.send(f"m-{user}", userId=user, event="Order Completed", properties=told)
        assert sent.status_code == 200


def killed(served: Served) -> None:
    """Without a chance to finish anything."""
    served.process.kill()
    served.process.wait()


def waiting(home: Path) -> set[str]:
    """The ids of the calls that wait."""
    return {call.id for _, call in LmdbProfiles(home / "profiles").scan(Call)}


def ids(calls: Iterable[Got]) -> dict[str, bytes]:
    """What each id told first, in order."""
    found: dict[str, bytes] = {}
    for one in calls:
        found.setdefault(one.headers["webhook-id"], one.body)
    return found


def test_every_move_is_told_under_one_id_whoever_is_killed_or_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOLANO_HOOK_NETWORKS", "127.0.0.1")
    home, away = tmp_path / "home", ExitStack()
    first = away.enter_context(receiving(204, 204, 500, 204, 503, 204))
    secret = hooked(home, first.url)
    with serving(home) as served:
        order(served, USERS[:8])
        until(lambda: len(first.got) >= 4)
        killed(served)
    with serving(home) as again:
        again.key = served.key
        order(again, USERS[8:16])
        until(lambda: len(ids(first.taken())) >= 8)
        away.close()  # the receiver is gone
        order(again, USERS[16:])
        until(lambda: len(waiting(home) | ids(first.taken()).keys()) == len(USERS))
        killed(again)
    with receiving(port=first.port) as back, serving(home):
        until(lambda: not waiting(home))
    got, taken = [*first.got, *back.got], ids([*first.taken(), *back.taken()])
    assert ids(got).keys() == taken.keys()
    assert {(one.headers["webhook-id"], one.body) for one in got} == set(ids(got).items())
    told = [json.loads(body) for body in taken.values()]
    assert sorted(one["data"]["user_id"] for one in told) == sorted(USERS)
    assert {(one["type"], one["data"]["segment"]) for one in told} == {("segment.entered", "buyers")}
    assert [one["timestamp"] for one in told] == sorted(one["timestamp"] for one in told)
    now = time_ns() // 1000
    assert all(verified(one.headers, one.body, secret, now=now) for one in got)
    house = opened(home)
    assert caught_up(house) == {}
    rows = house.lake.read(View(tables=("deliveries",), columns=("status", "attempts"))).to_pylist()
    assert (len(rows), {row["status"] for row in rows}) == (len(USERS), {"delivered"})
    assert max(row["attempts"] for row in rows) > 1
