"""What only one event breaks costs that event and nothing else, byte for byte as it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.web.door import KEY, Door
from volano.domain.event import Intake
from volano.errors import BadBody
from volano.observe.rows import Rows
from volano.web.formats import segment
from volano.web.formats.format import Request

NOW = 1_795_289_253_000_000
TP2 = "/com.snowplowanalytics.snowplow/tp2"
LONG = b"9" * 5000
DEEP = b"[" * 9000 + b"]" * 9000

Wrapped = Callable[..., bytes]


def segments(properties: bytes) -> bytes:
    return b'{"type":"track","event":"Bought","userId":"u1","properties":' + properties + b"}"


def posthogs(properties: bytes) -> bytes:
    return b'{"event":"Bought","distinct_id":"u1","properties":' + properties + b"}"


def snowplows(properties: bytes) -> bytes:
    schema = b'{"schema":"iglu:x/unstruct_event/jsonschema/1-0-0",'
    schema += b'"data":{"schema":"iglu:x/bought/jsonschema/1-0-0","data":'
    packed = msgspec.json.encode((schema + properties + b"}}").decode("latin-1"))
    return b'{"e":"ue","uid":"u1","ue_pr":' + packed + b"}"


def batch(name: bytes, key: bytes, *events: bytes) -> bytes:
    return b'{"' + name + b'":[' + b",".join(events) + b'],"' + key + b'":"' + KEY.encode() + b'"}'


FORMATS: dict[str, tuple[str, bytes, bytes, Wrapped]] = {
    "segment": ("/v1/batch", b"batch", b"writeKey", segments),
    "posthog": ("/batch", b"batch", b"api_key", posthogs),
    "snowplow": (TP2, b"data", b"schema", snowplows),
}
BROKEN = {
    "huge revenue": b'{"revenue":1e999}',
    "huge refund": b'{"revenue":-1e999}',
    "long revenue": b'{"revenue":' + LONG + b"}",
    "huge revenue inside": b'{"revenue":{"a":1e999}}',
    "huge price": b'{"price":1E+0400}',
    "long price": b'{"price":' + LONG + b"}",
    "no number": b'{"price":NaN}',
    "half a character": b'{"name":"\\ud800"}',
    "no UTF-8": b'{"name":"\xff"}',
    "bottomless": b'{"deep":' + DEEP + b"}",
    "no JSON": b'{"a" 1}',
}


def put(door: Door, path: str, body: bytes) -> Any:
    answer = door.request("POST", f"{path}?writeKey={KEY}" if path == TP2 else path, content=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_event_is_quarantined_alone_and_its_neighbours_are_kept(name: str, broken: str) -> None:
    path, events, key, wrap = FORMATS[name]
    door, good = Door(), wrap(b'{"price":1}')
    told = put(door, path, batch(events, key, good, wrap(BROKEN[broken]), good))
    if name == "snowplow" and broken == "no UTF-8":  # in a text in a text it is another character
        assert "quarantined" not in told
    else:
        assert [one["index"] for one in told["quarantined"]] == [1]
        assert len(door.events()) == 2


@pytest.mark.parametrize("path", ["/v1/track", "/batch"])
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_event_that_comes_alone_is_quarantined(path: str, broken: str) -> None:
    wrap, key = (segments, b"writeKey") if path == "/v1/track" else (posthogs, b"api_key")
    body = wrap(BROKEN[broken])[:-1] + b',"' + key + b'":"' + KEY.encode() + b'"}'
    door = Door()
    assert [one["index"] for one in put(door, path, body)["quarantined"]] == [0]
    assert door.events() == []


@pytest.mark.parametrize("name", FORMATS)
def test_several_kinds_of_broken_events_in_a_large_body_lose_nobody(name: str) -> None:
    path, events, key, wrap = FORMATS[name]
    good = wrap(b'{"text":"' + b"x" * 20_000 + b'"}')
    broken = [wrap(BROKEN[one]) for one in ("no number", "bottomless", "long price", "half a character")]
    door = Door()
    told = put(door, path, batch(events, key, *[good] * 60, *broken, *[good] * 60))
    assert [one["index"] for one in told["quarantined"]] == [60, 61, 62, 63]
    assert len(door.events()) == 120


@pytest.mark.parametrize("id_", ["null", "Undefined", " '0' ", "00000000-0000-0000-0000-000000000000"])
def test_an_id_that_is_nobodys_is_refused_at_the_door(id_: str) -> None:
    door, told = Door(), msgspec.json.encode(id_)
    for path, event in (
        ("/v1/batch", b'{"type":"track","event":"x","userId":' + told + b"}"),
        ("/batch", b'{"event":"x","distinct_id":' + told + b"}"),
        (TP2, b'{"e":"pv","uid":' + told + b"}"),
    ):
        _, events, key, _ = next(one for one in FORMATS.values() if one[0] == path)
        found = put(door, path, batch(events, key, event))
        assert [one["code"] for one in found["quarantined"]] == ["illegal_id"]
    assert door.events() == []


def test_an_event_is_measured_whole() -> None:
    door = Door()
    fat = b'{"type":"track","event":"x","userId":"u","integrations":"' + b"x" * 40_000 + b'"}'
    good = segments(b"{}")
    told = put(door, "/v1/batch", batch(b"batch", b"writeKey", good, fat, good))
    assert [(one["index"], one["code"]) for one in told["quarantined"]] == [(1, "event_too_large")]
    assert len(door.events()) == 2


VALUES = st.sampled_from(
    [*BROKEN.values(), b'{"a":1e308}', b'{"a":"1e999"}', b'{"a":0e999}', b'{"\xff":1}', b'{"a": 1.5}']
) | st.binary(max_size=30)
EVENTS = (
    st.builds(
        lambda id_, value: b'{"type":"track","event":"x","userId":' + id_ + b',"properties":' + value + b"}",
        st.sampled_from([b'"u"', b'"null"', b'"\\ud800"', b"1e999", b'" "', b"7", b'"\xc3\xa9"', b'"\xc3"']),
        VALUES,
    )
    | VALUES
)


@settings(deadline=None)
@given(st.lists(EVENTS, max_size=4))
@example([segments(b'{"a":"\xff"}')])
@example([segments(b'{"price":' + b"9" * 250 + b"e99}")])
def test_the_quick_way_and_the_careful_way_agree_on_any_bytes_and_the_drain_with_both(
    events: list[bytes],
) -> None:
    body = batch(b"batch", b"writeKey", *events)
    request = Request(call="batch", received_at=NOW, new_id=lambda: "given")
    try:
        careful = segment.events(segment.opened(body, None), None, received_at=NOW, new_id=lambda: "given")
    except BadBody as error:
        with pytest.raises(BadBody, match=str(error.message[:9])):
            segment.decoded(body, request)
        return
    assert segment.decoded(body, request) == careful
    rows = Rows({}, "EUR")
    rows.add(Intake(source="web", received_at=NOW, events=careful[0]), "j0", 1)
    assert rows.found["quarantine"] == []
