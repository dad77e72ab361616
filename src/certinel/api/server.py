"""HTTP for an ASGI application: uvicorn's protocol, given limits, without uvicorn's server.

Makes protocols only; who listens, and whether TLS lies beneath, is joined in ``wiring``. There are no lifespan events:
what the application needs is opened before it is served. The size of a request's body is limited by the application.
"""

import asyncio
from dataclasses import dataclass
from email.utils import format_datetime
from http import HTTPStatus

from starlette.types import ASGIApp
from typing_extensions import override
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from certinel.services.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """What HTTP peers may take."""

    keep_alive_seconds: int = 75
    """How long a connection may wait for its next request."""

    stall_seconds: float = 30.0
    """A request line and headers must be complete, and a body must go on, within about this time (up to twice it)."""

    max_head_bytes: int = 32 * 1024
    """Request line and headers together; Basic credentials and a device token are far below."""


class HttpServer:
    """Serves an ASGI application on connections that others accept."""

    def __init__(self, app: ASGIApp, clock: Clock, options: HttpOptions | None = None) -> None:
        self.options = options or HttpOptions()
        self._clock = clock
        self._dated_second = -1
        self.state = ServerState()
        self.config = Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # anybody could write X-Forwarded-For
            server_header=False,
            date_header=False,  # set below, by our clock
            timeout_keep_alive=self.options.keep_alive_seconds,
        )
        self.config.load()

    def make_protocol(self) -> "HttpConnection":
        """A protocol for one connection."""
        return HttpConnection(self)

    def refresh_date(self) -> None:
        """Let responses from now on carry the present second."""
        now = self._clock.now()
        second = int(now.timestamp())
        if second != self._dated_second:
            self._dated_second = second
            self.state.default_headers[:] = [(b"date", format_datetime(now, usegmt=True).encode())]

    async def stop(self) -> None:
        """Cancel the requests that are still worked on; to be called after the listeners have closed."""
        tasks = list(self.state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class HeadTooLargeError(Exception):
    """Raised through the parser to stop it."""


class HttpConnection(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 connection with what it leaves to a proxy in front: limits on a request's head and pace."""

    def __init__(self, server: HttpServer) -> None:
        super().__init__(server.config, server.state, {}, asyncio.get_running_loop())
        self._server = server
        self._is_in_head = True
        self._head_bytes = 0
        self._is_head_too_large = False
        self._request_count = 0
        self._bytes_since_check = 0
        self._was_head_begun = True  # who says nothing at first is treated as one who dawdles

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._check = self.loop.call_later(self._server.options.stall_seconds, self._check_pace)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._check.cancel()
        self._unset_keepalive_if_required()  # uvicorn leaves the timer running if there was an error
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._bytes_since_check += len(data)
        requests_before = self._request_count
        super().data_received(data)
        if self._is_in_head and self._request_count == requests_before:
            self._head_bytes += len(data)
            if self._head_bytes > self._server.options.max_head_bytes:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    @override
    def on_headers_complete(self) -> None:
        self._is_in_head = False
        head_bytes = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if head_bytes > self._server.options.max_head_bytes:
            self._is_head_too_large = True
            raise HeadTooLargeError
        self._server.refresh_date()
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        self._is_in_head = True
        self._head_bytes = 0
        self._request_count += 1
        super().on_message_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        too_large = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        self._refuse(too_large if self._is_head_too_large else HTTPStatus.BAD_REQUEST)

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer a request that does not reach the application, unless an earlier answer is still being written."""
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request, whatever uvicorn declares
        if cycle is None or cycle.response_complete:
            self._server.refresh_date()
            lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode(), b"content-length: 0", b"connection: close"]
            lines += [name + b": " + value for name, value in self.server_state.default_headers]
            self.transport.write(b"\r\n".join([*lines, b"", b""]))
        self.transport.close()

    def _check_pace(self) -> None:
        self._check = self.loop.call_later(self._server.options.stall_seconds, self._check_pace)
        is_quiet = self._bytes_since_check == 0
        self._bytes_since_check = 0
        if not self._is_in_head:
            if is_quiet and not self.flow.read_paused:
                self.transport.close()
            return
        is_begun = self._head_bytes > 0
        if self._was_head_begun and is_begun:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        elif self._was_head_begun and self._request_count == 0:
            self.transport.close()
        self._was_head_begun = is_begun
