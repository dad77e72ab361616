"""Request bodies of plain forms, as sign-in pages send them."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from certinel.api.json_body import read_body
from certinel.api.problems import MalformedBodyError

FORM: Final = "application/x-www-form-urlencoded"
MAX_FORM_BYTES: Final = 16 * 1024
"""Strangers may send these; the longest password takes 3 KiB."""
MAX_FIELDS: Final = 32


class FormBody:
    """Dependency that reads the request body as a form, whatever it says it is; of several fields the last counts."""

    def __init__(self, *fields: str) -> None:
        self.fields = fields

    async def __call__(self, request: Request) -> Mapping[str, str]:
        body = await read_body(request, MAX_FORM_BYTES)
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        except ValueError:
            raise MalformedBodyError("The request body is not a form.") from None
        return dict(pairs)

    @property
    def schema(self) -> dict[str, object]:
        """What the document says about it."""
        return {"type": "object", "properties": {field: {"type": "string"} for field in self.fields}}
