"""A failure as callers are told it: one shape for all, and the errors that the API itself raises.

No answer holds a stack trace or anything of the inside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Self

from fastapi import Response
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails
from starlette.responses import JSONResponse

ERROR_MEDIA_TYPE: Final = "application/vnd.com.nsn.cumulocity.error+json"
INFO: Final = "https://www.cumulocity.com/guides/reference-guide/#error_reporting"
MAX_MESSAGE_LENGTH: Final = 1000
"""A message may repeat what the caller sent; nobody needs more of it than this."""


class ErrorBody(BaseModel):
    """What every failed call answers with."""

    error: str = Field(description="The part of the platform and the kind of failure.", examples=["security/Forbidden"])
    message: str = Field(description="One sentence for people.", examples=["Access is denied."])
    info: str = Field(description="Where error reporting is documented.", examples=[INFO])


ERROR_RESPONSE: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "The call failed.",
        "content": {ERROR_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ErrorBody"}}},
    }
}

_STATUS_DESCRIPTION: Final[Mapping[int, str]] = {
    400: "The request cannot be read.",
    401: "There are no valid credentials.",
    403: "The caller may not do this.",
    404: "There is no such thing.",
    409: "It exists already.",
    413: "The request body is too large.",
    415: "The request body is not JSON.",
    422: "The request can be read, but not be carried out.",
    429: "Too many attempts failed lately.",
    503: "The service is not ready.",
}


def documented_error(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the entries of a route's ``responses`` for these failures."""
    return {status: {**ERROR_RESPONSE["default"], "description": _STATUS_DESCRIPTION[status]} for status in statuses}


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure as the caller is told it."""

    status: int
    error: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """A request that the API itself turns down, before any use case runs."""

    status: HTTPStatus = HTTPStatus.BAD_REQUEST
    error: str = "general/Bad Request"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(self.status, self.error, message[:MAX_MESSAGE_LENGTH])


class MalformedPathError(ApiError):
    """The path cannot be text."""


class MalformedBodyError(ApiError):
    """The body is not JSON that can be stored; the message says where and why."""


class UnsupportedBodyError(ApiError):
    """The body is of a media type that this call cannot read."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    error = "general/Unsupported Media Type"


class BodyTooLargeError(ApiError):
    """The body has more bytes than are read."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    error = "general/Request Entity Too Large"


class UnauthorizedError(ApiError):
    """Nobody, or somebody whose credentials do not hold."""

    status = HTTPStatus.UNAUTHORIZED
    error = "security/Unauthorized"

    def __init__(self, message: str = "Invalid credentials! : Bad credentials") -> None:
        super().__init__(message)


class ForbiddenError(ApiError):
    """The caller is known but lacks the right."""

    status = HTTPStatus.FORBIDDEN
    error = "security/Forbidden"

    def __init__(self, message: str = "Access is denied.") -> None:
        super().__init__(message)


def faults_of(errors: Any) -> str:
    return "; ".join(_fault(error) for error in errors)


def _fault(error: ErrorDetails) -> str:
    place = ".".join(str(step) for step in error["loc"] if step not in {"query", "path", "header"})
    return f"{place}: {error['msg']}" if place else error["msg"]


class InvalidFieldsError(Exception):
    """The body is JSON, but its fields do not say what the call needs."""

    def __init__(self, faults: str) -> None:
        super().__init__(faults)
        self.faults = faults

    @classmethod
    def of(cls, error: ValidationError) -> Self:
        """Name the fields and their faults, never their values."""
        return cls(faults_of(error.errors(include_url=False, include_context=False, include_input=False)))


def problem_response(problem: Problem) -> Response:
    """Return ``problem`` in the contract's shape and media type."""
    return JSONResponse(
        {"error": problem.error, "message": problem.message, "info": INFO},
        status_code=problem.status,
        headers=dict(problem.headers),
        media_type=f"{ERROR_MEDIA_TYPE};ver=0.9;charset=UTF-8",
    )


def unexpected_problem(request_id: str) -> Problem:
    """Return what a caller is told when the platform is at fault: only where to look."""
    return Problem(500, "general/Internal Server Error", f"Something went wrong here. Request id: {request_id}")
