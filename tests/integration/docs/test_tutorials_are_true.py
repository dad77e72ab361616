"""Every command in the tutorials is typed in as it stands, and prints what the page says."""

from __future__ import annotations

import pytest

from support.page import DOCS, pages_with_commands
from support.reader import Reader


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", pages_with_commands("tutorial"))
def test_commands_print_what_the_page_says(page: str, reader: Reader) -> None:
    reader.follow_page(DOCS / page)
