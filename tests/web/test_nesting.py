"""How deep a text nests is found in one pass, whatever it is."""

from __future__ import annotations

import msgspec
import pytest

from volano.errors import VolanoError
from volano.web.formats import posthog, segment, snowplow
from volano.web.formats.format import Request
from volano.web.formats.nesting import depth, pruned

LONG = 400_000  # quotes; where each were a beginning of its own, this would take for ever
REQUEST = Request(call="batch", received_at=1_795_289_253_000_000, new_id=lambda: "x")


def test_a_string_that_never_ends_is_read_once() -> None:
    assert depth(b'["' + b'\\"' * LONG) == 1
    assert pruned('["' + '\\"' * LONG, 5) == '["' + '\\"' * LONG
    assert depth(b'["a\\') == 1
    assert pruned('[[["a\\', 1) == "[0"


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
