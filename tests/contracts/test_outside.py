"""Whoever posts to servers of others keeps these promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.receiver import receiving
from volano.adapters.outside_http import HttpOutside
from volano.errors import BadInput, Unreachable
from volano.ports import Outside
from volano.testing.outside_memory import MemoryOutside

Got = Callable[[], list[tuple[str, bytes]]]  # the header `x-told` and the body of each request


@pytest.fixture(params=["http", "memory"])
def there(request: pytest.FixtureRequest) -> Iterator[tuple[Outside, str, Got]]:
    """A way out, an address that answers 500 and then 204, and what came to it."""
    if request.param == "memory":
        statuses = [500]
        memory = MemoryOutside(lambda _: statuses.pop() if statuses else 204)
        yield memory, "https://a.test/", lambda: [(one.headers["x-told"], one.body) for one in memory.got]
        return
    with receiving(500) as receiver:
        got = receiver.got
        yield (
            HttpOutside("127.0.0.1"),
            receiver.url,
            lambda: [(one.headers["x-told"], one.body) for one in got],
        )


def test_what_is_posted_arrives_and_the_answer_comes_back(there: tuple[Outside, str, Got]) -> None:
    outside, url, got = there
    answers = [outside.post(url, {"X-Told": "yes"}, body) for body in (b"one", b"two")]
    assert [(one.status, one.ok) for one in answers] == [(500, False), (204, True)]
    assert got() == [("yes", b"one"), ("yes", b"two")]


@pytest.mark.parametrize("outside", [HttpOutside(), MemoryOutside(lambda _: 0)], ids=["http", "memory"])
def test_who_does_not_answer_is_unreachable_and_bad_addresses_are_refused(outside: Outside) -> None:
    with pytest.raises(Unreachable):
        outside.post("https://nobody.invalid./", {}, b"")
    assert outside.check(" https://crm.example/a ") == "https://crm.example/a"
    with pytest.raises(BadInput, match="https://"):
        outside.check("http://crm.example/")
