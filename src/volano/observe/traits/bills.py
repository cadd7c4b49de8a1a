"""What each order still brings, so that an order which is undone as a whole takes just that.

A cancellation, or a refund that names an order and neither an amount nor products, is of all that the order
brought; how much that is, rows that come before or after it tell. So the profile keeps by order what its
rows bring together, and which orders are undone: both add up in any order of coming. Of a person with more
than ORDERS orders those with the smallest hashes are kept, which are the same in any order, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from volano.domain.event import ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED, ORDER_UPDATED
from volano.domain.profile import Profile
from volano.maths.columns import Ints, changes, wrapped
from volano.observe.identity import order_row
from volano.observe.traits.history import History, coded
from volano.observe.traits.trait import Columns, Trait

ORDERS = 512
MONEYED = (ORDER_COMPLETED, ORDER_UPDATED, ORDER_REFUNDED, ORDER_CANCELLED)  # events that are about money

Bills = dict[int, int]


def tally(history: History) -> Columns:
    """What orders with an id bring in the shop's currency, and which are undone."""
    named = history.texts("order_id").codes >= 0
    paid = np.flatnonzero(
        history.among(ORDER_COMPLETED, ORDER_UPDATED, ORDER_REFUNDED) & named & ~history.foreign
    )
    undone = np.flatnonzero(history.among(ORDER_CANCELLED) & named | _whole(history) & named)
    columns: dict[str, Any] = {}
    if len(paid):
        order = _orders(history, paid)
        turn = np.lexsort((order, history.owner[paid]))
        owner, order, money = history.owner[paid][turn], order[turn], history.money[paid][turn]
        heads = np.flatnonzero(changes(owner, order))
        columns["bills"] = _bills(len(history), owner[heads], order[heads], np.add.reduceat(money, heads))
    if len(undone):
        columns["undone"] = _undone(len(history), history.owner[undone], _orders(history, undone))
    return columns


def _whole(history: History) -> Any:
    """Refunds that name neither an amount nor a product."""
    told = history.numbers("revenue", null=_NONE) != _NONE
    return history.among(ORDER_REFUNDED) & ~told & (history.texts("product").codes < 0)


_NONE = np.iinfo(np.int64).min


def _orders(history: History, rows: Ints) -> Ints:
    """The hash of the order of each row."""
    column = history.texts("order_id")
    known, which = coded(column.codes[rows].astype(np.int64))
    hashes = np.array([order_row(name) for name in column.values.take(known).to_pylist()], np.int64)
    return hashes[which]


def _bills(people: int, owner: Ints, order: Ints, money: Ints) -> list[Bills]:
    found: list[Bills] = [_NOTHING] * people
    for person, one, brought in zip(owner.tolist(), order.tolist(), money.tolist(), strict=True):
        if found[person] is _NOTHING:
            found[person] = {}
        found[person][one] = brought
    return [_bounded(bills) for bills in found]


_NOTHING: Bills = {}


def _undone(people: int, owner: Ints, order: Ints) -> list[list[int]]:
    found: list[set[int]] = [set() for _ in range(people)]
    for person, one in zip(owner.tolist(), order.tolist(), strict=True):
        found[person].add(one)
    return [sorted(some)[:ORDERS] for some in found]


def _bounded(bills: Bills) -> Bills:
    return bills if len(bills) <= ORDERS else {order: bills[order] for order in sorted(bills)[:ORDERS]}


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """The sum by order, and what is undone by either."""
    bills = one.bills or other.bills
    if one.bills and other.bills:
        bills = dict(one.bills)
        for order, brought in other.bills.items():
            bills[order] = wrapped(bills.get(order, 0) + brought)
        bills = _bounded(bills)
    undone = one.undone or other.undone
    if one.undone and other.undone:
        undone = sorted({*one.undone, *other.undone})[:ORDERS]
    return {"bills": bills, "undone": undone}


def given_back(profile: Profile) -> int:
    """What the orders that are undone as a whole brought (minor units of the shop's currency)."""
    return sum(max(profile.bills.get(order, 0), 0) for order in profile.undone)


BILLS = Trait(
    name="bills",
    columns=("event", "order_id", "revenue", "currency", "product"),
    tally=tally,
    joined=joined,
)
