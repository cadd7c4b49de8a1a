"""The files that every page needs: read once, packed once, kept by the browser for a year."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from litestar import Response
from litestar.exceptions import NotFoundException

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file as it is and gzipped; `mark` is a hash of its content, for its address."""

    body: bytes
    packed: bytes
    media_type: str
    mark: str


def _read() -> dict[str, Asset]:
    found = {}
    for file in files("volano.web").joinpath("static").iterdir():
        kind = file.name.rpartition(".")[2]
        if kind in _TYPES:
            body = file.read_bytes()
            mark = sha256(body).hexdigest()[:10]
            found[file.name] = Asset(body, gzip.compress(body, 9, mtime=0), _TYPES[kind], mark)
    return found


class Assets:
    """All static files by name."""

    def __init__(self) -> None:
        self._found = _read()

    def address(self, name: str) -> str:
        """Where a page asks for the file; changes with its content."""
        return f"/static/{name}?{self._found[name].mark}"

    def answer(self, name: str, *, packed: bool) -> Response[bytes]:
        """The file."""
        if name not in self._found:
            raise NotFoundException(f"there is no file {name!r}")
        asset = self._found[name]
        headers = {"Cache-Control": _YEAR, "Vary": "Accept-Encoding"}
        if packed:
            headers["Content-Encoding"] = "gzip"
        body = asset.packed if packed else asset.body
        return Response(body, media_type=asset.media_type, headers=headers)
