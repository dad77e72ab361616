"""Every command in the how-to guides is typed in as it stands, and prints what the page says."""

from __future__ import annotations

import asyncio

import pytest

from support.engines import Engines
from support.page import DOCS, pages_with_commands
from support.reader import Reader


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", pages_with_commands("howto"))
def test_commands_print_what_the_page_says(page: str, reader: Reader) -> None:
    reader.follow_page(DOCS / page)


@pytest.mark.timeout(600)
async def test_commands_on_postgresql_print_what_the_page_says(reader: Reader, engines: Engines) -> None:
    async with engines.fresh_url("postgresql", migrated=False) as reader.database:
        await asyncio.to_thread(reader.follow_page, DOCS / "howto/postgresql.md")
        reader.close()  # the database cannot be removed while the node holds it
