"""Several processes at one address: workers take events and decide, and hand on all else."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator

import httpx

from volano.errors import BadInput, Busy
from volano.web.asgi import Asgi, Headers, Receive, Scope, Send, answer_error
from volano.web.decisions import decisions_app, is_decision
from volano.web.intake import intake_app, is_intake
from volano.wiring import House

_SIGN = b"x-volano-relay"  # the secret, and the address of who asks: only a worker can know it
_OF_ONE_HOP = (b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", _SIGN)
_PATIENCE = httpx.Timeout(60, connect=5, read=600)  # to forget many people may take minutes
# One that idles is given up before the first process closes it (after 5 s), or a form could be lost to it.
_CONNECTIONS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=2)


def worker_app(house: House, address: str, secret: str) -> Asgi:
    """The edge of a worker; what is neither intake nor decision goes to the first process at `address`."""
    takes, decides = intake_app(house), decisions_app(house)
    onward = _Onward(address, secret)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            await onward.close()
        elif is_intake(scope["path"]):
            await takes(scope, receive, send)
        elif is_decision(scope["path"]):
            await decides(scope, receive, send)
        else:
            await onward(scope, receive, send)

    return app


def behind_workers(app: Asgi, secret: str) -> Asgi:
    """The app of the first process, to which workers say who asks; nobody else is believed."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            said = [value for name, value in scope["headers"] if name == _SIGN]
            if said:
                known, _, client = said[0].partition(b" ")
                host, _, port = client.rpartition(b" ")
                rest = [(name, value) for name, value in scope["headers"] if name != _SIGN]
                scope = {**scope, "headers": rest}
                if hmac.compare_digest(known, secret.encode()) and port.isdigit():
                    scope["client"] = (host.decode("latin-1"), int(port))
        await app(scope, receive, send)

    return told


class _Onward:
    """Passes requests on as they came, and answers back as they are."""

    def __init__(self, address: str, secret: str) -> None:
        self._address, self._secret = address, secret
        self._transport = httpx.AsyncHTTPTransport(limits=_CONNECTIONS)

    async def close(self) -> None:
        """Lets the connections go."""
        await self._transport.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._transport.handle_async_request(self._request(scope, receive))
        except httpx.LocalProtocolError as error:  # such as two Host headers: it was never sent
            return await answer_error(send, BadInput(f"the request is not HTTP: {error}", "malformed"))
        except httpx.HTTPError:
            return await answer_error(send, Busy("the first process is starting: try again in a moment"))
        head = [pair for pair in response.headers.raw if pair[0].lower() not in _OF_ONE_HOP]
        await send({"type": "http.response.start", "status": response.status_code, "headers": head})
        try:
            async for chunk in response.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await response.aclose()

    def _request(self, scope: Scope, receive: Receive) -> httpx.Request:
        host, port = scope.get("client") or ("unknown", 0)
        sign = (_SIGN, f"{self._secret} {host} {port}".encode("latin-1"))
        headers: Headers = [pair for pair in scope["headers"] if pair[0] not in _OF_ONE_HOP]
        target: bytes = scope.get("raw_path") or scope["path"].encode()
        if scope.get("query_string"):
            target += b"?" + scope["query_string"]
        has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
        return httpx.Request(
            scope["method"],
            self._address,
            headers=[*headers, sign],
            content=_body(receive) if has_body else None,
            extensions={"timeout": _PATIENCE.as_dict(), "target": target},  # as it came: nothing is tidied up
        )


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise httpx.ReadError("the client hung up")
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _live(receive: Receive, send: Send) -> None:
    """Nothing is to be begun or ended."""
    for phase in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{phase}.complete"})
