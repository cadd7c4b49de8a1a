"""People are found by the e-mail address that an identify call told."""

from __future__ import annotations

import pyarrow as pa

from volano.domain.event import IDENTIFIED
from volano.domain.identity import Address
from volano.observe.addresses import ADDRESSED, addresses
from volano.observe.identity import address_key

ANN = address_key("ann@shop.example")


def rows(*told: tuple[str, int, str]) -> pa.Table:
    return pa.table(
        {
            "event": [event for event, _, _ in told],
            "identity": pa.array([identity for _, identity, _ in told], pa.int64()),
            "properties": [properties for _, _, properties in told],
        }
    )


def test_an_address_is_kept_with_whoever_told_it() -> None:
    found = addresses(
        rows(
            (IDENTIFIED, 2, '{"email":"Ann@Shop.example"}'),
            (IDENTIFIED, 1, '{"plan":"gold","email":" ann@shop.example "}'),
            ("Newsletter", 3, '{"email":"ann@shop.example"}'),
            (IDENTIFIED, 4, '{"email":7}'),
            (IDENTIFIED, 5, '{"email":"no address"}'),
            (IDENTIFIED, 6, '{"email'),
        ),
        lambda _: None,
    )
    assert found == {ANN: Address(key=ANN, identities=(1, 2))}


def test_what_is_known_already_changes_nothing() -> None:
    known = Address(key=ANN, identities=(1,))
    told = rows((IDENTIFIED, 1, '{"email":"ann@shop.example"}'))
    assert addresses(told, {ANN: known}.get) == {}
    assert addresses(rows(), {ANN: known}.get) == {}


def test_an_address_that_everybody_tells_is_bounded_in_any_order() -> None:
    told = [(IDENTIFIED, one, '{"email":"ann@shop.example"}') for one in range(3 * ADDRESSED)]
    first = addresses(rows(*told[::-2]), lambda _: None)
    assert addresses(rows(*told), first.get)[ANN].identities == tuple(range(ADDRESSED))
