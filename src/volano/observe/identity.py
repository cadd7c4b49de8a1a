"""The names of rows and people: which texts are hashed, so that every way in makes the same ids."""

from __future__ import annotations

from volano.maths.hashing import hash63


def known_as(user_id: str, anonymous_id: str) -> str:
    """The identity under which a row arrives; a user id counts before an anonymous one.

    >>> known_as("", "7f"), known_as("42", "7f")
    ('a:7f', 'u:42')
    """
    return f"u:{user_id}" if user_id else f"a:{anonymous_id}"


def identity(known: str) -> int:
    """The 64-bit hash of an identity; the person id of whoever has no other."""
    return hash63(known)


def message_row(source: str, message_id: str) -> int:
    """The id of an event's row; the scope of a message id is its source."""
    return hash63(f"m:{source}:{message_id}")


def order_row(order_id: str) -> int:
    """The id of the row of an order: the tag, the server and an import may all tell of it."""
    return hash63(f"o:{order_id}")


def line_row(event_row: int, number: int) -> int:
    """The id of the row of one line of an order or refund, counted from 0 as they came."""
    return hash63(f"l:{event_row}:{number}")


def decision_row(decision_id: str) -> int:
    """The id of the row of a decision."""
    return hash63(f"d:{decision_id}")


def merge_row(alias: int, person_id: int) -> int:
    """The id of the row that says that `alias` is this person."""
    return hash63(f"g:{alias}:{person_id}")


def refusal_row(journal: str, position: int, index: int) -> int:
    """The id of the row of a quarantined event: where in the journal it lies."""
    return hash63(f"q:{journal}:{position}:{index}")
