"""What a browser sends with a form, within limits."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

MAX_FORM_BYTES: Final = 4 * 1024 * 1024
"""Of a form whose page has not set its own limit: some certificates, a handful of fields."""
MAX_FIELDS: Final = 2_000
MAX_FIELD_BYTES: Final = 1024 * 1024
MAX_FILES: Final = 64

ROOT: Final = "/ui"
FIRST_PAGE: Final = f"{ROOT}/"
XSRF: Final = "xsrf"
"""The field with the token of the session."""
SHOWN_AT: Final = "shown_at"
"""The field with the address of the page that the form is on: where it is shown again."""
OF_THE_FRAME: Final = frozenset({XSRF, SHOWN_AT})
SECRET_WORDS: Final = ("password", "passphrase", "secret", "token")
"""A field with one of these in its name is never sent back."""
KEY_MATERIAL: Final = "PRIVATE KEY"


class UnreadableFormError(Exception):
    """The form is larger than the page takes, or is none."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form that was sent."""

    lists: Mapping[str, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    files: Mapping[str, Sequence[UploadFile]] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """Chosen files; a field without one is not here."""

    def text(self, name: str) -> str:
        """Return the last value of a field, without white space around it; empty when it was not sent."""
        return self.whole_text(name).strip()

    def whole_text(self, name: str) -> str:
        """Return the last value of a field as it was typed: for passwords."""
        values = self.lists.get(name, ())
        return values[-1] if values else ""

    def is_checked(self, name: str) -> bool:
        """Tell whether a box was checked, or a button of this name was pressed."""
        return bool(self.whole_text(name))

    def back(self, otherwise: str) -> str:
        """Return the page that the form is on, for forms that are on several; raises nothing, whatever was sent."""
        return own_address(self.text(SHOWN_AT)) if self.text(SHOWN_AT) else otherwise

    @property
    def typed(self) -> Mapping[str, Sequence[str]]:
        """What may be shown again: no password, no key material, nothing of the frame."""
        return {name: values for name, values in self.lists.items() if _may_be_shown(name, values)}


def own_address(address: str) -> str:
    """Return ``address`` if it is one of our pages, else the first page: nobody is sent elsewhere."""
    parts = urlsplit(address)
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith(FIRST_PAGE)
    is_plain = address.isascii() and address.isprintable() and "\\" not in address
    is_way_in = parts.path in {f"{ROOT}/sign-in", f"{ROOT}/sign-out"}
    return address if is_ours and is_plain and not is_way_in else FIRST_PAGE


def _may_be_shown(name: str, values: Sequence[str]) -> bool:
    is_secret = name in OF_THE_FRAME or any(word in name for word in SECRET_WORDS)
    return not is_secret and not any(KEY_MATERIAL in value for value in values)


@asynccontextmanager
async def form_of(request: Request, max_bytes: int) -> AsyncIterator[Form]:
    """Read the form of ``request``; its files are open inside.

    Raises:
        UnreadableFormError: it takes more than ``max_bytes``, has too many parts, or is no form.
    """
    limited = Request(request.scope, _Limited(request, max_bytes).receive)
    try:
        data = await limited.form(max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES)
    except HTTPException as error:
        raise UnreadableFormError(400) from error
    try:
        lists: dict[str, list[str]] = {}
        files: dict[str, list[UploadFile]] = {}
        for name, value in data.multi_items():
            if isinstance(value, str):
                lists.setdefault(name, []).append(value.replace("\0", ""))
            elif value.filename:  # a file field that nobody used comes as a file without a name
                files.setdefault(name, []).append(value)
        yield Form(lists, files)
    finally:
        await data.close()


class _Limited:
    """Hands on the body of a request as long as it keeps to a limit."""

    def __init__(self, request: Request, max_bytes: int) -> None:
        self._receive = request.receive
        self._left = max_bytes

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise UnreadableFormError(413)
        return message
