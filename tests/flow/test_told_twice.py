"""What is told twice counts as it was told first, with all that an event brings into other tables."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.flow.site import Site, event
from volano.domain.event import EXPERIMENT_VIEWED, ORDER_COMPLETED, ORDER_REFUNDED, Event
from volano.domain.profile import Profile

Telling = tuple[str, int, tuple[int, ...]]  # the event, which message or order it is, the prices of its lines


def event_of(telling: Telling) -> Event:
    name, number, prices = telling
    order = f"o{number}" if name == ORDER_COMPLETED else "o"
    products = [{"product_id": f"p{price}", "price": price, "quantity": 1} for price in prices]
    said: dict[str, Any] = {"order_id": order, "currency": "USD", "products": products}
    said |= {"experiment_id": f"c{len(prices)}", "variation_id": "b"} if name == EXPERIMENT_VIEWED else {}
    return event(name, user="u", message_id=f"m{number}", properties=said)


def first_of(tellings: list[Telling]) -> list[Telling]:
    """The tellings that count: an order is known by its number, all else by the message."""
    found: dict[Any, Telling] = {}
    for telling in tellings:
        found.setdefault((telling[0] == ORDER_COMPLETED, telling[1]), telling)
    return list(found.values())


TELLING = st.tuples(
    st.sampled_from([ORDER_COMPLETED, ORDER_REFUNDED, EXPERIMENT_VIEWED, "Seen"]),
    st.integers(0, 2),
    st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple),
)
SPLITS = st.lists(st.lists(TELLING, max_size=4), max_size=4)


@given(requests=SPLITS)
@example(requests=[[(ORDER_COMPLETED, 1, (1,)), (ORDER_COMPLETED, 1, (2, 1, 3))]])
@example(requests=[[("Seen", 1, (1,))], [(EXPERIMENT_VIEWED, 1, (1,)), (ORDER_REFUNDED, 1, (1, 2))]])
@settings(max_examples=60, deadline=None)
def test_only_the_first_telling_of_an_event_has_rows_anywhere(requests: list[list[Telling]]) -> None:
    site, plain = Site(), Site()
    for some in requests:
        site.send(*map(event_of, some))
        site.drain()
    for telling in first_of([one for some in requests for one in some]):
        plain.send(event_of(telling))
    plain.drain()
    for name in ("events", "order_lines", "exposures"):
        assert site.rows(name) == plain.rows(name)
    assert [*site.profiles.scan(Profile)] == [*plain.profiles.scan(Profile)]
