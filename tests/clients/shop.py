"""The shop's own site, on an origin of its own: a page for each browser client, and the client's files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

FOLDER = Path(__file__).parent


class Site(SimpleHTTPRequestHandler):
    """`/<client>/sale` is the page of a client; everything else is a file."""

    def translate_path(self, path: str) -> str:
        """Which file is shown at this path."""
        bare = path.partition("?")[0].lstrip("/")
        if bare.startswith("node_modules/"):
            return super().translate_path(path)
        page = f"{bare.removesuffix('/sale')}.html" if bare.endswith("/sale") else bare
        return str(FOLDER / "pages" / Path(page).name)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def shop() -> Iterator[str]:
    """The address of the site; its host is `localhost`, so that it is another than the server's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: Site(*given, directory=str(FOLDER))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_address[1]}"
        finally:
            server.shutdown()
