"""Every route of the REST interface, from the OpenAPI document that a node itself publishes."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from certinel.api.app import API_VERSION, create_app
from certinel.api.openapi import document_of
from certinel.services.platform import Platform

_METHODS: Final = ("get", "post", "put", "delete", "patch")
_EVERYWHERE: Final = frozenset({"currentPage", "pageSize", "withTotalPages", "withTotalElements"})
"""Parameters of paging, told once on the page itself."""


def document() -> dict[str, Any]:
    """Return the OpenAPI document. No route is called, so the application needs nothing to serve."""
    return document_of(create_app(_nothing()))


def _nothing() -> Platform:
    return object.__new__(Platform)


def markdown() -> str:
    """Return the routes by their noun: what each does, what it takes, what it answers."""
    found = document()
    schemas = found["components"]["schemas"]
    parts = [f"The version of the contract is {API_VERSION}."]
    routes = [
        (operation["tags"][0], method.upper(), path, operation)
        for path, operations in found["paths"].items()
        for method, operation in sorted(operations.items(), key=lambda one: _METHODS.index(one[0]))
    ]
    nouns = list(dict.fromkeys(tag for tag, *_ in routes))
    for tag, group in groupby(sorted(routes, key=lambda route: nouns.index(route[0])), key=lambda route: route[0]):
        parts.append(f"## {tag[0].upper()}{tag[1:]}")
        parts += [part for _, method, path, operation in group for part in _section(method, path, operation)]
    parts.append("## Data")
    for name, schema in schemas.items():
        parts += [f"(data-{name.lower()})=\n### `{name}`", schema.get("description", ""), _fields(schema)]
    return "\n\n".join(filter(None, parts))


def anchor(method: str, path: str) -> str:
    """Return the name under which other pages link to a route."""
    return f"{method.lower()}-" + "-".join(part.strip("{}.") for part in path.strip("/").split("/"))


def _section(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"({anchor(method, path)})=\n### `{method} {path}`"
    yield operation.get("description", "").strip()
    taken = [one for one in operation.get("parameters", []) if one["name"] not in _EVERYWHERE and one["in"] != "path"]
    for parameter in taken:
        told = _cell(parameter.get("description") or "") or _type(parameter["schema"])
        yield f"`{parameter['name']}` ({parameter['in']})\n: {told}"
    body = operation.get("requestBody", {}).get("content", {})
    if body:
        model = _model(body)
        yield "Body: " + ", ".join(f"`{kind}`" for kind in body) + (f", {_linked(model)}" if model else "") + "."
    yield "Answers: " + ", ".join(_answers(operation["responses"])) + "."


def _answers(responses: dict[str, Any]) -> Iterator[str]:
    for status in sorted(status for status in responses if status != "default"):
        model = _model(responses[status].get("content", {})) if status.startswith("2") else None
        yield f"{status} with {_linked(model)}" if model else status


def _linked(model: str) -> str:
    return f"[`{model}`](#data-{model.lower()})"


def _model(content: dict[str, Any]) -> str | None:
    for described in content.values():
        reference = described.get("schema", {}).get("$ref", "")
        if reference:
            return str(reference.rsplit("/", 1)[-1])
    return None


def _fields(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return "One of " + ", ".join(f"`{one}`" for one in schema["enum"]) + "."
    rows = [
        f"| `{name}` | {_type(field)} | {'yes' if name in schema.get('required', []) else ''} | "
        f"{_cell(field.get('description', ''))} |"
        for name, field in schema.get("properties", {}).items()
    ]
    return "" if not rows else "\n".join(["| field | type | needed | |", "|---|---|---|---|", *rows])


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(one) for one in schema["anyOf"] if one.get("type") != "null"))
    if "$ref" in schema:
        return _linked(schema["$ref"].rsplit("/", 1)[-1])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
