"""What every answer carries whatever it answers: a request id and headers that keep browsers from mischief.

This is also the outermost loop of a request: what nobody expected ends here, logged, and answered without detail.
"""

import secrets
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certinel.api.problems import ForbiddenError, problem_response, unexpected_problem

REQUEST_ID: Final = "X-Request-Id"
ALWAYS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)
"""Sent unless the route has set its own."""
STRICT_TRANSPORT: Final = ("Strict-Transport-Security", "max-age=31536000")
"""One year, over TLS only: without TLS the header has no meaning (RFC 6797, 7.2)."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

logger = structlog.get_logger(__name__)


class AnswerHeaders:
    """ASGI middleware: request id, security headers, no writes on behalf of foreign sites, no escaping exception."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        is_started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                _add_headers(message, scope["scheme"], request_id)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                if _is_foreign_write(scope["method"], Headers(scope=scope)):
                    error = ForbiddenError("Another web site may not make a browser write here.")
                    await problem_response(error.problem)(scope, receive, send_with_headers)
                    return
                await self.app(scope, receive, send_with_headers)
            except Exception:
                logger.exception("api.unexpected_error", method=scope["method"], path=scope["path"])
                if is_started:
                    raise  # half an answer is out: only closing the connection tells the caller
                await problem_response(unexpected_problem(request_id))(scope, receive, send_with_headers)


def _add_headers(message: Message, scheme: str, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    for name, value in ALWAYS:
        headers.setdefault(name, value)
    if scheme == "https":
        headers.setdefault(*STRICT_TRANSPORT)
    headers[REQUEST_ID] = request_id


def _is_foreign_write(method: str, headers: Headers) -> bool:
    """Tell whether a browser says that a page of another origin makes this call (it may add credentials by itself)."""
    return method not in _SAFE and headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}
