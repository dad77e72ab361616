"""Request bodies of forms with files: read after the caller is known, and bounded like all others."""

from collections.abc import AsyncGenerator, Mapping
from typing import Final, NamedTuple

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from certinel.api.json_body import read_body
from certinel.api.problems import MalformedBodyError

MULTIPART: Final = "multipart/form-data"
MAX_PARTS: Final = 16
"""Of files and of fields; no form of the contract has more than three."""


class FormField(NamedTuple):
    """One part of a form, as the document describes it."""

    name: str
    description: str
    is_file: bool = False


class MultipartBody:
    """Dependency that reads the request body as a form: the bytes of every part, by name.

    A body that says it is something else is read, for the limit's sake, and gives None. As with `JsonBody` nothing is
    read before the dependencies of the route have let the caller in.
    """

    def __init__(self, *fields: FormField) -> None:
        self.fields = fields

    async def __call__(self, request: Request) -> Mapping[str, bytes] | None:
        body = await read_body(request)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MULTIPART:
            return None
        return await _parts_of(request, body)

    @property
    def schema(self) -> dict[str, object]:
        """What the document says about it."""
        properties = {
            field.name: {"type": "string", "description": field.description}
            | ({"format": "binary"} if field.is_file else {})
            for field in self.fields
        }
        return {"type": "object", "properties": properties}


async def _parts_of(request: Request, body: bytes) -> Mapping[str, bytes]:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(
        request.headers, whole(), max_files=MAX_PARTS, max_fields=MAX_PARTS, max_part_size=max(len(body), 1)
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise MalformedBodyError(f"The request body is not a form: {error}") from None
    parts: dict[str, bytes] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            parts[name] = await value.read()
            await value.close()
        else:
            parts[name] = value.encode()
    return parts
