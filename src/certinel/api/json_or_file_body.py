"""Request bodies that are JSON or, in a form, a file; read after the caller is known and bounded as all are."""

from collections.abc import AsyncGenerator
from types import MappingProxyType
from typing import Any, Final, TypeVar

from fastapi import Request
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from typing_extensions import override

from certinel.api.json_body import JsonBody, read_body
from certinel.api.problems import InvalidFieldsError, MalformedBodyError

MULTIPART: Final = "multipart/form-data"
MAX_PARTS: Final = 16
"""Of a form; no call needs more than one."""

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
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MULTIPART:
            return await super().__call__(request)
        return await _file_of(request, await read_body(request))


async def _file_of(request: Request, body: bytes) -> bytes:
    """Return the part ``file``, whether it says that it is a file or not."""

    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(
        request.headers, whole(), max_files=MAX_PARTS, max_fields=MAX_PARTS, max_part_size=max(len(body), 1)
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError, LookupError) as error:  # LookupError: a charset nobody knows
        raise MalformedBodyError(f"The request body is not a form: {error}") from None
    try:
        match form.get("file"):
            case UploadFile() as file:
                return await file.read()
            case str() as text:
                return text.encode()
            case _:
                raise InvalidFieldsError("file: the form has no part of this name")
    finally:
        await form.close()
