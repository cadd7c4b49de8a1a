"""Clients that stall, repeat themselves with other words, or were told to go away."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from tests.faults.homes import caught_up, frame, opened, rows, sent
from tests.flow.site import NOW, event
from tests.served import serving, until
from tests.web.door import Door
from volano.domain.registry import Seen
from volano.flow import sources
from volano.observe.identity import message_row
from volano.web.room import Room
from volano.wiring import open_state, read_settings


def test_a_client_that_stalls_in_the_middle_of_its_body_keeps_nobody_waiting(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as served:
        place = urlsplit(served.address)
        body = json.dumps(
            {"writeKey": served.key, "batch": [{"type": "track", "event": "Late", "userId": "u"}]}
        ).encode()
        head = f"POST /v1/batch HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
        stalled = [socket.create_connection((place.hostname, place.port), timeout=30) for _ in range(20)]
        for one in stalled:
            one.sendall(head.encode() + body[:20])
        assert {served.send(f"m{number}").status_code for number in range(20)} == {200}
        stalled[0].sendall(body[20:])
        assert stalled[0].recv(100).startswith(b"HTTP/1.1 200")
        for one in stalled:
            one.close()
        assert served.send("after").status_code == 200


def test_a_client_that_stalls_for_too_long_is_told_408_over_its_socket_and_let_go() -> None:
    door = Door(room=Room(seconds=0.05))
    with listening(door.app) as (host, port), socket.create_connection((host, port), timeout=30) as stalled:
        stalled.sendall(f"POST /v1/batch HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99\r\n\r\n{{".encode())
        told = b"".join(iter(lambda: stalled.recv(4096), b""))  # until it is let go
    head, _, body = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["code"] == "stalled"
    assert door.events() == []


@contextmanager
def listening(app: Any) -> Iterator[tuple[str, int]]:
    """The app behind a real socket, as an owner's server runs it; where."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, interface="asgi3", log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()
    finally:
        server.should_exit = True
        thread.join()


def test_events_for_a_revoked_key_are_refused_within_seconds_and_kept_out(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving(home) as served:
        assert served.send("before").status_code == 200
        sources.revoke(open_state(read_settings({}, home=str(home))), "web", now=NOW)
        answers: dict[str, int] = {}
        while 401 not in answers.values():
            assert len(answers) < 1_000
            message = f"m{len(answers)}"
            answers[message] = served.send(message).status_code
    house = opened(home)
    assert caught_up(house) == {}
    kept = {message_row("web", message) for message, status in answers.items() if status == 200}
    assert {row["id"] for row in rows(house, "id")} == kept | {message_row("web", "before")}


def test_the_first_of_two_events_with_one_message_id_wins(tmp_path: Path) -> None:
    house = opened(tmp_path / "home")
    first = event("Said", user="u", message_id="m", properties={"words": "first"})
    second = event("Said", user="u", message_id="m", properties={"words": "second"})
    other = event("Said", user="u", message_id="n", properties={"words": "third"})
    again = event("Said", user="u", message_id="n", properties={"words": "fourth"})
    house.journal.append_now(frame(first))
    assert caught_up(house) == {}
    for one in (second, other, again):
        house.journal.append_now(frame(one))
    sent(house.journal, "m", "n")
    assert caught_up(house) == {}
    told = sorted(json.loads(row["properties"])["words"] for row in rows(house, "properties"))
    assert told == ["first", "third"]
    (seen,) = [seen for _, seen in house.profiles.scan(Seen) if seen.source == "web" and not seen.event]
    assert (seen.count, seen.doubles) == (6, 4)
