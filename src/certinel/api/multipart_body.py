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
        return await parts_of(request, body) if is_form(request) else None

    @property
    def schema(self) -> dict[str, object]:
        """What the document says about it."""
        properties = {
            field.name: {"type": "string", "description": field.description}
            | ({"format": "binary"} if field.is_file else {})
            for field in self.fields
        }
        return {"type": "object", "properties": properties}


def is_form(request: Request) -> bool:
    """Tell whether the request says that its body is a form with files."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == MULTIPART


async def parts_of(request: Request, body: bytes) -> Mapping[str, bytes]:
    """Return the bytes of every part of a form by its name, whether it says that it is a file or not.

    Of several parts of one name the first counts.
    """

    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(
        request.headers, whole(), max_files=MAX_PARTS, max_fields=MAX_PARTS, max_part_size=max(len(body), 1)
    )
    parts: dict[str, bytes] = {}
    try:
        form = await parser.parse()
        for name, value in form.multi_items():
            content = await value.read() if isinstance(value, UploadFile) else value.encode()
            parts.setdefault(name, content)
    except (MultiPartException, KeyError, ValueError, LookupError) as error:  # LookupError: a charset nobody knows
        raise MalformedBodyError(f"The request body is not a form: {error}") from None
    finally:
        # Starlette closes them for its own error only, and a form that ends too early does not name its last file.
        for file in parser._files_to_close_on_error:  # noqa: SLF001
            file.close()
    return parts
