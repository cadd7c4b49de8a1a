"""Answers that are the same for everybody: made once in both forms, named by an ETag, kept by caches."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from volano.web.asgi import Scope, Send, header, only

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One file in both forms; `kind` is its content type, `etag` is quoted as the header wants it."""

    plain: bytes
    packed: bytes
    etag: bytes
    kind: bytes


def served(plain: bytes, kind: bytes) -> Served:
    """The file with its packed form and its name.

    >>> served(b"{}", b"application/json").etag
    b'"44136fa355b3678a"'
    """
    etag = f'"{sha256(plain).hexdigest()[:16]}"'.encode()
    return Served(plain=plain, packed=gzip.compress(plain, 9, mtime=0), etag=etag, kind=kind)


async def serve(scope: Scope, send: Send, file: Served, headers: Headers, seconds: int) -> None:
    """The file, packed for who takes gzip; good for so many seconds, then asked after by its ETag (304)."""
    only(scope, "GET", "HEAD")
    packs = b"gzip" in header(scope, b"accept-encoding")
    same = file.etag in header(scope, b"if-none-match")
    body = file.packed if packs else file.plain
    head = [
        (b"etag", b"W/" + file.etag),
        (b"cache-control", b"public, max-age=%d, stale-while-revalidate=86400" % seconds),
        (b"vary", b"accept-encoding"),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"x-content-type-options", b"nosniff"),
        *headers,
    ]
    if not same:
        head += [
            (b"content-type", file.kind),
            (b"content-length", str(len(body)).encode()),
            *([(b"content-encoding", b"gzip")] if packs else []),
        ]
    await send({"type": "http.response.start", "status": 304 if same else 200, "headers": head})
    await send({"type": "http.response.body", "body": b"" if same or scope["method"] == "HEAD" else body})
