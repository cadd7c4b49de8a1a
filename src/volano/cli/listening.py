"""How an application is served in this process: until it is told to stop, alone or with others."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import uvicorn


class Company(Protocol):
    """Other processes: begun once this one answers, told to stop when it is, and waited for."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def join(self) -> None: ...


def run(
    app: Any,
    sockets: Sequence[socket.socket],
    started: Callable[[], None] | None = None,
    crew: Company | None = None,
) -> None:
    """Serve until told to stop; `started` is called once requests are answered, the crew starts then."""
    import asyncio

    import uvicorn
    import uvloop

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if crew is not None:
                crew.start()
            if started is not None:
                started()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            if crew is not None:
                crew.stop()
            await super().shutdown(sockets)
            if crew is not None:
                await asyncio.to_thread(crew.join)

    config = configured(app)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Server(config).serve(sockets=list(sockets)))


def configured(app: Any) -> uvicorn.Config:
    """How the application is served: who asks is who connects, for anybody can write a header."""
    import uvicorn

    from volano.cli.heads import Impatient

    return uvicorn.Config(
        app,
        http=Impatient,
        ws="none",  # nothing here speaks it
        log_level="warning",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=5,
        proxy_headers=False,
    )
