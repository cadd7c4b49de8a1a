"""Decisions over HTTP: what is answered, what is on record before that, and what bad questions get."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pytest

from tests.act.campaigns import always, campaign
from volano.act.assign import variant
from volano.domain.account import Source
from volano.domain.campaign import CONTROL
from volano.domain.change import Change
from volano.domain.event import Decided
from volano.domain.profile import Profile
from volano.errors import Busy
from volano.observe.identity import identity
from volano.ports import N
from volano.settings import Settings
from volano.testing.caps_memory import MemoryCaps
from volano.testing.journal_memory import MemoryJournal
from volano.testing.profiles_memory import MemoryProfiles
from volano.testing.state_memory import MemoryState
from volano.web.decisions import TAG, decisions_app, is_decision
from volano.web.tag_file import tag_file

ASK: dict[str, Any] = {"writeKey": "w", "anonymousId": "me", "context": {"page": {"path": "/p/1"}}}


@dataclass(kw_only=True)
class Room:
    """A house in memory whose clock ticks two seconds a question."""

    settings: Settings = field(default_factory=Settings)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    state: MemoryState = field(default_factory=MemoryState)
    profiles: MemoryProfiles = field(default_factory=MemoryProfiles)
    caps: MemoryCaps = field(default_factory=MemoryCaps)
    now: int = 0

    def tick(self) -> int:
        self.now += 2_000_000
        return self.now

    def __post_init__(self) -> None:
        self.state.put(Source(key="web", name="Web", write_key="w"))
        self._app = decisions_app(self, self.tick)

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def talk() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
                return await client.request(method, path, **more)

        return asyncio.run(talk())

    def served(self, path: str) -> bytes:
        """The very body of an answer, as the application has it."""
        bodies: list[bytes] = []

        async def receive() -> Any:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            bodies.append(message.get("body", b""))

        async def talk() -> None:
            head = [(b"accept-encoding", b"gzip")]
            scope = {"type": "http", "method": "GET", "path": path, "headers": head}
            await self._app(scope, receive, send)

        asyncio.run(talk())
        return bodies[-1]

    def ask(self, **fields: Any) -> httpx.Response:
        return self.send("POST", "/v1/decide", json=ASK | fields)

    def frames(self) -> list[Decided]:
        read = self.journal.read(0, 1000)
        return [msgspec.msgpack.decode(payload, type=Decided) for _, payload in read if payload is not None]


def test_a_state_that_breaks_is_told_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    class BrokenState(MemoryState):
        def find(self, kind: type[Any]) -> list[Any]:
            raise ZeroDivisionError

    answer = Room(state=BrokenState()).ask()
    assert (answer.status_code, answer.json()["code"]) == (500, "error")
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_while_the_state_is_away_the_campaigns_that_were_known_go_on() -> None:
    away = False

    class Away(MemoryState):
        def find(self, kind: type[N]) -> list[N]:
            if away:
                raise Busy("the state database did not answer; try again")
            return super().find(kind)

    room = Room(state=Away())
    room.state.put(campaign())
    known = room.ask().json()
    away = True
    again = room.ask()
    assert (again.status_code, again.json()["campaigns"]) == (200, known["campaigns"])


def test_a_person_gets_the_arm_of_their_id_and_the_decision_is_on_record() -> None:
    room, live = Room(), campaign()
    room.state.put(live)
    answer = room.ask()
    assert answer.status_code == 200
    assert answer.json()["id"] == "me"
    assert [one["arm"] for one in answer.json()["campaigns"]] == [variant(live, "me")]
    (frame,) = room.frames()
    assert (frame.source, frame.anonymous_id, frame.path) == ("web", "me", "/p/1")
    assert frame.decisions[0].assigned_by == "me"
    assert sum(option.propensity for option in frame.decisions[0].options) == 1


def test_a_campaign_counts_from_the_next_second_and_no_longer_when_it_is_stopped() -> None:
    room = Room()
    assert room.ask().json()["campaigns"] == []
    room.state.put(campaign())
    assert len(room.ask().json()["campaigns"]) == 1
    room.state.put(campaign(status="stopped"))
    assert room.ask().json()["campaigns"] == []
    assert len(room.frames()) == 1


def test_signing_in_moves_nobody_to_another_arm() -> None:
    room, live = Room(), campaign()
    room.state.put(live)
    person = identity("u:42")
    room.profiles.put(Change(puts=((person, Profile(person_id=person, assigned={live.salt: "elder"})),)))
    answer = room.ask(userId=42).json()
    assert answer["id"] == "me"
    assert [(one["id"], one["arm"]) for one in answer["campaigns"]] == [("elder", variant(live, "elder"))]
    assert room.frames()[0].decisions[0].assigned_by == "elder"


def test_who_signs_in_for_the_first_time_is_still_known_by_the_browser() -> None:
    room = Room()
    room.state.put(campaign(audience={"orders": 3}))
    known = Profile(person_id=identity("a:me"), orders=3)
    room.profiles.put(Change(puts=((known.person_id, known),)))
    assert len(room.ask(userId="new one").json()["campaigns"]) == 1


def test_a_slice_of_traffic_is_met_by_its_own_visitors_only() -> None:
    room = Room()
    slice_ = {"source": "instagram / social", "device": "low-end android", "visitor": "new", "landing": "/l"}
    room.state.put(campaign(audience=slice_, arms=always("a")))
    context = {
        "campaign": {"source": "instagram", "medium": "social"},
        "page": {"path": "/p/1"},
        "session": {"landing": "/l", "visits": 1},
        "device": {"memory": 1},
        "userAgent": "Mozilla/5.0 (Linux; Android 10; K) Chrome/120.0 Mobile",
    }
    assert len(room.ask(context=context).json()["campaigns"]) == 1
    assert room.ask(context=context | {"campaign": {}}).json()["campaigns"] == []
    assert room.ask(context=context | {"session": {"landing": "/l", "visits": 2}}).json()["campaigns"] == []
    assert room.ask(context={"session": 7, "page": [], "campaign": None}).json()["campaigns"] == []


def test_nothing_of_the_other_arms_leaves_the_house() -> None:
    room = Room()
    room.state.put(campaign(arms=always(CONTROL)))
    assert "10 % off" not in room.ask().text


@pytest.mark.parametrize(
    ("body", "status", "code", "named"),
    [
        (b"", 400, "malformed", "JSON"),
        (b'{"writeKey": ', 400, "malformed", "JSON"),
        (b"\xff\xfe", 400, "malformed", "JSON"),
        (b'{"writeKey":"w","anonymousId":"\\ud800"}', 400, "malformed", "JSON"),
        (b"[" * 5000, 400, None, "JSON"),
        (b"[]", 400, "not_an_object", "object"),
        (b'{"writeKey":"no","anonymousId":"me"}', 401, "unknown_write_key", "'no'"),
        (b'{"anonymousId":"me"}', 401, "no_write_key", "write key"),
        (b'{"writeKey":["w"],"anonymousId":"me"}', 401, "no_write_key", "write key"),
        (b'{"writeKey":"w"}', 400, "no_id", "anonymousId"),
        (b'{"writeKey":"w","anonymousId":"  "}', 400, "no_id", "anonymousId"),
        (b'{"writeKey":"w","anonymousId":{}}', 400, "bad_id", "anonymousId"),
        (b'{"writeKey":"w","userId":true}', 400, "bad_id", "userId"),
        (b'{"writeKey":"w","userId":"' + b"x" * 600 + b'"}', 400, "bad_id", "userId"),
        (b'{"writeKey":"w","userId":1,"context":7}', 400, "not_an_object", "context"),
        (b'{"writeKey":"w","userId":1,"x":"' + b"x" * 33_000 + b'"}', 413, "too_large", "32,768"),
        (gzip.compress(b" " * 40_000, mtime=0), 413, "too_large", "32,768"),
        (b"\x1f\x8bnonsense", 400, "broken_gzip", "gzip"),
    ],
)
def test_a_bad_question_gets_one_sentence(body: bytes, status: int, code: str | None, named: str) -> None:
    answer = Room().send("POST", "/v1/decide", content=body)
    assert answer.status_code == status
    told = answer.json()
    assert told["code"] == code or code is None
    assert named in told["message"]
    assert "\n" not in told["message"]


def test_any_content_type_and_a_trailing_slash_will_do() -> None:
    room = Room()
    body = msgspec.json.encode(ASK)
    for headers in ({"content-type": "text/plain"}, {}, {"content-encoding": "gzip"}):
        packed = gzip.compress(body) if "content-encoding" in headers else body
        assert room.send("POST", "/v1/decide/", content=packed, headers=headers).status_code == 200
    assert room.send("GET", "/v1/decide").status_code == 405


def test_pages_of_other_origins_may_ask_unless_the_owner_says_otherwise() -> None:
    headers = {"origin": "https://shop.example", "access-control-request-headers": "x-a"}
    allowed = Room().send("OPTIONS", "/v1/decide", headers=headers)
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    assert allowed.headers["access-control-allow-headers"] == "x-a"
    bad = Room().send("POST", "/v1/decide", content=b"{", headers=headers)
    assert bad.headers["access-control-allow-origin"] == "https://shop.example"
    closed = Room(settings=Settings(origins="https://other.example"))
    assert closed.send("POST", "/v1/decide", json=ASK, headers=headers).status_code == 403


def test_the_tag_is_served_packed_and_asked_after_by_its_name() -> None:
    room = Room()
    first = room.send("GET", TAG)
    assert first.headers["content-encoding"] == "gzip"
    assert first.headers["content-type"].startswith("text/javascript")
    assert "max-age" in first.headers["cache-control"]
    assert first.content == tag_file().plain
    plain = room.send("GET", TAG, headers={"accept-encoding": "identity"})
    assert ("content-encoding" in plain.headers, plain.content) == (False, first.content)
    again = room.send("GET", TAG, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert room.send("HEAD", TAG).content == b""
    assert room.send("POST", TAG).status_code == 405


def test_the_paths_are_known_by_name() -> None:
    asked = ("/v1/decide", "/v1/decide/", "/t.js", "/v1/batch", "/")
    assert [is_decision(path) for path in asked] == [True, True, True, False, False]
