"""Pages of long lists: each says where the next one begins, so that the last is as quick as the first."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from pydantic import Field

from certinel.api.pagination import MAX_PAGE_SIZE, base_url
from certinel.api.problems import InvalidFieldsError
from certinel.api.representation import Answer

DEFAULT_PAGE_SIZE: Final = 50
MAX_CURSOR_CHARACTERS: Final = 4096


@dataclass(frozen=True, slots=True)
class KeyPageRequest:
    """Which part of a list is wanted."""

    page_size: int
    after: str | None


async def key_paging(
    *,
    page_size: Annotated[
        int,
        Query(alias="pageSize", ge=1, description=f"Members of a page; more than {MAX_PAGE_SIZE} is trimmed to that."),
    ] = DEFAULT_PAGE_SIZE,
    after: Annotated[
        str | None,
        Query(max_length=MAX_CURSOR_CHARACTERS, description="Where to go on, as `next` of the page before says it."),
    ] = None,
) -> KeyPageRequest:
    """Read the two query parameters that such lists share."""
    return KeyPageRequest(min(page_size, MAX_PAGE_SIZE), after)


KeyPaging = Annotated[KeyPageRequest, Depends(key_paging)]


class KeyCollection(Answer):
    """What every such list has besides its members."""

    self: str = Field(description="The address of this page.")
    next: str | None = Field(default=None, description="The page after; absent on the last one.")


def key_envelope(request: Request, after: str | None) -> dict[str, Any]:
    """Return the fields of a `KeyCollection`; the next page begins after ``after``."""
    own = f"{base_url(request)}{request.url.path}"
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    query = f"?{request.url.query}" if request.url.query else ""
    return {
        "self": f"{own}{query}",
        "next": f"{own}?{urlencode([*kept, ('after', after)])}" if after is not None else None,
    }


def written(*key: str | int) -> str:
    """Write a key so that it can be part of an address."""
    text = json.dumps(key, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(cursor: str, *kinds: type[str | int]) -> tuple[Any, ...]:
    """Read what `written` wrote, expecting values of these kinds.

    Raises:
        InvalidFieldsError: it is something else.
    """
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        key = None
    if not isinstance(key, list) or [type(value) for value in key] != list(kinds):
        raise InvalidFieldsError("after: not a place in this list")
    if any(isinstance(value, str) and "\0" in value for value in key):
        raise InvalidFieldsError("after: not a place in this list")
    return tuple(key)
