"""Request bodies that are JSON or, in a form, a file; read after the caller is known and bounded as all are."""

from types import MappingProxyType
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel
from typing_extensions import override

from certinel.api.json_body import JsonBody, read_body
from certinel.api.multipart_body import MULTIPART, is_form, parts_of
from certinel.api.problems import InvalidFieldsError

Model = TypeVar("Model", bound=BaseModel)


class JsonOrFileBody(JsonBody[Model]):
    """Dependency that reads the request body as ``model``, or gives the bytes of the part ``file`` of a form."""

    def __init__(self, model: type[Model], description: str) -> None:
        super().__init__(model)
        file = {"type": "string", "format": "binary", "description": description}
        schema = {"type": "object", "required": ["file"], "properties": {"file": file}}
        self.other_content = MappingProxyType({MULTIPART: {"schema": schema}})

    @override
    async def __call__(self, request: Request) -> Any:  # what it gives is said by the route
        if not is_form(request):
            return await super().__call__(request)
        parts = await parts_of(request, await read_body(request))
        if "file" not in parts:
            raise InvalidFieldsError("file: the form has no part of this name")
        return parts["file"]
