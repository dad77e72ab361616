"""Routes: documented from what they depend on, answered by the Accept rule.

How the path and the method of a request are brought into the form that routes are written in is in `paths`.
"""

from collections.abc import Callable, Coroutine, Iterator
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from typing_extensions import override

from certinel.api.authentication import Requires, caller
from certinel.api.form_body import FORM, FormBody
from certinel.api.json_body import JsonBody
from certinel.api.multipart_body import MULTIPART, MultipartBody
from certinel.api.negotiation import JSON, negotiated
from certinel.api.problems import ERROR_RESPONSE, documented_error
from certinel.api.spooled_file import SpooledFile


class ContractRoute(APIRoute):
    """A route whose answer follows the Accept rule, and whose document names its roles, its body and its errors."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        options["response_model_exclude_none"] = True  # in the contract an absent value is no field, never null
        super().__init__(path, endpoint, **options)
        calls = list(_calls_of(self.dependant))
        errors: set[int] = set()
        if caller in calls:
            errors.add(401)
        for call in calls:
            match call:
                case Requires():
                    self.description = f"{self.description}\n\n{call.sentence}".strip()
                    errors.add(403)
                case JsonBody():
                    self.body_model = call.model
                    schema = {"$ref": f"#/components/schemas/{call.model.__name__}"}
                    content = {JSON: {"schema": schema}} | dict(call.other_content)
                    self.openapi_extra = {"requestBody": {"required": True, "content": content}}
                    errors |= {400, 413, 415, 422}
                case FormBody():
                    self.openapi_extra = {"requestBody": {"content": {FORM: {"schema": call.schema}}}}
                    errors |= {400, 401, 413, 429}
                case MultipartBody() | SpooledFile():
                    self.openapi_extra = {"requestBody": {"content": {MULTIPART: {"schema": call.schema}}}}
                    errors |= {400, 413}
                case _:
                    pass
        self.responses = ERROR_RESPONSE | documented_error(*sorted(errors)) | self.responses

    body_model: type[Any] | None = None
    """What the request body is read as, if one is read."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        offered = self.responses.get(self.status_code or HTTPStatus.OK, {}).get("content", {})

        async def handle_negotiated(request: Request) -> Response:
            return negotiated(request, await handle(request), offered)

        return handle_negotiated


def _calls_of(dependant: Dependant) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls_of(dependency)


def router(tag: str) -> APIRouter:
    """Return a router for the routes of one noun."""
    return APIRouter(route_class=ContractRoute, tags=[tag], generate_unique_id_function=lambda route: str(route.name))
