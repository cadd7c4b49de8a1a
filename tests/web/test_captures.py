"""The 41 recorded conversations of official clients, request by request, against the real intake."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.web.door import KEY, Door, basic
from volano.domain.account import Source
from volano.domain.event import Event
from volano.domain.view import View
from volano.flow.ingest import drain
from volano.settings import Settings
from volano.testing.lake_memory import MemoryLake
from volano.testing.profiles_memory import MemoryProfiles
from volano.web.configurations import asked
from volano.web.intake import is_intake

CAPTURES = {
    path.stem: json.loads(path.read_text()) for path in Path(__file__).with_name("captures").glob("*.json")
}
POSTHOG_KEY = "phc_test"
KINDS = {"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias"}
NAMES = {
    "identify": "Identified",
    "page": "Page Viewed",
    "screen": "Screen Viewed",
    "group": "Grouped",
    "alias": "Aliased",
}
POSTHOG = {
    "$pageview": "page",
    "$identify": "identify",
    "$set": "identify",
    "$groupidentify": "group",
    "$create_alias": "alias",
}
MISSING = ("/static/", "/analytics.js/", "/v1/analytics-js/")  # scripts of the vendors, which we do not have

Request = dict[str, Any]


def door(known: int = 0) -> Door:
    """A house that knows the keys of the recordings."""
    house = Door(settings=Settings(repeats_known=known))
    house.state.put(Source(key="ph", name="PostHog", write_key=POSTHOG_KEY))
    return house


def wire(request: Request) -> bytes:
    """The body as it was on the wire."""
    if "body" not in request:
        return b""
    text = json.dumps(request["body"], separators=(",", ":"), ensure_ascii=False).encode()
    return gzip.compress(text) if request["packed"] else text


def keyless(request: Request) -> bool:
    """Whether the client had no key, for the recording server's settings named none; ours do."""
    return (
        request["method"] == "POST"
        and "authorization" not in request["headers"]
        and "writeKey" not in json.dumps(request.get("body")) + request["path"]
        and POSTHOG_KEY not in json.dumps(request.get("body"))
    )


def sent(house: Door, request: Request, **more: str) -> httpx.Response:
    """The answer to one recorded request at the time of its recording."""
    house.clock[0] = request["at"]
    headers = request["headers"] | more
    return house.request(request["method"], request["path"], headers=headers, content=wire(request))


def requests(name: str) -> list[Request]:
    """The recorded requests that are for the intake."""
    return [one for one in CAPTURES[name]["requests"] if is_intake(one["path"].partition("?")[0])]


def carries_events(request: Request) -> bool:
    """Whether a request is not one for a configuration."""
    return request["method"] == "POST" and asked(request["path"].partition("?")[0].rstrip("/")) is None


def micros(text: str) -> int:
    """UTC µs of ISO 8601, by another way than the intake's."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (
        round(moment.timestamp()) * 1_000_000 + moment.microsecond
        if moment.microsecond < 500_000
        else (round(moment.timestamp() - 1) * 1_000_000 + moment.microsecond)
    )


def told(request: Request) -> Iterator[tuple[str, str, str, int]]:
    """Kind, name, id and time of every event in a recorded request, by the formats' own documents."""
    body = request["body"]
    posthog = POSTHOG_KEY in json.dumps(request)
    for call in body.get("batch", [body]):
        if posthog:
            kind = POSTHOG.get(call["event"], "track")
            name, key = NAMES.get(kind, call["event"]), call["uuid"]
            made, out = call["timestamp"], body.get("sent_at") or body["created_at"]
        else:
            path = request["path"].partition("?")[0].rsplit("/", 1)[1]
            kind = call.get("type") or KINDS.get(path, path)
            name, key = NAMES.get(kind) or call["event"], call["messageId"]
            made = call.get("originalTimestamp") or call["timestamp"]
            out = call.get("sentAt") or body.get("sentAt") or ""
        yield kind, name, key, request["at"] - (micros(out) - micros(made)) if out else micros(made)


def replayed(name: str, known: int = 0) -> Door:
    """A house after a conversation: every request was answered with 200 and JSON."""
    house = door(known)
    for request in requests(name):
        if keyless(request) and carries_events(request):
            refused = sent(house, request)
            assert (refused.status_code, refused.json()["code"]) == (401, "no_write_key")
            answer = sent(house, request, **basic(KEY))
        else:
            answer = sent(house, request)
        assert answer.status_code == 200, answer.text
        if "origin" in request["headers"]:
            assert answer.headers["access-control-allow-origin"] == request["headers"]["origin"]
        if carries_events(request):
            assert answer.json() == {"success": True}
    return house


def test_there_are_41_recordings() -> None:
    assert len(CAPTURES) == 41


@pytest.mark.parametrize("name", sorted(CAPTURES))
def test_every_recorded_event_is_kept_with_its_kind_name_id_and_time(name: str) -> None:
    expected = [one for request in requests(name) if carries_events(request) for one in told(request)]
    events = replayed(name).events()
    assert [(one.kind, one.event, one.message_id, one.time) for one in events] == expected
    first: dict[str, Event] = {}
    for event in events:  # what was sent again, for the recording server was down, is the same event
        known = first.setdefault(event.message_id, event)
        assert (known.kind, known.event, known.user_id) == (event.kind, event.event, event.user_id)


@pytest.mark.parametrize("name", sorted(CAPTURES))
def test_what_a_client_sent_again_is_written_once(name: str) -> None:
    all_of_it, once = replayed(name), replayed(name, known=1_000)
    assert once.events() == [*{one.message_id: one for one in reversed(all_of_it.events())}.values()][::-1]
    repeats = sum(intake.repeats for intake in once.intakes())
    assert len(once.events()) + repeats == len(all_of_it.events())


@pytest.mark.parametrize("name", sorted(CAPTURES))
def test_every_recorded_event_keeps_its_ids_and_what_it_tells(name: str) -> None:
    bodies = [request["body"] for request in requests(name) if carries_events(request)]
    calls = [call for body in bodies for call in body.get("batch", [body])]
    for event, call in zip(replayed(name).events(), calls, strict=True):
        properties = json.loads(event.properties)
        distinct = call.get("distinct_id") or call.get("properties", {}).get("distinct_id")
        if distinct:
            assert distinct in (event.user_id, event.anonymous_id)
            assert not [key for key in properties if key.startswith("$")]
            continue
        assert event.user_id == (call.get("userId") or "")
        if event.kind != "alias":
            assert event.anonymous_id == (call.get("anonymousId") or "")
        if event.kind == "track":
            assert properties == call["properties"]
        assert "ip" not in json.loads(event.context)


@pytest.mark.parametrize("name", sorted(CAPTURES))
def test_every_question_before_the_events_gets_what_the_client_needs(name: str) -> None:
    for request in CAPTURES[name]["requests"]:
        path, method = request["path"].partition("?")[0], request["method"]
        found = asked(path.rstrip("/"))
        if not is_intake(path):
            assert path.startswith(MISSING), path
        elif method == "OPTIONS":
            answer = sent(door(), request)
            assert answer.headers["access-control-max-age"] == "86400"
            wanted = request["headers"].get("access-control-request-headers", "*")
            assert answer.headers["access-control-allow-headers"] == wanted
        elif found is not None:
            check_configuration(found[0].path, sent(door(), request))


def check_configuration(path: str, answer: httpx.Response) -> None:
    """What the recordings showed that the client waits for."""
    assert answer.status_code == 200
    if path.endswith("settings"):
        ours = answer.json()["integrations"]["Segment.io"]
        assert (ours["apiKey"], ours["protocol"]) == (KEY, "http")
        assert ours["apiHost"].endswith("/v1")
    elif path == "/sourceConfig":
        source = answer.json()["source"]
        assert (source["id"], source["enabled"], source["destinations"]) == ("web", True, [])
        assert isinstance(source["config"], dict)
    elif path == "/flags":
        found = answer.json()
        assert (found["flags"], found["featureFlags"], found["errorsWhileComputingFlags"]) == ({}, {}, False)
    else:
        assert path == "/array/{key}/config.js"
        assert f'all["{POSTHOG_KEY}"]={{config:{{' in answer.text
        assert answer.headers["content-type"].startswith("text/javascript")


def rows(name: str, *columns: str) -> list[dict[str, Any]]:
    """Columns of the lake after a conversation."""
    house, lake = replayed(name), MemoryLake()
    drain(house.journal, lake, MemoryProfiles())
    found: list[dict[str, Any]] = lake.read(View(columns=columns)).to_pylist()
    return found


def test_the_recorded_python_client_makes_these_rows() -> None:
    columns = ("event", "known_as", "path", "product")
    found = rows("segment-analytics-python", *columns)
    assert sorted((tuple(row[name] for name in columns) for row in found), key=str) == [
        ("Aliased", "u:user-1", None, None),
        ("Grouped", "u:user-1", None, None),
        ("Identified", "u:user-1", None, None),
        ("Order Completed", "u:user-1", None, "p1"),
        ("Page Viewed", "u:user-1", "/", None),
        ("Screen Viewed", "u:user-1", None, None),
    ]


@pytest.mark.parametrize(
    ("name", "path"), [("browser-seg-npm", "/web/seg.html"), ("browser-posthog-js", "/web/ph.html")]
)
def test_the_recorded_browsers_tell_source_device_and_path(name: str, path: str) -> None:
    pages = [row for row in rows(name, "event", "source", "device", "path") if row["event"] == "Page Viewed"]
    assert {(row["source"], row["device"], row["path"]) for row in pages} == {("mail", "desktop", path)}


def test_a_client_that_tried_again_after_an_error_has_its_event_once() -> None:
    for name in ("browser-var-seg-e500", "browser-var-rud-e429"):
        ids = [event.message_id for event in replayed(name).events()]
        assert len(rows(name, "id")) == len(set(ids)) < len(ids)
