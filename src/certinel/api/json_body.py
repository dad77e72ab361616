"""Request bodies: read after the caller is known, bounded, strict JSON whatever media type is claimed for it.

Nothing passes that the databases could not store: no NUL, no half of a surrogate pair, no number beyond a float.
"""

import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, NoReturn, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from certinel.api.problems import BodyTooLargeError, InvalidFieldsError, MalformedBodyError, UnsupportedBodyError

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
"""Room for about two thousand certificates in one bulk upload; ours, the contract names no limit."""
MAX_LENGTH_DIGITS: Final = 18
"""Digits of a Content-Length that is worth reading as a number."""
MAX_DEPTH: Final = 64
"""Objects and lists inside each other; ours. Real bodies have fewer than ten."""
MAX_DIGITS: Final = 400
"""Digits of a number; ours. The largest float has 309."""

_NOT_JSON: Final = ("multipart/", "image/", "audio/", "video/", "application/xml", "text/xml", "text/html", "text/csv")

Model = TypeVar("Model", bound=BaseModel)


class JsonBody(Generic[Model]):
    """Dependency that reads the request body as ``model``.

    Unlike a declared body it is read after the dependencies of the route, so strangers cannot make us read anything.
    """

    def __init__(self, model: type[Model]) -> None:
        self.model = model

    other_content: Mapping[str, Any] = MappingProxyType({})
    """Further media types that the body may have, with their description for the document."""

    async def __call__(self, request: Request) -> Model:
        check_media_type(request.headers.get("content-type", ""))
        value = parse_json(await read_body(request))
        try:
            return self.model.model_validate(value)
        except ValidationError as error:
            raise InvalidFieldsError.of(error) from None


def check_media_type(content_type: str) -> None:
    """Refuse bodies that say they are something else than text; clients label JSON in many ways."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type.startswith(_NOT_JSON):
        raise UnsupportedBodyError(f"The request body must be JSON, not {media_type}.")


async def read_body(request: Request, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Return the whole body, or raise as soon as it is known to be too large."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > MAX_LENGTH_DIGITS or int(declared) > max_bytes):
        raise BodyTooLargeError(_too_large(max_bytes))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise BodyTooLargeError(_too_large(max_bytes))
    return bytes(body)


def _too_large(max_bytes: int) -> str:
    return f"The request body has more than {max_bytes} bytes."


def parse_json(body: bytes) -> Any:
    """Read strict JSON (RFC 8259) that can be stored; every fault raises MalformedBodyError with its place."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedBodyError(f"The request body is not UTF-8: byte {error.start}.") from None
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_bounded)
    except json.JSONDecodeError as error:
        raise MalformedBodyError(_place_and_reason(text, error)) from None
    except RecursionError:
        raise MalformedBodyError(_too_deep()) from None
    _check_storable(value)
    return value


def _place_and_reason(text: str, error: json.JSONDecodeError) -> str:
    place = f"line {error.lineno}, column {error.colno}"
    if not text.strip():
        return "The request body is empty; JSON is expected."
    if text[error.pos : error.pos + 1] in {"\n", "\r"} and error.msg.startswith("Invalid control character"):
        return (
            f"The request body is not valid JSON: there is a raw line break inside a string at {place}. "
            "Write it as \\n, or leave it out: a certificate is read without line breaks too."
        )
    return f"The request body is not valid JSON: {error.msg} at {place}."


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedBodyError(f"The request body is not valid JSON: {name} is no number there.")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise MalformedBodyError("The request body holds a number that is too large.")
    return number


def _bounded(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise MalformedBodyError("The request body holds a number that is too large.")
    return int(digits)


def _too_deep() -> str:
    return f"The request body nests objects and lists more than {MAX_DEPTH} deep."


def _check_storable(value: Any) -> None:
    """Walk without recursion, so that depth is found and not suffered."""
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise MalformedBodyError(_too_deep())
        match item:
            case str():
                _check_text(item)
            case list():
                waiting.extend((member, depth + 1) for member in item)
            case dict():
                waiting.extend((member, depth + 1) for member in item.values())
                waiting.extend((key, depth) for key in item)
            case _:
                pass


def _check_text(text: str) -> None:
    if "\0" in text:
        raise MalformedBodyError("The request body holds a NUL character, which cannot be stored.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MalformedBodyError("The request body holds half of a surrogate pair, which is no character.") from None
