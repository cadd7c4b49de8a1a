"""The server of one home as an ASGI application, for who serves it with something else than `volano serve`.

    VOLANO_HOME=./shop granian --interface asgi --no-ws --port 8765 volano.cli.asgi:application

Settings are read from the environment when the server starts it. One process serves a home: a second one is
refused. What `volano serve` sees to at the socket (heads without an end, its workers) is that server's then.
"""

from __future__ import annotations

from contextlib import ExitStack

from volano.cli.say import words
from volano.cli.serve import opened
from volano.errors import VolanoError
from volano.web.app import App
from volano.web.asgi import Receive, Scope, Send
from volano.wiring import read_settings


class Application:
    """Opens the home when the server starts (lifespan), and lets it go when that ends."""

    def __init__(self) -> None:
        self._app: App | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, or the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif self._app is None:
            raise RuntimeError("Volano was not started: let the server speak ASGI's lifespan")
        else:
            await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        with ExitStack() as held:
            try:
                self._app, _, key = held.enter_context(opened(read_settings()))
            except VolanoError as error:
                await receive()
                await send({"type": "lifespan.startup.failed", "message": error.message})
                return
            if key:
                words.print(f"Write key {key}, shown only now", markup=False)
            if self._app.setup_token:
                words.print(f"Choose a password at /welcome?token={self._app.setup_token}", markup=False)
            await self._app(scope, receive, send)


application = Application()
