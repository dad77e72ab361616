"""Every command in the pages is typed in as it stands, and prints what the page says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engines import Engines
from support.page import PageFailedError, Reader, before, missing_programs, steps, wants_postgresql

DOCS = Path(__file__).parents[3] / "docs"
PAGES = sorted(
    path.relative_to(DOCS).as_posix()
    for path in DOCS.glob("[!_]*/*.md")
    if any(steps(path.read_text())) and not wants_postgresql(path.read_text())
)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    try:
        yield reader
    finally:
        reader.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES)
def test_commands_print_what_the_page_says(page: str, reader: Reader) -> None:
    text = (DOCS / page).read_text()
    if missing := missing_programs(text):
        pytest.skip(f"{page} needs {', '.join(missing)}")
    reader.follow(before(text, DOCS))
    reader.follow(text)


@pytest.mark.timeout(600)
async def test_commands_on_postgresql_print_what_the_page_says(reader: Reader, engines: Engines) -> None:
    async with engines.fresh_url("postgresql", migrated=False) as reader.database:
        await asyncio.to_thread(reader.follow, (DOCS / "howto/postgresql.md").read_text())
        reader.close()  # the database cannot be removed while the node holds it


# The reader itself: a page that is not true fails.


def test_output_that_differs_fails(reader: Reader) -> None:
    with pytest.raises(PageFailedError, match="the page says"):
        reader.follow("```console\n$ echo two\none\n```\n")


def test_command_that_fails_without_a_word_about_it_in_the_page_fails(reader: Reader) -> None:
    with pytest.raises(PageFailedError, match="ends with 3"):
        reader.follow("```console\n$ (exit 3)\n```\n")


def test_ellipsis_stands_for_any_text_and_any_lines(reader: Reader) -> None:
    reader.follow("```console\n$ printf 'a 17 b\\n1\\n2\\nend\\n'\na … b\n…\nend\n```\n")


def test_captioned_block_is_a_file_and_the_shell_remembers(reader: Reader) -> None:
    reader.follow("```{code-block} text\n:caption: a.txt\n\nhere\n```\n```console\n$ n=a.txt\n$ cat $n\nhere\n```\n")
