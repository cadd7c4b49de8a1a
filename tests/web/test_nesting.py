"""How deep a text nests is found in one pass, whatever it is."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volano.errors import VolanoError
from volano.web.formats import nesting, posthog, segment, snowplow
from volano.web.formats.format import Request
from volano.web.formats.nesting import depth, parts

LONG = 400_000  # quotes; where each were a beginning of its own, this would take for ever
REQUEST = Request(call="batch", received_at=1_795_289_253_000_000, new_id=lambda: "x")


@given(
    st.lists(st.recursive(st.text() | st.integers() | st.just('\\"'), st.lists), max_size=5),
    st.integers(1, 9),
)
def test_the_parts_of_a_list_are_its_entries_wherever_it_is_cut_for_reading(
    told: list[Any], size: int
) -> None:
    whole = nesting.CHUNK
    try:
        nesting.CHUNK = size
        for text in (json.dumps(told), json.dumps(told, ensure_ascii=False)):
            assert [json.loads(part) for part in parts(text.encode(), 9) or []] == told
            assert parts(text.encode()[:-1], 9) is None
            assert parts(text.encode() + b"]", 9) is None
    finally:
        nesting.CHUNK = whole


def test_parts_are_counted_no_further_than_asked() -> None:
    assert parts(b"[" + b"1," * 500_000 + b"1]", 3) == [b"1"] * 4
    assert parts(b" { } ", 3) == []
    assert parts(b'[1, {"a" }, 2]', 3) == [b"1", b' {"a" }', b" 2"]
    assert [parts(text, 3) for text in (b"", b"7", b"[", b"[}", b"[]]", b"[1] [2]", b'["]')] == [None] * 7


def test_a_string_that_never_ends_is_read_once() -> None:
    assert depth(b'["' + b'\\"' * LONG) == 1
    assert depth(b'["a\\') == 1


@pytest.mark.parametrize(
    "form", [segment.FORMAT, posthog.FORMAT, snowplow.FORMAT], ids=lambda form: form.name
)
def test_a_bottomless_body_with_such_a_string_is_refused_at_once(form: object) -> None:
    assert isinstance(form, type(segment.FORMAT))
    body = b'{"batch":' + b"[" * 100_000 + b'"' + b'\\"' * LONG
    for read in (form.write_key, lambda text: form.decoded(text, REQUEST)):
        with pytest.raises(VolanoError):
            read(body)


def test_such_a_string_in_a_field_of_snowplows_is_quarantined() -> None:
    field = '"' + '\\"' * 50_000
    body = msgspec.json.encode({"data": [{"e": "ue", "duid": "d", "ue_pr": field}]})
    kept, (refused,) = snowplow.decoded(body, REQUEST)
    assert (kept, refused.code) == ([], "malformed")
