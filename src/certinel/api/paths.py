"""Paths and methods as clients send them, brought into the form that routes are written in."""

from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from certinel.api.problems import MalformedPathError, problem_response


class SegmentConvertor(Convertor[str]):
    """One segment of a canonical path, decoded: an external id may hold ``/`` and ``:``."""

    regex = "[^/]+"

    @override
    def convert(self, value: str) -> str:
        return unquote(value)

    @override
    def to_string(self, value: str) -> str:
        return quote(value, safe="")


class ChildrenConvertor(Convertor[str]):
    """The part of a path that says in which way objects belong to another."""

    regex = "childDevices|childAssets|childAdditions"

    @override
    def convert(self, value: str) -> str:
        return value

    @override
    def to_string(self, value: str) -> str:
        return value


register_url_convertor("segment", SegmentConvertor())
register_url_convertor("children", ChildrenConvertor())


def canonical_path(raw_path: bytes) -> str:
    """Write every segment of ``raw_path`` in its one percent-encoded form and drop a trailing slash.

    Routing on this form, not on the decoded path, keeps an encoded ``/`` inside its segment.
    Raises MalformedPathError for what cannot be text, and for NUL, which no database stores.
    """
    segments = raw_path.split(b"/")
    if len(segments) > 2 and not segments[-1]:  # noqa: PLR2004  # "/" itself splits in two
        segments.pop()
    return "/".join(quote(_text_of(segment), safe="") for segment in segments)


def _text_of(segment: bytes) -> str:
    try:
        text = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise MalformedPathError("The path is not UTF-8.") from None
    if "\0" in text:
        raise MalformedPathError("The path contains a NUL character.")
    return text


def _check_query(query: bytes) -> None:
    if b"%00" in query:
        raise MalformedPathError("The query contains a NUL character.")


def effective_method(method: str, headers: Headers) -> str:
    """Return the method that is meant: HEAD is answered like GET, ``X-HTTP-METHOD: PUT`` turns POST into PUT."""
    if method == "HEAD":
        return "GET"
    if method == "POST" and headers.get("x-http-method", "").strip().upper() == "PUT":
        return "PUT"
    return method


class ContractPaths:
    """ASGI middleware: canonical paths, HEAD for every GET (same headers, no body), the method override."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            send = _without_body(send)
        try:
            path = canonical_path(scope.get("raw_path") or quote(scope["path"]).encode())
            _check_query(scope["query_string"])
        except MalformedPathError as error:
            await problem_response(error.problem)(scope, receive, send)
            return
        method = effective_method(scope["method"], Headers(scope=scope))
        await self.app({**scope, "path": path, "method": method}, receive, send)


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        changed: dict[str, Any] = dict(message)
        if changed["type"] == "http.response.body":
            changed["body"] = b""
        await send(changed)

    return send_head
