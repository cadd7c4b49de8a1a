"""Bodies of requests under way take no more memory than they may."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

from tests.web.door import KEY, Door, run
from volano.errors import Busy
from volano.web.asgi import body_of
from volano.web.room import ALWAYS, Room

GOOD = {"type": "track", "event": "Product Viewed", "userId": "u1"}


def test_what_a_request_held_is_free_again_when_it_is_answered() -> None:
    room = Room(100_000)
    with room.share() as share:
        share.hold(70_000)
        assert room.free == 30_000
        share.hold(10_000)
        assert room.free == 90_000
    assert room.free == 100_000


def test_a_large_request_finds_no_room_but_a_small_one_always_does() -> None:
    room = Room(100_000)
    with room.share() as first, room.share() as second, room.share() as third:
        first.hold(100_000)
        with pytest.raises(Busy):
            second.hold(ALWAYS + 1)
        third.hold(ALWAYS)
        assert room.free == -ALWAYS
    assert room.free == 100_000


def test_half_sent_bodies_are_let_go_when_there_is_no_room_and_read_to_their_end() -> None:
    room, parts = Room(ALWAYS), [b"x" * 50_000] * 5

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(), "more_body": bool(parts)}

    with room.share() as share:
        with pytest.raises(Busy):
            run(body_of(receive, 1_000_000, share=share))
        assert (room.free, parts) == (ALWAYS, [])


def test_a_request_that_finds_no_room_is_answered_503_and_nothing_is_kept() -> None:
    door = Door(room=Room(100_000))
    large = json.dumps({"batch": [GOOD], "x": "x" * 90_000}).encode()
    path = f"/v1/batch?writeKey={KEY}"

    async def both() -> list[Any]:
        return await asyncio.gather(*(door.requested("POST", path, content=large) for _ in range(2)))

    answers = run(both())
    assert sorted(answer.status_code for answer in answers) == [200, 503]
    (refused,) = (answer for answer in answers if answer.status_code == 503)
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("busy", "1")
    assert len(door.events()) == 1
    assert door.request("POST", path, content=large).status_code == 200


def test_what_a_packed_body_is_unpacked_counts_too() -> None:
    door = Door(room=Room(100_000))
    packed = gzip.compress(json.dumps({"batch": [GOOD], "x": "x" * 200_000}).encode())
    answer = door.request("POST", f"/v1/batch?writeKey={KEY}", content=packed)
    assert (answer.status_code, door.events()) == (503, [])
