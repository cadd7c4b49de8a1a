"""The hot way in, as unmodified clients use it."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.web.door import KEY, NOW, PAGE, Door, basic, run
from volano.domain.view import Offset
from volano.errors import Behind, BrokenHome, Busy, VolanoError
from volano.testing.journal_memory import MemoryJournal
from volano.testing.state_memory import MemoryState
from volano.web.asgi import Stalled, answer_error, body_of, status_of
from volano.web.intake import is_intake
from volano.web.room import Room

GOOD: dict[str, Any] = {"type": "track", "event": "Product Viewed", "userId": "u1"}
BATCH = json.dumps({"batch": [GOOD]}).encode()


class FullJournal(MemoryJournal):
    """Takes nothing for now, or never again."""

    def __init__(self, error: VolanoError) -> None:
        super().__init__()
        self.error = error

    async def append(self, payload: bytes) -> Offset:
        raise self.error


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


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/batch/", "/v1/b/", "/beacon/v1/batch", "/v1/import/"])
def test_a_batch_has_its_paths_with_and_without_a_slash(path: str) -> None:
    assert Door().post(BATCH, path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/decide", "/v1/projects/settings", "/v1/projects/a/b/settings"]
)
def test_other_paths_are_not_for_the_intake(path: str) -> None:
    assert not is_intake(path)


def test_json_is_json_whatever_the_content_type() -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "image/png"):
        assert Door().post(BATCH, content_type=kind).status_code == 200


def test_gzip_is_known_by_header_or_magic_bytes() -> None:
    door = Door()
    assert door.post(gzip.compress(BATCH), content_encoding="gzip").status_code == 200
    assert door.post(gzip.compress(BATCH)).status_code == 200
    assert door.post(BATCH, content_encoding="gzip").status_code == 200
    assert door.post(b"\n" + BATCH, content_encoding="gzip").status_code == 200
    assert [len(intake.events) for intake in door.intakes()] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b"[]", 400, "not_an_object"),
        (b'{"batch": 3}', 400, "batch_not_a_list"),
        (b"\xff", 400, "not_utf8"),
        (json.dumps({"batch": [GOOD] * 2501}).encode(), 400, "too_many_events"),
        (b" " * (4 * 1024 * 1024 + 1), 413, "too_large"),
        (gzip.compress(b" " * 200_000_000, mtime=0), 413, "too_large"),
        (gzip.compress(BATCH, mtime=0)[:-9], 400, "broken_gzip"),
        (b"\x1f\x8bnot at all gzip", 400, "broken_gzip"),
        (gzip.compress(BATCH, mtime=0) + gzip.compress(BATCH, mtime=0), 400, "broken_gzip"),
    ],
)
def test_a_broken_envelope_is_4xx_with_code_and_message(body: bytes, status: int, code: str) -> None:
    door = Door()
    answer = door.post(body, origin=PAGE)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"]
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert door.intakes() == []


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


@pytest.mark.parametrize(
    ("error", "status", "seconds"),
    [
        (Busy("the queue is full: try again"), 503, "1"),
        (BrokenHome("the disk is gone"), 503, "1"),
        (Behind("the drain is behind: try again"), 429, "5"),
    ],
)
def test_a_journal_that_cannot_take_more_says_when_to_come_again(
    error: VolanoError, status: int, seconds: str
) -> None:
    answer = Door(journal=FullJournal(error)).post(BATCH)
    assert (answer.status_code, answer.headers["retry-after"]) == (status, seconds)
    assert answer.json()["message"] == error.message


def test_what_breaks_inside_is_500_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    class BrokenJournal(MemoryJournal):
        async def append(self, payload: bytes) -> Offset:
            raise ZeroDivisionError("secret")

    answer = Door(journal=BrokenJournal()).post(BATCH)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_state_that_breaks_is_500_in_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    class BrokenState(MemoryState):
        def find(self, kind: type[Any]) -> list[Any]:
            if self.broken:
                raise ZeroDivisionError
            return super().find(kind)

        broken = False

    door = Door(state=BrokenState())
    BrokenState.broken = True
    for path in ("/v1/batch", "/sourceConfig"):
        answer = door.post(BATCH, path)
        assert (answer.status_code, answer.json()["code"]) == (500, "error")
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


def test_an_import_takes_history_as_it_is_told() -> None:
    door = Door()
    told = GOOD | {"timestamp": "1999-01-01T00:00:00Z", "messageId": "old"}
    body = json.dumps({"batch": [told], "sentAt": "2020-01-01T00:00:00Z"}).encode()
    assert door.post(body, "/v1/import").json() == {"success": True}
    assert door.events()[0].time == 915_148_800_000_000
    assert (
        door.post(body.replace(b"1999", b"1969"), "/v1/import").json()["quarantined"][0]["code"] == "too_old"
    )


def test_what_segments_client_tells_its_vendor_is_taken_and_thrown_away() -> None:
    door = Door()
    assert door.request("POST", "/v1/m", content=b"{").json() == {"success": True}
    assert door.intakes() == []


def test_an_address_gives_a_country_and_is_not_kept() -> None:
    asked: list[str] = []

    def geo(address: str) -> str:
        asked.append(address)
        return {"9.9.9.9": "CH"}.get(address, "GB")

    door = Door(geo=geo)
    mine, other = {"ip": "9.9.9.9", "locale": "en"}, {"ip": "1.1.1.1", "location": {"country": "FR"}}
    bad = {"type": "no", "context": {"ip": "8.8.8.8"}}
    batch = [GOOD | {"context": mine}, GOOD | {"context": other}, GOOD, bad]
    assert door.post(json.dumps({"batch": batch}).encode(), user_agent="Mozilla/5.0").status_code == 200
    (intake,) = door.intakes()
    assert (intake.country, intake.user_agent) == ("GB", "Mozilla/5.0")
    contexts = [json.loads(event.context) for event in intake.events]
    assert contexts == [{"locale": "en", "location": {"country": "CH"}}, {"location": {"country": "FR"}}, {}]
    kept = b"".join(payload or b"" for _, payload in door.journal.read(0, 9))
    for address in ("9.9.9.9", "1.1.1.1", "8.8.8.8", "127.0.0.1"):
        assert address in asked or address == "8.8.8.8"
        assert address.encode() not in kept


def test_the_address_of_a_server_says_nothing_of_where_a_person_is() -> None:
    door = Door(geo=lambda address: "GB")
    door.post(BATCH, user_agent="analytics-python/2.4.0" + "x" * 900)
    (intake,) = door.intakes()
    assert (intake.country, len(intake.user_agent)) == ("", 400)


def test_a_client_that_stalls_is_told_408_and_let_go() -> None:
    async def receive() -> dict[str, Any]:
        if not started:
            started.append(1)
            return {"type": "http.request", "body": b'{"batch"', "more_body": True}
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    started: list[int] = []
    with pytest.raises(Stalled) as caught:
        run(body_of(receive, 100, share=Room(seconds=0.01).alone()))
    assert (caught.value.code, status_of(caught.value)) == ("stalled", 408)

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    run(answer_error(send, caught.value))
    assert (b"connection", b"close") in sent[0]["headers"]


def test_two_equal_keys_a_megabyte_and_10000_names_leave_good_neighbours_alone() -> None:
    good = json.dumps(GOOD)
    many = json.dumps(GOOD | {"properties": {f"p{number}": 1 for number in range(10_000)}})
    odd = (
        good.replace('"event"', '"event": "a", "event"'),
        json.dumps(GOOD | {"properties": {"text": "x" * 1_000_000}}),
        many,
        good.replace('"u1"', "1e999"),
        good.replace('"u1"', '"\\ud800"'),
        good.replace('"u1"', "NaN"),
    )
    for bad in odd:
        door = Door()
        answer = door.post(f'{{"batch": [{good}, {bad}, {good}]}}'.encode())
        assert (answer.status_code, len(door.events()) >= 2) == (200, True)
        assert len(door.events()) + len(answer.json().get("quarantined", [])) == 3
