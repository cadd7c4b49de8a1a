"""Heads of requests, their line and headers: where one has no end, or does not come, we hang up."""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_LIMIT = 64 * 1024  # bytes
HEAD_SECONDS = 30.0  # within which a whole head must have come, from the connection or its first byte on


class Impatient(HttpToolsProtocol):
    """uvicorn's protocol, which by itself would keep any head, and wait for its end for ever.

    What a client sends beside bodies (a head, chunk sizes, trailers) is counted up to the next thing that
    is of use. A head may be longer when it comes in one piece: that costs what the piece costs.
    """

    seconds = HEAD_SECONDS
    _unused = 0  # bytes since the last head, part of a body or end of a request
    _begun = False  # a head that is not whole
    _patience: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there: its first request must come."""
        super().connection_made(transport)
        self._patience = self.loop.call_later(self.seconds, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._calm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of it."""
        self._unused += len(data)
        super().data_received(data)
        if self._unused > HEAD_LIMIT:
            self._hang_up(431, "head_too_large", f"the headers are more than {HEAD_LIMIT:,} bytes: send less")
        elif self._begun and self._patience is None:
            self._patience = self.loop.call_later(self.seconds, self._too_slow)

    def on_message_begin(self) -> None:
        """The first byte of a head."""
        self._begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._unused, self._begun = 0, False
        self._calm()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self._unused = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._unused = 0
        super().on_message_complete()

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._patience = None
        self._hang_up(408, "stalled", f"the headers did not come within {self.seconds:g} seconds: send again")

    def _hang_up(self, status: int, code: str, message: str) -> None:
        """Say why, unless something else is being answered or nothing was asked, and close."""
        if self.transport.is_closing():
            return
        if self._begun and (self.cycle is None or self.cycle.response_complete):
            body = msgspec.json.encode({"code": code, "message": message})
            head = (
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(STATUS_LINE[status] + head.encode() + body)
        self.transport.close()
