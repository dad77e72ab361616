"""Ids that are numbers inside and strings of digits outside."""

import re
from typing import Final

MAX_NUMBER: Final = 2**63 - 1
"""Both databases count in 64 bits."""
NOBODY: Final = 0
"""A number that nothing has: ids start at 1."""

_DIGITS: Final = re.compile(r"[0-9]{1,19}", re.ASCII)


def number_of(text: str) -> int:
    """Read an id; whatever cannot be one becomes the number that nothing has, so it is not found."""
    if not _DIGITS.fullmatch(text):
        return NOBODY
    number = int(text)
    return number if number <= MAX_NUMBER else NOBODY
