"""The Accept rule: which media type an answer has, and whether a write is answered with a body at all.

Nothing is ever refused for its Accept header: clients of this contract send types that do not exist.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response

JSON: Final = "application/json"
_WRITES: Final = frozenset({"POST", "PUT"})
MAX_ACCEPT_LENGTH: Final = 4096
"""An Accept header is read up to here; the rest cannot make an answer better."""


def vendor(name: str) -> str:
    """Return the contract's media type for a representation called ``name``, without parameters."""
    return f"application/vnd.com.nsn.cumulocity.{name}+json"


def represented_as(*names: str, status: int = HTTPStatus.OK) -> dict[int | str, dict[str, Any]]:
    """Say in a route's ``responses`` that it can also answer in these vendor types."""
    return {status: {"content": {vendor(name): {} for name in names}}}


def accepted_types(accept: str) -> list[str]:
    """Return the media types of an Accept header, the most wanted first, lower case, without parameters.

    What cannot be understood is left out; a missing or unreadable ``q`` counts as 1, ``q=0`` removes the type.
    """
    weighted: list[tuple[float, str]] = []
    for element in accept[:MAX_ACCEPT_LENGTH].lower().split(","):
        media_type, *parameters = (part.strip() for part in element.split(";"))
        weight = _weight(parameters)
        if "/" in media_type and weight > 0:
            weighted.append((weight, media_type))
    return [media_type for _, media_type in sorted(weighted, key=lambda pair: -pair[0])]


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, float(value))
            except ValueError:
                return 1.0
    return 1.0


def chosen_type(accept: str | None, offered: Iterable[str]) -> str:
    """Return the media type to answer in: an offered vendor type if it is asked for by name, else plain JSON."""
    known = {media_type.lower() for media_type in offered} | {JSON}
    for media_type in accepted_types(accept or ""):
        if media_type in known:
            return media_type
        if media_type in {"*/*", "application/*"}:
            break
    return JSON


def negotiated(request: Request, response: Response, offered: Iterable[str]) -> Response:
    """Return ``response`` in the media type asked for, or without its body where the contract leaves it out."""
    accept = request.headers.get("accept")
    if response.headers.get("content-type") != JSON:
        return response
    if accept is None and request.method in _WRITES:
        headers = {
            name: value for name, value in response.headers.items() if name not in {"content-type", "content-length"}
        }
        return Response(status_code=response.status_code, headers=headers)
    media_type = chosen_type(accept, offered)
    if media_type != JSON:
        response.headers["content-type"] = f"{media_type};ver=0.9;charset=UTF-8"
    return response
