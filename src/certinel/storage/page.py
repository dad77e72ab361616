"""Pages of a list: which part a caller asks for, and the part it gets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Row, Select, func, select

from certinel.storage.engine import Transaction

T = TypeVar("T")

LARGEST_OFFSET = 2**62
"""Both engines count rows in 63 bits; a page beyond is empty, not an error."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is wanted; whoever asks keeps to the limits of the REST contract (rest.md 0.1)."""

    current_page: int = 1
    page_size: int = 5
    with_total_pages: bool = False
    with_total_elements: bool = False

    def __post_init__(self) -> None:
        if self.current_page < 1 or self.page_size < 1:
            msg = f"no such page: {self.current_page} of {self.page_size} elements"
            raise ValueError(msg)

    @property
    def offset(self) -> int:
        """How many elements come before the page."""
        return min((self.current_page - 1) * self.page_size, LARGEST_OFFSET)

    @property
    def wants_totals(self) -> bool:
        """Whether all elements must be counted."""
        return self.with_total_pages or self.with_total_elements


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One part of a list. ``total_elements`` is known only if a total was asked for."""

    items: tuple[T, ...]
    request: PageRequest
    total_elements: int | None = None

    @property
    def total_pages(self) -> int | None:
        """How many pages there are, if the elements were counted."""
        return None if self.total_elements is None else -(-self.total_elements // self.request.page_size)

    @property
    def may_have_next(self) -> bool:
        """False only if certainly no element follows."""
        if self.total_pages is not None:
            return self.request.current_page < self.total_pages
        return len(self.items) == self.request.page_size


async def fetch_page(
    tx: Transaction,
    statement: Select[*tuple[Any, ...]],
    request: PageRequest,
    build: Callable[[Row[*tuple[Any, ...]]], T],
) -> Page[T]:
    """Run the part of ``statement`` (which must say its order) that ``request`` asks for."""
    rows = await tx.execute(statement.limit(request.page_size).offset(request.offset))
    items = tuple(build(row) for row in rows)
    total = await count_of(tx, statement) if request.wants_totals else None
    return Page(items, request, total)


async def count_of(tx: Transaction, statement: Select[*tuple[Any, ...]]) -> int:
    """Return how many rows ``statement`` has."""
    counted = await tx.execute(select(func.count()).select_from(statement.order_by(None).subquery()))
    return int(counted.scalar_one())
