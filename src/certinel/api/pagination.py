"""The paging envelope that all collections share, and where ``self``, ``prev`` and ``next`` point."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import Depends, Query, Request
from pydantic import Field

from certinel.api.representation import Answer
from certinel.storage.page import Page, PageRequest

DEFAULT_PAGE_SIZE: Final = 5
MAX_PAGE_SIZE: Final = 2000
"""Larger sizes are trimmed to it, as the contract says."""
MAX_PAGE: Final = 2**31 - 1
"""The contract's integers are those of Java; page times size must also fit a database's offset."""

_HOST: Final = re.compile(r"[A-Za-z0-9.\-_]{1,253}(?::\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?")


class Statistics(Answer):
    """Where in the collection a page is; the totals are there only when they were asked for."""

    current_page: int
    page_size: int
    total_pages: int | None = None
    total_elements: int | None = None


class Collection(Answer):
    """What every collection has besides its members."""

    self: str = Field(description="The address of this page.")
    statistics: Statistics
    prev: str | None = Field(default=None, description="The page before; not on the first page.")
    next: str | None = Field(default=None, description="The page after; there may be nothing on it.")


async def paging(
    *,
    current_page: Annotated[
        int, Query(alias="currentPage", ge=1, le=MAX_PAGE, description="The page, counted from 1.")
    ] = 1,
    page_size: Annotated[
        int,
        Query(alias="pageSize", ge=1, description=f"Members of a page; more than {MAX_PAGE_SIZE} is trimmed to that."),
    ] = DEFAULT_PAGE_SIZE,
    with_total_pages: Annotated[bool, Query(alias="withTotalPages", description="Count the pages.")] = False,
    with_total_elements: Annotated[bool, Query(alias="withTotalElements", description="Count the members.")] = False,
) -> PageRequest:
    """Read the four query parameters that all collections share."""
    return PageRequest(current_page, min(page_size, MAX_PAGE_SIZE), with_total_pages, with_total_elements)


Paging = Annotated[PageRequest, Depends(paging)]


def base_url(request: Request) -> str:
    """Return ``https://host`` as the caller reached us.

    A Host header that is no host name is not repeated: the address the connection came in on takes its place.
    """
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        server = request.scope.get("server") or ("localhost", None)
        host = server[0] if server[1] is None else f"{server[0]}:{server[1]}"
    return f"{request.url.scheme}://{host}"


def link(request: Request, *segments: str) -> str:
    """Return the public address of the path made of ``segments``, each of them encoded."""
    return "/".join([base_url(request), *(quote(segment, safe="") for segment in segments)])


def envelope(request: Request, page: Page[Any]) -> dict[str, Any]:
    """Return the fields of a `Collection` for one page."""
    asked = page.request
    statistics = Statistics(
        current_page=asked.current_page,
        page_size=asked.page_size,
        total_pages=page.total_pages if asked.with_total_pages else None,
        total_elements=page.total_elements if asked.with_total_elements else None,
    )
    return {
        "self": _page_url(request, asked, asked.current_page),
        "statistics": statistics,
        "prev": _page_url(request, asked, asked.current_page - 1) if asked.current_page > 1 else None,
        "next": _page_url(request, asked, asked.current_page + 1) if page.may_have_next else None,
    }


def _page_url(request: Request, asked: PageRequest, number: int) -> str:
    """Keep the caller's filters; clients read the page number out of ``currentPage=``."""
    kept: Iterable[tuple[str, str]] = (
        (name, value) for name, value in request.query_params.multi_items() if name not in {"currentPage", "pageSize"}
    )
    query = urlencode([*kept, ("pageSize", str(asked.page_size)), ("currentPage", str(number))])
    return f"{base_url(request)}{request.url.path}?{query}"
