"""One visit of a shop, told by every client: what a client is given, and what it answers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

URL = "https://shop.example/sale?utm_source=newsletter&utm_medium=email&utm_campaign=spring"
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
PRICE = 19.9  # euro


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A visitor looks at a lamp, says who they are, and buys two; every id begins with the client's name."""

    client: str
    address: str  # of the server, such as http://127.0.0.1:8765
    write_key: str
    anonymous_id: str
    user_id: str
    till_id: str  # under which the same person was known at the till
    group_id: str
    page: dict[str, Any] = field(default_factory=dict)
    viewed: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] = field(default_factory=dict)
    traits: dict[str, Any] = field(default_factory=dict)
    user_agent: str = AGENT

    def json(self) -> str:
        """What the client's script reads."""
        return json.dumps(asdict(self))


def visit(client: str, address: str, write_key: str) -> Visit:
    """The visit that this client tells of."""
    lamp = {"product_id": f"{client}-lamp", "name": "Lämpchen „Mond“ 月", "price": PRICE}
    return Visit(
        client=client,
        address=address,
        write_key=write_key,
        anonymous_id=f"{client}-7f",
        user_id=f"{client}-42",
        till_id=f"{client}-till",
        group_id=f"{client}-club",
        page={"url": URL, "path": "/sale", "search": f"?{URL.partition('?')[2]}", "title": "Räumung"},
        viewed={**lamp, "currency": "EUR", "category": "Lamps", "brand": "Lumo", "colour": "grün"},
        order={
            "order_id": f"{client}-1001",
            "revenue": 2 * PRICE,
            "currency": "EUR",
            "products": [{**lamp, "quantity": 2}],
            "gift_note": "Für Zoë 🎁",
        },
        traits={"email": f"{client}@shop.example", "city": "Zürich"},
    )
