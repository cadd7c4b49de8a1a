"""PostHog's bodies as events and refusals."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.web.door import KEY, NOW, Door
from volano.domain.event import Event, Refusal
from volano.errors import BadBody, BadInput, TooLarge
from volano.web.formats.format import Request
from volano.web.formats.posthog import FORMAT, decoded, unwrapped, write_key

GOOD: dict[str, Any] = {
    "event": "Product Viewed",
    "distinct_id": "u1",
    "uuid": "m1",
    "properties": {"price": 3},
}
DEVICE = "01a1ffa3-ee17-7345-a453-f8efe0bf35c3"


def taken(body: bytes | str | Any, **request: Any) -> tuple[list[Event], list[Refusal]]:
    """What a body yields at noon."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    told = Request(call="batch", received_at=NOW, new_id=lambda: "given", **request)
    return decoded(raw, told)


def one(
    event: str = "Product Viewed",
    /,
    body: dict[str, Any] | None = None,
    given: dict[str, Any] | None = None,
    **fields: Any,
) -> Event:
    """The event of a batch of one."""
    call = GOOD | {"event": event} | fields | (given or {})
    kept, refused = taken({"batch": [call]} | (body or {}))
    assert not refused
    return kept[0]


def ids(event: str = "x", /, **properties: Any) -> tuple[str, str]:
    """The anonymous id and the user id of an event with these properties."""
    found = one(event, properties=properties)
    return found.anonymous_id, found.user_id


def test_an_event_of_a_known_user_is_a_track() -> None:
    assert one() == Event(
        kind="track",
        event="Product Viewed",
        message_id="m1",
        time=NOW,
        user_id="u1",
        properties=b'{"price":3}',
        context=b"{}",
    )


def test_a_distinct_id_is_anonymous_when_nobody_is_identified() -> None:
    assert ids(**{"$device_id": "u1"}) == ("u1", "")
    assert ids(**{"$is_identified": False}) == ("u1", "")
    assert ids(**{"$is_identified": True, "$device_id": DEVICE}) == (DEVICE, "u1")
    assert ids() == ("", "u1")


def test_an_identify_joins_the_device_and_sets_traits() -> None:
    found = one(
        "$identify",
        properties={"$anon_distinct_id": "a1", "$device_id": DEVICE, "$os": "Linux"},
        given={
            "$set": {"email": "a@b.example", "plan": "gold", "$referrer": "x", "utm_source": None},
            "$set_once": {"plan": "free", "first": 1, "$initial_referrer": "$direct", "gclid": None},
        },
    )
    assert (found.kind, found.event, found.anonymous_id, found.user_id) == (
        "identify",
        "Identified",
        "a1",
        "u1",
    )
    assert json.loads(found.properties) == {"email": "a@b.example", "plan": "gold", "first": 1}


def test_traits_may_be_told_in_the_properties_too() -> None:
    found = one("$set", properties={"$set": {"email": "a@b.example"}})
    assert (found.kind, json.loads(found.properties)) == ("identify", {"email": "a@b.example"})


@pytest.mark.parametrize("event", ["$create_alias", "$merge_dangerously"])
def test_an_alias_joins_the_earlier_id_to_the_one_that_stays(event: str) -> None:
    found = one(event, properties={"alias": "a1", "distinct_id": "u1"})
    assert (found.kind, found.event, found.anonymous_id, found.user_id) == ("alias", "Aliased", "a1", "u1")


def test_the_python_client_tells_an_alias_the_other_way_round() -> None:
    call = GOOD | {"event": "$create_alias", "distinct_id": "a1", "properties": {"alias": "u1"}}
    (by_agent,), _ = taken({"batch": [call]}, agent="posthog-python/7.91.1")
    call["properties"] = {"alias": "u1", "$lib": "posthog-python"}
    (by_library,), _ = taken({"batch": [call]})
    for found in (by_agent, by_library):
        assert (found.anonymous_id, found.user_id) == ("a1", "u1")


def test_a_group_has_its_key_and_traits_and_a_made_up_id_is_nobody() -> None:
    told = {"$group_type": "company", "$group_key": "acme", "$group_set": {"name": "Acme"}}
    found = one("$groupidentify", properties=told)
    assert (found.kind, found.event, found.user_id) == ("group", "Grouped", "u1")
    assert json.loads(found.properties) == {"group_id": "acme", "group_type": "company", "name": "Acme"}
    made_up = one("$groupidentify", properties=told, distinct_id=DEVICE)
    assert (made_up.anonymous_id, made_up.user_id) == (DEVICE, "")


def test_a_page_view_has_segments_context() -> None:
    found = one(
        "$pageview",
        properties={
            "$current_url": "https://shop.example/p/41?utm_source=mail",
            "$pathname": "/p/41",
            "$referrer": "$direct",
            "title": "Shoes",
            "$raw_user_agent": "Mozilla/5.0",
            "$lib": "web",
            "$lib_version": "1.449.2",
            "utm_source": "mail",
            "utm_medium": None,
            "utm_campaign": "spring",
            "$device_type": "Mobile",
            "$os": "Android",
            "$os_version": "15",
            "$screen_width": 412,
            "$timezone": "Europe/London",
            "$browser_language": "en-GB",
            "$window_id": "w",
            "$sdk_debug_retry_queue_size": 0,
            "gclid": "g1",
            "fbclid": None,
            "token": "phc",
            "distinct_id": "u1",
            "colour": "red",
        },
    )
    assert (found.kind, found.event) == ("page", "Page Viewed")
    assert json.loads(found.properties) == {"title": "Shoes", "colour": "red"}
    assert json.loads(found.context) == {
        "page": {
            "url": "https://shop.example/p/41?utm_source=mail",
            "path": "/p/41",
            "title": "Shoes",
            "search": "?utm_source=mail",
        },
        "userAgent": "Mozilla/5.0",
        "library": {"name": "web", "version": "1.449.2"},
        "campaign": {"source": "mail", "name": "spring"},
        "device": {"type": "Mobile"},
        "os": {"name": "Android", "version": "15"},
        "screen": {"width": 412},
        "timezone": "Europe/London",
        "locale": "en-GB",
        "posthog": {"$window_id": "w", "gclid": "g1"},
    }


def test_a_screen_has_its_name_and_a_server_its_channel() -> None:
    found = one("$screen", properties={"$screen_name": "Basket", "$is_server": True, "$os": "Linux"})
    assert (found.kind, found.event, json.loads(found.properties)) == (
        "screen",
        "Screen Viewed",
        {"name": "Basket"},
    )
    context = json.loads(found.context)
    assert context["channel"] == "server"
    assert "os" not in context


def test_the_system_of_a_server_is_not_the_persons() -> None:
    found = one("Order Completed", properties={"$os": "Linux", "$os_version": "12", "$is_server": True})
    assert "os" not in json.loads(found.context)


def test_events_of_posthogs_own_keep_their_names() -> None:
    assert (one("$pageleave").kind, one("$autocapture").event) == ("track", "$autocapture")


def test_the_id_is_the_uuid_or_the_insert_id_or_given() -> None:
    assert one(properties={"$insert_id": "i1"}).message_id == "m1"
    assert one(uuid=None, properties={"$insert_id": "i1"}).message_id == "i1"
    assert one(uuid=None).message_id == "given"


@pytest.mark.parametrize(
    ("fields", "body", "time"),
    [
        ({"timestamp": "2026-11-21T19:00:00Z"}, {}, 1_795_287_600_000_000),
        ({"timestamp": "2020-01-01T00:00:00Z"}, {"sent_at": "2020-01-01T00:00:10Z"}, NOW - 10_000_000),
        ({"timestamp": "2020-01-01T00:00:00Z"}, {"created_at": "2020-01-01T00:00:10Z"}, NOW - 10_000_000),
        ({"timestamp": "2020-01-01T00:00:00Z"}, {"sent_at": 1_577_836_810_000}, NOW - 10_000_000),
        ({"offset": 5000}, {}, NOW - 5_000_000),
        ({"properties": {"$time": 1_795_287_600.5}}, {}, 1_795_287_600_500_000),
        (
            {"timestamp": "2019-01-01T00:00:00Z"},
            {"sent_at": "2026-01-01T00:00:00Z", "historical_migration": True},
            1_546_300_800_000_000,
        ),
    ],
)
def test_the_time_is_corrected_unless_it_is_history(
    fields: dict[str, Any], body: dict[str, Any], time: int
) -> None:
    assert one(body=body, **fields).time == time


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"event": ""}, "no_event_name"),
        ({"distinct_id": None}, "no_id"),
        ({"distinct_id": "$posthog_cookieless"}, "no_id"),
        ({"distinct_id": ["u"]}, "bad_id"),
        ({"properties": []}, "not_an_object"),
        ({"timestamp": "yesterday"}, "bad_timestamp"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "too_old"),
        ({"timestamp": "2100-01-01T00:00:00Z"}, "in_the_future"),
        ({"event": "$create_alias"}, "no_id"),
        ({"properties": {"revenue": "a lot"}}, "bad_revenue"),
        ({"properties": {"text": "x" * 1_048_576}}, "event_too_large"),
        ({"properties": {"n": float("nan")}}, "malformed"),
        ({"properties": {"n": "\ud800"}}, "malformed"),
    ],
)
def test_a_bad_event_is_quarantined_alone(fields: dict[str, Any], code: str) -> None:
    kept, refused = taken({"batch": [GOOD, GOOD | fields, GOOD]})
    assert (len(kept), [(found.index, found.code) for found in refused]) == (2, [(1, code)])


def test_10000_property_names_and_large_numbers_are_kept_as_they_came() -> None:
    properties = {f"p{number}": number for number in range(10_000)} | {"huge": 2**70, "deep": [[[]]]}
    assert json.loads(one(properties=properties).properties) == properties


def test_a_body_may_be_a_batch_a_list_or_one_event() -> None:
    for body in ({"batch": [GOOD]}, {"data": [GOOD]}, [GOOD], GOOD | {"api_key": "k"}):
        assert [event.message_id for event in taken(body)[0]] == ["m1"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed"),
        (b"{}", "batch_not_a_list"),
        (b"7", "not_an_object"),
        (b"\xff", "not_utf8"),
        (b'{"batch": 3}', "batch_not_a_list"),
        (b'{"batch": [' + b"1," * 10_000 + b"1]}", "too_many_events"),
    ],
)
def test_a_broken_envelope_is_refused_whole(body: bytes, code: str) -> None:
    with pytest.raises(BadBody) as caught:
        taken(body)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "body",
    [
        {"api_key": "k", "batch": [GOOD]},
        {"token": "k", "batch": []},
        [GOOD | {"api_key": "k"}],
        [GOOD | {"properties": {"token": "k"}}],
        GOOD | {"properties": {"token": "k"}},
    ],
)
def test_the_key_is_in_the_body_or_in_its_first_event(body: Any) -> None:
    assert write_key(json.dumps(body).encode()) == "k"
    assert write_key(json.dumps([GOOD]).encode()) == ""


def test_bodies_may_be_forms_base64_or_pixels() -> None:
    text = json.dumps({"batch": [GOOD], "é": "é?>"}).encode()
    coded = base64.b64encode(text)
    assert unwrapped(text, "") == text
    assert unwrapped(b"data=" + quote(coded).encode() + b"&compression=base64", "") == text
    assert unwrapped(b"data=" + quote(json.dumps(GOOD)).encode(), "") == json.dumps(GOOD).encode()
    assert unwrapped(b"compression=base64&ip=1&data=" + quote(coded).encode() + b"&v=1", "") == text
    assert unwrapped(b"a=&" * 9 + b"data=" + quote(coded).encode(), "") == text
    assert unwrapped(coded, "compression=base64") == text
    assert unwrapped(b"", f"data={quote(coded)}") == text
    euro = json.dumps(GOOD | {"event": "€é"}, ensure_ascii=False)
    assert unwrapped(b"data=" + quote(euro).encode(), "") == euro.encode()
    assert unwrapped(b"data=" + euro.encode(), "") == euro.encode()
    assert unwrapped(b"", f"data={quote(euro)}") == euro.encode()
    packed = base64.b64encode(gzip.compress(text))
    assert unwrapped(packed, "") == text
    with pytest.raises(BadBody):
        unwrapped(b"%%%", "compression=base64")
    for broken in (gzip.compress(text)[:-9], gzip.compress(text) * 2):
        with pytest.raises(BadBody):
            unwrapped(base64.b64encode(broken), "")
    with pytest.raises(TooLarge):
        unwrapped(base64.b64encode(gzip.compress(bytes(20_000_000))), "")
    with pytest.raises(TooLarge):
        unwrapped(b"data=" + b"%41" * 1_000_001, "")


@pytest.mark.parametrize("path", sorted(FORMAT.calls))
def test_every_path_takes_a_gzipped_batch_with_the_key_in_it(path: str) -> None:
    door = Door()
    body = gzip.compress(json.dumps({"api_key": KEY, "batch": [GOOD]}).encode())
    answer = door.request("POST", f"{path}/?compression=gzip-js&ver=1", content=body)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert door.events()[0].event == "Product Viewed"


def test_the_key_may_come_as_a_bearer_token_and_an_event_as_a_pixel() -> None:
    door = Door()
    body = json.dumps({"batch": [GOOD]}).encode()
    bearer = {"Authorization": f"Bearer {KEY}"}
    assert door.request("POST", "/i/v1/analytics/events", content=body, headers=bearer).status_code == 200
    other = GOOD | {"api_key": KEY, "uuid": "m2"}
    coded = base64.b64encode(json.dumps(other).encode()).decode()
    answer = door.request("GET", "/e/", params={"data": coded})
    assert (answer.status_code, answer.headers["content-type"], answer.content[:3]) == (
        200,
        "image/gif",
        b"GIF",
    )
    assert len(door.events()) == 2


def test_flags_and_configuration_need_a_known_key() -> None:
    door = Door()
    for path in ("/flags/?v=2", "/decide/?v=3"):
        answer = door.request("POST", path, json={"token": KEY, "distinct_id": "u"})
        assert (answer.status_code, answer.json()["featureFlags"]) == (200, {})
        assert door.request("POST", path, json={"token": "no"}).status_code == 401
        for odd in (b"NaN", b'"\\ud800"', b'"\xff"', b"1e999", b"[" * 3000 + b"]" * 3000):
            body = b'{"odd":' + odd + b',"token":"' + KEY.encode() + b'"}'
            assert door.request("POST", path, content=body).status_code == 200
        assert door.request("POST", path, content=b"[").status_code == 401
        assert door.request("GET", path).status_code == 405
    found = door.request("GET", f"/array/{KEY}/config").json()
    assert (found["token"], found["sessionRecording"], found["surveys"]) == (KEY, False, False)
    assert door.request("GET", "/array/no/config.js").status_code == 404


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just("$pageview")
NAMES = st.sampled_from(
    [
        "batch",
        "event",
        "properties",
        "distinct_id",
        "$set",
        "timestamp",
        "offset",
        "$time",
        "$device_id",
        "alias",
    ]
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5)
)


@settings(deadline=None)
@given(st.binary(max_size=200) | TREES.map(lambda tree: json.dumps(tree).encode()))
@example(
    b'{"batch":[{"event":"x","distinct_id":1e999,"properties":{"revenue":1e999,"$time":1e999}}],"sent_at":1e999}'
)
@example(b'{"batch":' + b"[" * 3000 + b"]" * 3000 + b"}")
def test_no_bytes_raise_anything_but_bad_input(body: bytes) -> None:
    for form, query in ((b"data=" + body, ""), (b"", f"data={quote(body)}"), (body, "")):
        try:
            unwrapped(form, query)
        except BadInput:
            continue
    try:
        write_key(unwrapped(body, "compression=base64"))
        kept, refused = taken(body)
    except BadInput:
        return
    assert all(isinstance(event, Event) for event in kept)
    assert all(found.code and found.message for found in refused)
