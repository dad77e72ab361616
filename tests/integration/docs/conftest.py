"""What the tests of the documentation share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.reader import Reader


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Somebody at a terminal, whose programs end with the test."""
    reader = Reader(tmp_path)
    try:
        yield reader
    finally:
        reader.close()
