"""The hot way in, as unmodified clients use it."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volano.domain.account import Source
from volano.domain.event import Intake
from volano.domain.view import Offset, View
from volano.errors import BrokenHome, Busy, VolanoError
from volano.flow.ingest import drain
from volano.settings import Settings
from volano.testing.journal_memory import MemoryJournal
from volano.testing.lake_memory import MemoryLake
from volano.testing.profiles_memory import MemoryProfiles
from volano.testing.state_memory import MemoryState
from volano.web.intake import intake_app, is_intake

CAPTURES = sorted((Path(__file__).parent.parent / "data" / "captures").glob("*.json"))
NOW = 1_795_289_253_000_000
KEY = "wk_test"
GOOD: dict[str, Any] = {"type": "track", "event": "Product Viewed", "userId": "u1"}
BATCH = json.dumps({"batch": [GOOD]}).encode()
PAGE = "https://shop.example"

R = TypeVar("R")


class FullJournal(MemoryJournal):
    """Takes nothing for now, or never again."""

    def __init__(self, error: VolanoError) -> None:
        super().__init__()
        self.error = error

    async def append(self, payload: bytes) -> Offset:
        raise self.error


@dataclass
class Door:
    """A house with one source."""

    settings: Settings = field(default_factory=Settings)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    state: MemoryState = field(default_factory=MemoryState)
    clock: list[int] = field(default_factory=lambda: [NOW])

    def __post_init__(self) -> None:
        self.state.put(Source(key="web", name="Shop", write_key=KEY))
        self.app = intake_app(self, lambda: self.clock[0])

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        """One request and its answer."""
        return run(self.requested(method, path, **given))

    async def requested(self, method: str, path: str, **given: Any) -> httpx.Response:
        """The same inside an event loop."""
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://volano.example") as client:
            return await client.request(method, path, **given)

    def post(self, body: bytes, path: str = "/v1/batch", **headers: str) -> httpx.Response:
        """A POST with the key in Basic auth."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", path, content=body, headers=basic(KEY) | named)

    def intakes(self) -> list[Intake]:
        """What is in the journal."""
        return [msgspec.msgpack.decode(payload, type=Intake) for _, payload in self.journal.read(0, 9999)]


def run(coroutine: Coroutine[Any, Any, R]) -> R:
    """Its result, in a loop of its own."""
    return asyncio.run(coroutine)


def basic(key: str) -> dict[str, str]:
    """Basic auth with the key as user name."""
    return {"Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"}


def test_events_are_in_the_journal_when_the_answer_is_200() -> None:
    door = Door()
    answer = door.post(BATCH)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert answer.headers["content-type"] == "application/json"
    (intake,) = door.intakes()
    assert (intake.source, intake.received_at, intake.events[0].event) == ("web", NOW, "Product Viewed")
    assert len(intake.events[0].message_id) == 36


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/track", "track"),
        ("/v1/t/", "track"),
        ("/v1/identify", "identify"),
        ("/v1/i", "identify"),
        ("/v1/page/", "page"),
        ("/v1/p", "page"),
        ("/v1/screen", "screen"),
        ("/v1/s", "screen"),
        ("/v1/group", "group"),
        ("/v1/g", "group"),
        ("/v1/alias", "alias"),
        ("/v1/a", "alias"),
    ],
)
def test_every_call_has_its_path_and_its_short_form(path: str, kind: str) -> None:
    door = Door()
    body = {"event": "x", "userId": "u", "previousId": "a", "writeKey": KEY}
    assert is_intake(path)
    assert door.request("POST", path, json=body).status_code == 200
    assert door.intakes()[0].events[0].kind == kind


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b/", "/beacon/v1/batch"])
def test_a_batch_has_three_paths(path: str) -> None:
    assert Door().post(BATCH, path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/decide", "/v1/projects/settings", "/v1/projects/a/b/settings"]
)
def test_other_paths_are_not_for_the_intake(path: str) -> None:
    assert not is_intake(path)


def test_the_key_may_come_in_basic_auth_the_body_or_the_query() -> None:
    door = Door()
    body = {"batch": [GOOD]}
    assert door.request("POST", "/v1/batch", json=body, headers=basic(KEY)).status_code == 200
    assert door.request("POST", "/v1/batch", json=body | {"writeKey": KEY}).status_code == 200
    assert door.request("POST", f"/v1/batch?writeKey={KEY}", json=body).status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "no_write_key"),
        (basic("wrong"), "unknown_write_key"),
        ({"Authorization": "Basic %%%"}, "no_write_key"),
        ({"Authorization": "Bearer x"}, "no_write_key"),
    ],
)
def test_an_unknown_or_missing_key_is_401(headers: dict[str, str], code: str) -> None:
    answer = Door().request("POST", "/v1/batch", content=BATCH, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert "Basic auth" in answer.json()["message"]


def test_a_new_key_is_known_at_once_and_a_dropped_one_refused_after_a_second() -> None:
    door = Door()
    assert door.post(BATCH).status_code == 200
    door.state.put(Source(key="app", name="App", write_key="wk_new"))
    new = door.request("POST", "/v1/batch", content=BATCH, headers=basic("wk_new"))
    assert (new.status_code, door.intakes()[-1].source) == (200, "app")
    door.state.drop(Source, "web")
    door.clock[0] += 1_000_001
    assert door.post(BATCH).status_code == 401


def test_json_is_json_whatever_the_content_type() -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "image/png"):
        assert Door().post(BATCH, content_type=kind).status_code == 200


def test_gzip_is_known_by_header_or_magic_bytes() -> None:
    door = Door()
    assert door.post(gzip.compress(BATCH), content_encoding="gzip").status_code == 200
    assert door.post(gzip.compress(BATCH)).status_code == 200
    assert door.post(BATCH, content_encoding="gzip").status_code == 200
    assert [len(intake.events) for intake in door.intakes()] == [1, 1, 1]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b"[]", 400, "not_an_object"),
        (b'{"batch": 3}', 400, "batch_not_a_list"),
        (b"\xff", 400, "not_utf8"),
        (json.dumps({"batch": [GOOD] * 2501}).encode(), 400, "too_many_events"),
        (b" " * (4 * 1024 * 1024 + 1), 413, "too_large"),
        (gzip.compress(b" " * 200_000_000), 413, "too_large"),
        (gzip.compress(BATCH)[:-9], 400, "broken_gzip"),
        (b"\x1f\x8bnot at all gzip", 400, "broken_gzip"),
    ],
)
def test_a_broken_envelope_is_4xx_with_code_and_message(body: bytes, status: int, code: str) -> None:
    door = Door()
    answer = door.post(body, origin=PAGE)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"]
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert door.intakes() == []


def test_the_key_is_asked_for_before_the_events_are_looked_at() -> None:
    body = b'{"batch": [' + b"1," * 2500 + b"1]}"
    for told, code in ((b"", "no_write_key"), (b'"writeKey": "\\ud800", ', "unknown_write_key")):
        answer = Door().request("POST", "/v1/batch", content=b"{" + told + body[1:])
        assert (answer.status_code, answer.json()["code"]) == (401, code)


def test_a_large_body_does_not_hold_up_a_small_one() -> None:
    door = Door()
    large = json.dumps({"batch": [GOOD] * 2500}).encode()

    async def both() -> list[httpx.Response]:
        path = f"/v1/batch?writeKey={KEY}"
        return await asyncio.gather(*(door.requested("POST", path, content=body) for body in (large, BATCH)))

    assert [answer.status_code for answer in run(both())] == [200, 200]
    assert [len(intake.events) for intake in door.intakes()] == [1, 2500]


def test_bad_events_are_answered_200_with_their_index_and_reason() -> None:
    door = Door()
    body = {"batch": [GOOD, {"type": "track", "event": "x"}, GOOD]}
    answer = door.post(json.dumps(body).encode())
    (told,) = answer.json()["quarantined"]
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert (told["index"], told["code"], told["message"][:9]) == (1, "no_id", "the event")
    (intake,) = door.intakes()
    assert (len(intake.events), [found.index for found in intake.refusals]) == (2, [1])


def test_a_bad_single_event_is_200_too() -> None:
    assert Door().post(b'{"userId": "u"}', "/v1/track").json()["quarantined"][0]["code"] == "no_event_name"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_another_method_is_405(method: str) -> None:
    answer = Door().request(method, "/v1/batch", headers=basic(KEY))
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize("error", [Busy("the queue is full: try again"), BrokenHome("the disk is gone")])
def test_a_journal_that_cannot_take_more_is_503_with_retry_after(error: VolanoError) -> None:
    answer = Door(journal=FullJournal(error)).post(BATCH)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["message"] == error.message


def test_what_breaks_inside_is_500_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    class BrokenJournal(MemoryJournal):
        async def append(self, payload: bytes) -> Offset:
            raise ZeroDivisionError("secret")

    answer = Door(journal=BrokenJournal()).post(BATCH)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_preflight_echoes_origin_and_headers_for_a_day() -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    answer = Door().request(
        "OPTIONS", "/v1/batch", headers=asked | {"Access-Control-Request-Headers": "authorization,sentat"}
    )
    assert answer.status_code == 200
    told = {name.removeprefix("access-control-"): value for name, value in answer.headers.items()}
    assert told["allow-origin"] == PAGE
    assert told["allow-headers"] == "authorization,sentat"
    assert told["allow-credentials"] == "true"
    assert told["max-age"] == "86400"


def test_pages_of_other_origins_are_refused_when_origins_are_named() -> None:
    door = Door(settings=Settings(origins=f"{PAGE} https://other.example"))
    assert door.post(BATCH, origin=PAGE).status_code == 200
    assert door.post(BATCH).status_code == 200
    refused = door.post(BATCH, origin="https://evil.example")
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_origin")
    assert "access-control-allow-origin" not in refused.headers


def test_the_settings_of_a_project_point_segments_client_at_us() -> None:
    answer = Door().request("GET", f"/v1/projects/{KEY}/settings", headers={"Origin": PAGE})
    ours = {"apiKey": KEY, "apiHost": "volano.example/v1", "protocol": "http"}
    assert answer.json() == {"integrations": {"Segment.io": ours}}
    assert Door().request("GET", "/v1/projects/wrong/settings").status_code == 404


def test_behind_tls_the_settings_of_a_project_say_https() -> None:
    answer = Door(settings=Settings(secure_cookies=True)).request("GET", f"/v1/projects/{KEY}/settings")
    assert answer.json()["integrations"]["Segment.io"]["protocol"] == "https"


def test_the_source_config_is_what_rudderstacks_client_needs() -> None:
    answer = Door().request("GET", f"/sourceConfig/?p=npm&writeKey={KEY}")
    source = answer.json()["source"]
    assert (source["id"], source["config"], source["destinations"]) == ("web", {}, [])
    assert Door().request("GET", "/sourceConfig").status_code == 401


def test_a_client_that_hangs_up_is_not_answered() -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    door = Door()
    scope = {"type": "http", "method": "POST", "path": "/v1/batch", "headers": [], "query_string": b""}
    run(door.app(scope, receive, send))  # type: ignore[arg-type]
    assert (sent, door.intakes()) == ([], [])


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["/v1/batch", "/v1/t", "/v1/i"]), st.booleans())
def test_no_body_is_answered_with_anything_but_200_or_4xx(body: bytes, path: str, packed: bool) -> None:
    answer = Door().post(gzip.compress(body) if packed else body, path)
    assert answer.status_code in (200, 400, 413)
    assert "success" in answer.json() or {"code", "message"} == answer.json().keys()


def replayed(capture: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the lake after a recorded conversation, each request answered as the client needs it."""
    door, lake = Door(), MemoryLake()
    for request in capture["requests"]:
        door.clock[0] = request["at"]
        body = b"" if request["body"] is None else json.dumps(request["body"]).encode()
        packed = gzip.compress(body) if request["headers"].get("content-encoding") == "gzip" else body
        answer = door.request(request["method"], request["path"], headers=request["headers"], content=packed)
        assert answer.status_code == 200
        if "origin" in request["headers"]:
            assert answer.headers["access-control-allow-origin"] == request["headers"]["origin"]
        if request["method"] == "POST":
            assert answer.json() == {"success": True}
    drain(door.journal, lake, MemoryProfiles())
    columns = (
        "id",
        "known_as",
        "event",
        "source",
        "medium",
        "device",
        "path",
        "revenue",
        "order_id",
        "product",
    )
    rows: list[dict[str, Any]] = lake.read(View(columns=columns)).to_pylist()
    return rows


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_recorded_clients_are_understood_whole(path: Path) -> None:
    capture = json.loads(path.read_text())
    calls = [
        call
        for request in capture["requests"]
        if request["method"] == "POST"
        for call in request["body"].get("batch", [request["body"]])
    ]
    rows = replayed(capture)
    told = [call["properties"] for call in calls if call.get("event") == "Order Completed"]
    orders = {order["order_id"]: order.get("revenue") for order in told}
    assert len(rows) == len(calls) - len(told) + len(orders)
    found = {row["order_id"]: row["revenue"] for row in rows if row["event"] == "Order Completed"}
    assert found == {order: revenue and round(revenue * 100) for order, revenue in orders.items()}


def test_the_recorded_python_client_makes_these_rows() -> None:
    path = next(path for path in CAPTURES if path.stem == "segment-python")
    rows = replayed(json.loads(path.read_text()))
    shown = [(row["event"], row["known_as"], row["path"], row["product"]) for row in rows]
    assert sorted(shown, key=str) == [
        ("Aliased", "u:user-1", None, None),
        ("Grouped", "u:user-1", None, None),
        ("Identified", "u:user-1", None, None),
        ("Order Completed", "u:user-1", None, "p1"),
        ("Page Viewed", "u:user-1", "/", None),
        ("Screen Viewed", "u:user-1", None, None),
    ]


def test_the_recorded_browser_tells_source_device_and_path() -> None:
    path = next(path for path in CAPTURES if path.stem == "segment-browser")
    pages = [row for row in replayed(json.loads(path.read_text())) if row["event"] == "Page Viewed"]
    told = {(row["source"], row["medium"], row["device"], row["path"]) for row in pages}
    assert told == {("mail", "(none)", "desktop", "/web/seg.html")}
