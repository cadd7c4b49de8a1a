"""The names of rows and people: which texts are hashed, so that every way in makes the same ids."""

from __future__ import annotations

from volano.errors import BadInput
from volano.maths.hashing import hash63

# What programs write where there is no id, in any case and quoted or not. Those of PostHog's ingestion
# (MIT): anonymous guest distinctid distinct_id id not_authenticated email undefined true false
# [object Object] NaN None none null 0; the others are our own.
_NOBODY = frozenset(
    "anonymous guest distinctid distinct_id id not_authenticated email undefined true false nan none null nil"
    " unknown n/a user_id userid anonymous_id anonymousid -1 (none) (null) missing".split()
) | {"[object object]", "not set", "(not set)"}
_QUOTES = " \t\r\n\v\f\u00a0\"'`" + "\u00ad\u200b\u200c\u200d\u2060\ufeff"  # and what has no width
_ZEROS = "0-.{}"  # of `0`, `0.0`, `000` and the all-zero UUID, in any spelling


def illegal(id_: str) -> bool:
    """Whether an id is nobody's: what a program writes when it has none would make a person of everybody.

    >>> [illegal(one) for one in ("null", " 'Undefined' ", "", "00000000-0000-0000-0000-000000000000", "42")]
    [True, True, True, True, False]
    """
    bare = id_.strip(_QUOTES)
    return len(bare) <= 40 and (bare.lower() in _NOBODY or not bare.strip(_ZEROS))


def nobody(id_: str) -> BadInput:
    """Why an event whose only id is illegal is not kept."""
    told = f"the id {id_[:40]!r} is what programs write when they have none; send a real one, or none"
    return BadInput(told, "illegal_id")


def known_as(user_id: str, anonymous_id: str) -> str:
    """The identity under which a row arrives; a user id counts before an anonymous one.

    An illegal user id beside a legal anonymous id is ignored.

    >>> known_as("", "7f"), known_as("42", "7f"), known_as("null", "7f")
    ('a:7f', 'u:42', 'a:7f')
    """
    if user_id and (not illegal(user_id) or not anonymous_id or illegal(anonymous_id)):
        return f"u:{user_id}"
    return f"a:{anonymous_id}"


def identity(known: str) -> int:
    """The 64-bit hash of an identity; the person id of whoever has no other."""
    return hash63(known)


def address_key(email: str) -> int:
    """Under which an e-mail address is found, in any case and with blanks around it.

    >>> address_key(" Ann@Shop.Example ") == address_key("ann@shop.example")
    True
    """
    return hash63(f"e:{email.strip().lower()}")


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


def delivery_row(delivery_id: str) -> int:
    """The id of the row of a delivery."""
    return hash63(f"s:{delivery_id}")


def merge_row(*said: object) -> int:
    """The id of the row that says who an identity is from now on: all that it says."""
    return hash63(f"g:{':'.join(map(str, said))}")


def refusal_row(journal: str, position: int, index: int) -> int:
    """The id of the row of a quarantined event: where in the journal it lies."""
    return hash63(f"q:{journal}:{position}:{index}")
