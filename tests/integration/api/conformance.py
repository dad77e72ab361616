"""Does an answer keep what the OpenAPI document promises? Enough of JSON Schema for the document we make, and stricter:
what is not documented may not be there."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx

Json = Any

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


class Conformance:
    """The promises of one document."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self._paths = [
            (
                re.compile(
                    re.sub(r"\{[^}]+\}", "[^/]+", re.escape(path).replace(r"\{", "{").replace(r"\}", "}")) + "/?"
                ),
                path,
            )
            for path in sorted(document["paths"], key=lambda path: path.count("{"))
        ]

    def operation_of(self, method: str, raw_path: str) -> Json | None:
        for pattern, path in self._paths:
            if pattern.fullmatch(raw_path):
                return self.document["paths"][path].get(method.lower())
        return None

    def check(self, response: httpx.Response) -> None:
        """Fail unless status, media type and body of ``response`` are as documented."""
        request = response.request
        method = request.method.replace("HEAD", "GET")
        if method == "POST" and request.headers.get("x-http-method", "").upper() == "PUT":
            method = "PUT"
        raw_path = request.url.raw_path.decode().partition("?")[0]
        operation = self.operation_of(method, raw_path)
        if operation is None:
            is_answered = response.is_success and raw_path != "/openapi.json"
            assert not is_answered, f"undocumented: {method} {raw_path}"
            return
        documented = operation["responses"].get(str(response.status_code))
        if documented is None:
            assert response.status_code >= 400, f"{response.status_code} is not documented for {method} {raw_path}"
            documented = operation["responses"]["default"]
        if not response.content:
            return
        media_type = response.headers["content-type"].partition(";")[0]
        assert media_type in documented.get("content", {}), f"{media_type} is not documented for {method} {raw_path}"
        schema = documented["content"][media_type].get("schema", {})
        if media_type.endswith("json"):
            faults = list(self.faults(json.loads(response.content), schema, "$"))
            assert not faults, f"{method} {raw_path}: {faults}"

    def faults(self, value: Json, schema: Json, place: str) -> Iterator[str]:
        """Yield what is wrong with ``value``."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            yield from self.faults(value, self.document["components"]["schemas"][name], place)
            return
        if "anyOf" in schema:
            if all(list(self.faults(value, option, place)) for option in schema["anyOf"]):
                yield f"{place}: {value!r} is none of the alternatives"
            return
        yield from _simple_faults(value, schema, place)
        if isinstance(value, dict):
            yield from self._object_faults(value, schema, place)
        if isinstance(value, list):
            for position, item in enumerate(value):
                yield from self.faults(item, schema.get("items", {}), f"{place}[{position}]")

    def _object_faults(self, value: dict[str, Json], schema: Json, place: str) -> Iterator[str]:
        properties = schema.get("properties", {})
        yield from (f"{place}.{name} is missing" for name in schema.get("required", []) if name not in value)
        others = schema.get("additionalProperties", not properties)
        for name, member in value.items():
            if name in properties:
                yield from self.faults(member, properties[name], f"{place}.{name}")
            elif others is False:
                yield f"{place}.{name} is not documented"
            elif isinstance(others, dict):
                yield from self.faults(member, others, f"{place}.{name}")


def _simple_faults(value: Json, schema: Json, place: str) -> Iterator[str]:
    expected = schema.get("type")
    if expected is not None:
        names = [expected] if isinstance(expected, str) else expected
        is_bool = isinstance(value, bool)
        if not any(isinstance(value, _TYPES[name]) and (name == "boolean" or not is_bool) for name in names):
            yield f"{place}: {value!r} is no {expected}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is not in {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{place}: {value!r} is not {schema['const']}"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{place}: {value!r} does not match {schema['pattern']}"
