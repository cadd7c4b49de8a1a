"""The demo's shop: five plain pages with the tag, open to everybody, in front of the real edge."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader, StrictUndefined

from volano.web.asgi import Asgi, Receive, Scope, Send

ROOT = "/demo-shop"
# Name, price in dollars, picture (a path of 24 × 24).
PRODUCTS: Mapping[str, tuple[str, int, str]] = {
    "lamp": ("Desk lamp", 39, "M9 3h6l4 9H5zM12 12v7M8 20h8"),
    "mug": ("Big mug", 12, "M5 8h11v7a4 4 0 0 1-4 4H9a4 4 0 0 1-4-4zM16 10h2a2 2 0 0 1 0 5h-2M9 5V3M13 5V3"),
    "plant": (
        "Fern in a pot",
        18,
        "M8 15h8l-1 6H9zM12 15V8M12 11C7 11 6 8 6 5c4 0 6 2 6 6zM12 9c0-3 2-5 6-5 0 3-1 5-6 5z",
    ),
    "kite": ("Red kite", 25, "M12 2l6 7-6 8-6-8zM6 9h12M12 2v15M12 17c0 3 3 2 3 5"),
}
# As whom one may come: in words, user agent, memory in GB, where from.
_PHONE = (
    "Mozilla/5.0 (Linux; Android {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36"
)
GUESTS: Mapping[str, tuple[str, str, int, str]] = {
    "instagram-cheap-android": (
        "From Instagram, on a cheap Android phone",
        _PHONE.format("10; SM-A105F"),
        2,
        "utm_source=instagram&utm_medium=social",
    ),
    "facebook-android": (
        "From Facebook, on a good Android phone",
        _PHONE.format("14; Pixel 8"),
        8,
        "utm_source=facebook&utm_medium=social",
    ),
    "google-desktop": (
        "From a Google search, at a desk",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0",
        8,
        "utm_source=google&utm_medium=organic",
    ),
}
_CSP = b"default-src 'self'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'"
_STATIC = {"shop.js": b"text/javascript; charset=utf-8", "shop.css": b"text/css; charset=utf-8"}


def with_shop(app: Asgi, write_key: str) -> Asgi:
    """The app, with the shop's pages in front of it; the tag on them sends with `write_key`."""
    templates = Environment(
        loader=PackageLoader("volano.web", "templates"), autoescape=True, undefined=StrictUndefined
    )

    async def shop(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").rstrip("/")
        if scope["type"] != "http" or not (path == ROOT or path.startswith(f"{ROOT}/")):
            await app(scope, receive, send)
            return
        name = path.removeprefix(ROOT).strip("/")
        if name in _STATIC:
            body = files("volano.web").joinpath("shop", name).read_bytes()
            await _answer(send, 200, body, _STATIC[name])
            return
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        product = asked.get("product", ["lamp"])[0]
        known = name in ("", "product", "basket", "checkout", "thanks") and product in PRODUCTS
        page = templates.get_template("shop.html").render(
            page=name if known else "missing",
            product=product if known else "lamp",
            products=PRODUCTS,
            guests=GUESTS,
            root=ROOT,
            write_key=write_key,
        )
        await _answer(send, 200 if known else 404, page.encode(), b"text/html; charset=utf-8")

    return shop


async def _answer(send: Send, status: int, body: bytes, kind: bytes) -> None:
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"content-security-policy", _CSP),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
