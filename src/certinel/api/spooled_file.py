"""Large request bodies, files in forms and whole ones: bounded, and on disk beyond the first megabyte."""

from collections.abc import AsyncGenerator, AsyncIterator
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from typing_extensions import override

from certinel.api.json_body import MAX_LENGTH_DIGITS
from certinel.api.multipart_body import MAX_PARTS, MULTIPART, FormField, is_form
from certinel.api.problems import BodyTooLargeError, InvalidFieldsError, MalformedBodyError, UnsupportedBodyError

MAX_IN_MEMORY: Final = 1024 * 1024
"""Many callers may send at once."""


class SpooledBody:
    """Dependency that gives the whole body, whatever media type is claimed for it, as an open file.

    It is gone when the request has ended. As with other bodies nothing is read before the dependencies of the route
    have let the caller in.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes

    async def __call__(self, request: Request) -> AsyncIterator[BinaryIO]:
        with SpooledTemporaryFile(max_size=MAX_IN_MEMORY) as file:
            async for chunk in _bounded(request, self.max_bytes):
                file.write(chunk)
            file.seek(0)
            yield cast("BinaryIO", file)


class SpooledFile:
    """Dependency that gives one part of a form as an open file, which is gone when the request has ended.

    As with other bodies nothing is read before the dependencies of the route have let the caller in, and a body that
    is no form is read to its end.
    """

    def __init__(self, field: FormField, max_bytes: int) -> None:
        self.field, self.max_bytes = field, max_bytes

    async def __call__(self, request: Request) -> AsyncIterator[BinaryIO]:
        stream = _bounded(request, self.max_bytes)
        if not is_form(request):
            async for _ in stream:
                pass
            raise UnsupportedBodyError(f"The request body must be a form ({MULTIPART}) with a part {self.field.name}.")
        form = await _form(request, stream)
        try:
            part = form.get(self.field.name)
            if not isinstance(part, UploadFile):
                raise InvalidFieldsError(f"{self.field.name}: the form has no part of this name")
            yield part.file
        finally:
            await form.close()

    @property
    def schema(self) -> dict[str, object]:
        """What the document says about it."""
        part = {"type": "string", "format": "binary", "description": self.field.description}
        return {"type": "object", "required": [self.field.name], "properties": {self.field.name: part}}


async def _bounded(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    too_large = BodyTooLargeError(f"The request body has more than {max_bytes} bytes.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > MAX_LENGTH_DIGITS or int(declared) > max_bytes):
        raise too_large
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise too_large
        yield chunk


async def _form(request: Request, stream: AsyncGenerator[bytes, None]) -> FormData:
    parser = _FilesOnlyParser(request.headers, stream, max_files=MAX_PARTS, max_fields=MAX_PARTS)
    try:
        return await parser.parse()
    except (MultiPartException, KeyError, ValueError, LookupError) as error:  # LookupError: a charset nobody knows
        raise MalformedBodyError(f"The request body is not a form: {error}") from None
    finally:
        parser.close_unfinished()


class _FilesOnlyParser(MultiPartParser):
    """Takes every part for a file, since some clients send no file name: what is no file would stay in memory."""

    _is_finished = False

    @override
    def on_headers_finished(self) -> None:
        part = self._current_part
        if part.content_disposition is not None and b"filename" not in part.content_disposition:
            part.content_disposition += b'; filename=""'
        super().on_headers_finished()

    @override
    async def parse(self) -> FormData:
        form = await super().parse()
        self._is_finished = True
        return form

    def close_unfinished(self) -> None:
        """Close what was spooled of a form that could not be read to its end."""
        if not self._is_finished:
            for file in self._files_to_close_on_error:
                file.close()
