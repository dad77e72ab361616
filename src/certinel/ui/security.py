"""What keeps the pages from harm: headers, no writes on behalf of foreign sites, no escaping exception."""

import secrets
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
ALWAYS: Final = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
"""Sent unless the page has set its own."""
STRICT_TRANSPORT: Final = ("Strict-Transport-Security", "max-age=31536000")
REQUEST_ID: Final = "X-Request-Id"

_SAFE: Final = frozenset({"GET", "HEAD"})
_UNEXPECTED: Final = "This page could not be made. What went wrong is in the log of the node under request {}.\n"
_FOREIGN: Final = "Another web site may not make a browser write here.\n"

logger = structlog.get_logger(__name__)


class PageHeaders:
    """ASGI middleware around all pages; the outermost loop of a request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = secrets.token_hex(8)
        is_started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS:
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers.setdefault(*STRICT_TRANSPORT)
                headers[REQUEST_ID] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                if is_foreign_write(scope["method"], Headers(scope=scope)):
                    await PlainTextResponse(_FOREIGN, status_code=403)(scope, receive, send_with_headers)
                    return
                await self.app(scope, receive, send_with_headers)
            except Exception:
                logger.exception("ui.unexpected_error", method=scope["method"], path=scope["path"])
                if is_started:
                    raise  # half a page is out: only closing the connection tells
                answer = PlainTextResponse(_UNEXPECTED.format(request_id), status_code=500)
                await answer(scope, receive, send_with_headers)


def is_foreign_write(method: str, headers: Headers) -> bool:
    """Tell whether a browser says that a page of another origin posts this (it may add cookies by itself).

    Besides the token in each form: signing in has no session yet, and thus no token.
    """
    if method in _SAFE:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"none", "same-origin"}
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host", "")
