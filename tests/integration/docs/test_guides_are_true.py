"""Every command in the how-to guides is typed in as it stands, and prints what the page says."""

from __future__ import annotations

import asyncio

import pytest

from support.engines import Engines
from support.page import DOCS, blocks, pages_with_commands
from support.reader import Reader


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", pages_with_commands("howto"))
def test_commands_print_what_the_page_says(page: str, reader: Reader) -> None:
    reader.follow_page(DOCS / page)


@pytest.mark.timeout(600)
async def test_commands_on_postgresql_print_what_the_page_says(reader: Reader, engines: Engines) -> None:
    page = DOCS / "howto/postgresql.md"
    statements = [block.text for block in blocks(page.read_text()) if block.kind == "sql"]
    async with engines.made_by(
        statements, database="certinel", role="certinel", password="PASSWORD"
    ) as reader.database:
        await asyncio.to_thread(reader.follow_page, page)
        reader.close()  # the database cannot be removed while the node holds it
