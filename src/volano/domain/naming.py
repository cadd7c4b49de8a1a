"""What a shop calls the events that we have standard words for."""

from __future__ import annotations

import msgspec


class Naming(msgspec.Struct, frozen=True, kw_only=True):
    """Events named `event`, of one source or of all, are the standard event `to`.

    `to` may be `event` itself: then it is no standard event, and nobody is asked again what it is.
    `properties` says where a standard property comes from: name as it came → standard name; `items.item_id`
    is a property within each entry of a list, `ecommerce.items` one within an object. `minor`: amounts are
    in minor units already. `source` "" means every source. `made_at` is UTC µs.
    """

    key: str
    source: str = ""
    event: str
    to: str
    properties: dict[str, str] = {}
    minor: bool = False
    made_at: int = 0


def naming_key(source: str, event: str) -> str:
    """The key of a naming: one event of one source has one meaning.

    >>> naming_key("web", "purchase"), naming_key("", "purchase")
    ('web:purchase', ':purchase')
    """
    return f"{source}:{event}"


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is not a standard one, and looks like shopping; `to` "" where its word is not clear."""

    source: str
    event: str
    count: int
    to: str = ""
    properties: dict[str, str] = {}
