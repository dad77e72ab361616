"""How far a long list has been read, in the address of its next page."""

import base64
import binascii
import json
from typing import Final

from certinel.services.devices import Place

MAX_CHARACTERS: Final = 4096
LARGEST_NUMBER: Final = 2**63 - 1


def written_place(place: Place) -> str:
    """Write a place so that it can be part of an address."""
    text = json.dumps([place.part, *place.after], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(text: str) -> Place:
    """Read what `written_place` wrote; whatever else it is, the result is the beginning of the list."""
    try:
        part, key, number = json.loads(base64.urlsafe_b64decode(text[:MAX_CHARACTERS] + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, TypeError):
        return Place()
    is_one = type(part) is int and type(key) is str and type(number) is int
    if not is_one or part < 0 or not 0 <= number <= LARGEST_NUMBER or not key.isprintable():
        return Place()
    return Place(part, (key, number))
