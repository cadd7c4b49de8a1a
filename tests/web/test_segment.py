"""Segment-shaped bodies as events and refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from volano.domain.event import Event, Kind, Refusal
from volano.errors import BadBody, BadInput
from volano.web.formats.format import Request
from volano.web.formats.segment import decoded, events, opened, write_key

NOW = 1_795_289_253_000_000  # 2026-11-21T19:27:33Z
GOOD: dict[str, Any] = {"type": "track", "event": "Product Viewed", "userId": "u1", "messageId": "m1"}


def taken(body: bytes | str, kind: Kind | None = None) -> tuple[list[Event], list[Refusal]]:
    """What a body yields at noon."""
    raw = body if isinstance(body, bytes) else body.encode()
    return events(opened(raw, kind), kind, received_at=NOW, new_id=lambda: "given")


def one(**fields: Any) -> Event:
    """The event of a batch of one good call with some fields changed."""
    kept, refused = taken(json.dumps({"batch": [GOOD | fields]}))
    assert not refused
    return kept[0]


def refusal(**fields: Any) -> Refusal:
    """The refusal of a bad call between two good ones, which are kept."""
    kept, refused = taken(json.dumps({"batch": [GOOD, GOOD | fields, GOOD]}))
    assert len(kept) == 2
    assert refused[0].index == 1
    return refused[0]


def test_a_track_call_becomes_an_event() -> None:
    event = one(properties={"price": 3}, context={"ip": "::1"}, anonymousId="a1", timestamp=None)
    assert event == Event(
        kind="track",
        event="Product Viewed",
        message_id="m1",
        time=NOW,
        anonymous_id="a1",
        user_id="u1",
        properties=b'{"price": 3}',
        context=b'{"ip": "::1"}',
    )


@pytest.mark.parametrize(("given_id", "text"), [("x", "x"), (42, "42"), (42.0, "42"), (4.5, "4.5")])
def test_a_user_id_may_be_a_string_or_a_number(given_id: object, text: str) -> None:
    assert one(userId=given_id).user_id == text


def test_a_user_id_may_be_null_when_an_anonymous_id_is_there() -> None:
    assert one(userId=None, anonymousId="a").anonymous_id == "a"


def test_an_event_without_message_id_gets_one() -> None:
    assert one(messageId=None).message_id == "given"


def test_each_kind_of_call_has_its_event_name_and_properties() -> None:
    page = one(type="page", name="Install", category="Docs", properties={"url": "https://shop.example/"})
    assert (page.event, json.loads(page.properties)) == (
        "Page Viewed",
        {"name": "Install", "category": "Docs", "url": "https://shop.example/"},
    )
    assert one(type="screen").event == "Screen Viewed"
    assert one(type="identify", traits={"plan": "gold"}).properties == b'{"plan": "gold"}'
    assert one(type="identify", context={"traits": {"plan": "gold"}}).properties == b'{"plan": "gold"}'
    group = one(type="group", groupId="acme", traits={"name": "Acme"})
    assert json.loads(group.properties) == {"group_id": "acme", "name": "Acme"}
    alias = one(type="alias", previousId="a0")
    assert (alias.anonymous_id, alias.user_id) == ("a0", "u1")


def test_an_endpoint_of_one_call_takes_the_body_itself() -> None:
    kept, refused = taken('{"userId": 7, "event": "Product Added"}', "track")
    assert (kept[0].event, kept[0].user_id, refused) == ("Product Added", "7", [])
    assert taken("{}", "track")[1][0].code == "no_id"


@pytest.mark.parametrize(
    ("fields", "time"),
    [
        ({}, NOW),
        ({"timestamp": "2026-11-21T19:00:00Z"}, 1_795_287_600_000_000),
        ({"timestamp": "2026-11-21T19:00:00"}, 1_795_287_600_000_000),
        ({"timestamp": "2026-11-21T20:00:00+01:00"}, 1_795_287_600_000_000),
        ({"timestamp": "2026-11-21T19:00:00.123456789Z"}, 1_795_287_600_123_457),
        ({"timestamp": "2020-01-01T00:00:00Z", "sentAt": "2020-01-01T00:00:10Z"}, NOW - 10_000_000),
        ({"originalTimestamp": "2020-01-01T00:00:05Z", "sentAt": "2020-01-01T00:00:10Z"}, NOW - 5_000_000),
        ({"timestamp": "1980-01-01T00:00:00Z", "sentAt": "1980-01-01T00:00:10Z"}, NOW - 10_000_000),
        ({"timestamp": "2026-11-21T19:00:00Z", "sentAt": "soon"}, 1_795_287_600_000_000),
        ({"timestamp": "2026-11-21T19:00:00Z", "sentAt": "0001-01-01T00:00:00Z"}, 1_795_287_600_000_000),
        ({"timestamp": "2026-11-21T19:00:00Z", "sentAt": "1970-01-01T00:00:00Z"}, 1_795_287_600_000_000),
        ({"timestamp": "2026-11-21T19:00:00Z", "sentAt": "2999-01-01T00:00:00Z"}, 1_795_287_600_000_000),
        ({"originalTimestamp": "soon", "timestamp": "2026-11-21T19:00:00Z"}, 1_795_287_600_000_000),
    ],
)
def test_the_time_is_corrected_by_the_skew_of_the_clients_clock(fields: dict[str, Any], time: int) -> None:
    assert one(**fields).time == time


def test_the_batch_may_say_when_it_was_sent() -> None:
    batch = {"batch": [GOOD | {"timestamp": "2020-01-01T00:00:00Z"}], "sentAt": "2020-01-01T00:00:03Z"}
    assert taken(json.dumps(batch))[0][0].time == NOW - 3_000_000


def nested(levels: int) -> Any:
    """That many lists in each other."""
    inner: Any = 1
    for _ in range(levels):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"type": "trak"}, "unknown_type"),
        ({"type": None}, "unknown_type"),
        ({"userId": None}, "no_id"),
        ({"userId": " "}, "no_id"),
        ({"userId": True}, "bad_id"),
        ({"userId": ["u"]}, "bad_id"),
        ({"event": ""}, "no_event_name"),
        ({"event": 5}, "no_event_name"),
        ({"event": "x" * 513}, "too_long"),
        ({"userId": "x" * 513}, "too_long"),
        ({"properties": []}, "not_an_object"),
        ({"context": "x"}, "not_an_object"),
        ({"type": "identify", "traits": 1}, "not_an_object"),
        ({"type": "alias"}, "no_id"),
        ({"properties": {"text": "x" * 40_000}}, "event_too_large"),
        ({"properties": {"deep": nested(250)}}, "too_deep"),
        ({"timestamp": "yesterday"}, "bad_timestamp"),
        ({"timestamp": 1795289253}, "bad_timestamp"),
        ({"timestamp": "soon", "originalTimestamp": 5}, "bad_timestamp"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "too_old"),
        ({"timestamp": "2100-01-01T00:00:00Z"}, "in_the_future"),
        ({"timestamp": "0001-01-01T00:00:00+23:00"}, "too_old"),
        ({"properties": {"revenue": "a lot"}}, "bad_revenue"),
        ({"properties": {"revenue": True}}, "bad_revenue"),
        ({"properties": {"revenue": {"amount": 1}}}, "bad_revenue"),
        ({"properties": {"revenue": float("nan")}}, "malformed"),
        ({"properties": {"revenue": float("inf")}}, "malformed"),
        ({"properties": {"name": "\ud800 and more text"}}, "malformed"),
        ({"userId": "\ud800"}, "malformed"),
    ],
)
def test_a_bad_event_is_quarantined_alone(fields: dict[str, Any], code: str) -> None:
    found = refusal(**fields)
    assert found.code == code
    assert ": " in found.message
    assert len(found.sample) <= 200


@pytest.mark.parametrize("item", ["1", "null", '"x"', "[]", "NaN", '"\\ud800"', "[" * 9000 + "]" * 9000])
def test_what_is_no_event_does_not_lose_its_neighbours(item: str) -> None:
    good = json.dumps(GOOD)
    kept, refused = taken(f'{{"batch": [{good}, {item}, {good}]}}')
    assert (len(kept), [found.index for found in refused]) == (2, [1])


def test_numerals_are_a_revenue() -> None:
    assert one(properties={"revenue": "39.90"}).properties == b'{"revenue": "39.90"}'


def test_the_last_of_two_equal_keys_counts() -> None:
    kept, _ = taken('{"batch": [{"type": "track", "event": "a", "event": "b", "userId": 1, "userId": 2}]}')
    assert (kept[0].event, kept[0].user_id) == ("b", "2")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed"),
        (b"{", "malformed"),
        (b"{}}", "malformed"),
        (b"\xff\xfe{}", "not_utf8"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b"{}", "batch_not_a_list"),
        (b'{"batch": {}}', "batch_not_a_list"),
        (b'{"batch": null}', "batch_not_a_list"),
        (b'{"batch": [' + b"1," * 2500 + b"1]}", "too_many_events"),
        (b"[" * 100_000, "malformed"),
        (b'{"batch": [NaN' + b", 1" * 2500 + b"]}", "too_many_events"),
        (b'{"batch": [NaN' + b", []" * 270_000 + b"]}", "too_many_events"),
        (b'{"batch": [NaN], "sentAt"}', "malformed"),
        (b'{"batch": [NaN], "text": "' + b'\\"' * 9000 + b"}", "malformed"),
    ],
)
def test_a_broken_envelope_is_refused_whole(body: bytes, code: str) -> None:
    with pytest.raises(BadBody) as caught:
        taken(body)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"writeKey": "wk", "batch": [1]}', "wk"),
        ('{"batch": [NaN, {"writeKey": "inner"}], "writeKey": "wk"}', "wk"),
        ('\ufeff{"writeKey": "wk"}', "wk"),
        ('{"batch": []}', ""),
        ('{"writeKey": 7}', ""),
        ('{"writeKey": 7, "batch": [NaN]}', ""),
        ('{"batch": [NaN' + ", []" * 270_000 + '], "writeKey": "wk"}', "wk"),
        ('{"batch": ' + "[" * 9000 + "]" * 9000 + ', "writeKey": "wk"}', "wk"),
    ],
)
def test_the_write_key_is_found_before_the_events_are_looked_at(body: str, key: str) -> None:
    assert write_key(body.encode()) == key


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[]", "not_an_object"),
        (b"\xff", "not_utf8"),
        (b"{", "malformed"),
        (b'{"writeKey": "wk", "batch": [NaN}', "malformed"),
    ],
)
def test_a_body_in_which_the_write_key_cannot_be_looked_for_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(BadBody) as caught:
        write_key(body)
    assert caught.value.code == code


def test_brackets_side_by_side_or_in_texts_are_not_deep() -> None:
    sent = {"flat": [{}] * 700, "text": '\\"' + "[" * 700, "é": nested(150)}
    assert json.loads(one(properties=sent).properties) == sent


KEYS = ["batch", "type", "event", "userId", "anonymousId", "previousId", "timestamp", "sentAt", "properties"]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(alphabet=st.characters(), max_size=20)
    | st.sampled_from(["track", "page", "alias", "2026-11-21T19:00:00Z", "9999-12-31T23:59:59-23:59"])
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*KEYS, "revenue"]), inner),
)
KINDS = st.sampled_from([None, "track", "page", "identify", "alias", "group"])


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), KINDS)
@example(b'{"batch": [{"userId": 1e999}]}', None)
@example(b'{"writeKey": 1e999, "sentAt": "\\ud800", "batch": []}', None)
def test_no_bytes_raise_anything_but_bad_input(body: bytes, kind: Kind | None) -> None:
    try:
        kept, refused = taken(body, kind)
    except BadInput:
        return
    assert all(isinstance(event, Event) for event in kept)
    assert all(found.code and found.message for found in refused)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.dictionaries(st.sampled_from(KEYS), TREES) | TREES, max_size=5))
def test_every_event_of_a_batch_is_kept_or_refused(items: list[Any]) -> None:
    kept, refused = taken(json.dumps({"batch": [GOOD, *items, GOOD]}))
    assert len(kept) + len(refused) == len(items) + 2
    assert {0, len(items) + 1}.isdisjoint(found.index for found in refused)
    for event in kept:
        assert event.user_id or event.anonymous_id
        assert isinstance(json.loads(event.properties), dict)


USUAL = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "page", "screen", "identify", "group", "alias", "trak"])},
    optional={
        "event": st.sampled_from(["Product Viewed", "", " ", "x" * 513, None]),
        "userId": st.sampled_from(["u", "", " ", None, 7, "x" * 513]),
        "anonymousId": st.sampled_from(["a", "a2", "", None]),
        "previousId": st.sampled_from(["p", "", " ", None]),
        "groupId": st.sampled_from(["g", 3, None]),
        "messageId": st.sampled_from(["m", "", " ", None]),
        "name": st.sampled_from(["n", None, 4]),
        "timestamp": st.sampled_from(
            [
                "2026-11-21T19:00:00.123Z",
                "2026-11-21 19:00:00+01:00",
                "2026-11-21T19:00:00",
                "no",
                "1999-01-01T00:00:00Z",
            ]
        ),
        "originalTimestamp": st.sampled_from(["2026-11-21T18:00:00.5Z", "2100-01-01T00:00:00Z"]),
        "sentAt": st.sampled_from(["2026-11-21T19:00:01Z", "0001-01-01T00:00:00Z", "soon"]),
        "properties": st.sampled_from(
            [{}, None, [], {"revenue": "x"}, {"revenue": 3}, {"a": nested(201)}, {"ip": 1}]
        ),
        "traits": st.sampled_from([{}, {"plan": "gold"}, 3, {"a": nested(201)}]),
        "integrations": st.sampled_from([{"All": True}, {"a": nested(300)}, {"a": "x" * 33_000}]),
        "context": st.sampled_from(
            [{}, {"traits": {"plan": "free"}}, "x", {"text": "y" * 33_000}, {"ip": "::1", "a": 1}]
        ),
    },
)


@settings(deadline=None)
@given(st.lists(USUAL, max_size=4), st.sampled_from([None, "2026-11-21T19:00:03Z", "x"]), st.booleans())
def test_the_quick_way_and_the_careful_way_give_the_same_events(
    calls: list[Any], sent: str | None, historical: bool
) -> None:
    body = json.dumps({"batch": calls, "sentAt": sent}).encode()
    asked = Request(call="import" if historical else "batch", received_at=NOW, new_id=lambda: "given")
    quick, refused = decoded(body, asked)
    careful, refused_too = events(
        opened(body, None, historical=historical), None, received_at=NOW, new_id=lambda: "given"
    )
    assert refused == refused_too
    assert len(quick) == len(careful)
    for one, other in zip(quick, careful, strict=True):
        there = json.loads(other.context)
        there.pop("ip", None)
        assert json.loads(one.context) == there
        assert replace(one, context=b"") == replace(other, context=b"")
