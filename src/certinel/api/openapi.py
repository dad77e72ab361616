"""The OpenAPI document: true, because it is made of what the routes really use."""

from collections.abc import Iterable
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from certinel.api.negotiation import JSON
from certinel.api.problems import ErrorBody
from certinel.api.routing import ContractRoute

TITLE: Final = "certinel"
DESCRIPTION: Final = (
    "Device identity for MQTT fleets.\n\n"
    "* Every GET answers HEAD as well, and every path may end in a slash.\n"
    "* The answer to a POST or PUT has a body only if the request has an `Accept` header.\n"
    "* `POST` with the header `X-HTTP-METHOD: PUT` is a PUT.\n"
    "* Collections are paged: `currentPage`, `pageSize`, `withTotalPages`, `withTotalElements`.\n"
    "* `X-Cumulocity-Processing-Mode` is accepted on writes; everything is persistent.\n"
)


def document_of(app: FastAPI) -> dict[str, Any]:
    """Return the document, made once per application."""
    if app.openapi_schema is None:
        app.openapi_schema = _document(app)
    return app.openapi_schema


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=TITLE, version=app.version, description=DESCRIPTION, routes=app.routes)
    bodies = {route.body_model for route in app.routes if isinstance(route, ContractRoute) and route.body_model}
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(_schemas_of(sorted({*bodies, ErrorBody}, key=lambda model: model.__name__)))
    for operations in document["paths"].values():
        for operation in operations.values():
            _complete(operation["responses"])
    return document


def _schemas_of(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    return dict(definitions["$defs"])


def _complete(responses: dict[str, Any]) -> None:
    """Give the vendor media types of an answer the schema that its plain JSON has."""
    for response in responses.values():
        content = response.get("content", {})
        schema = content.get(JSON, {}).get("schema")
        for description in content.values():
            if schema is not None:
                description.setdefault("schema", schema)
