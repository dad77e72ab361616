"""Fields as values: numbers, moments and names.

Each reader raises ``ArgumentError`` for what it does not take, whatever the text.
"""

import re
from datetime import UTC, datetime

from certinel.smartrest.errors import ArgumentError

MAX_NUMBER_CHARACTERS = 64
"""No sensor needs more; keeps the time to read a number small."""

LARGEST_INTEGER = 2**63 - 1
"""What a storage engine keeps exactly; a larger whole number becomes a floating-point one."""

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""Between these, a day more or less and any offset stay within what every engine and language can express."""

RESERVED_FRAGMENTS = frozenset({"id", "self", "source", "time", "type"})
"""Names that a measurement uses itself: as fragments they would replace its own."""

_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)",
)


def text(field: str) -> str:
    """Take any text."""
    return field


def fragment(field: str) -> str:
    """Take the name of a fragment of a measurement."""
    if field in RESERVED_FRAGMENTS:
        raise ArgumentError.reserved_name(field)
    return field


def number(field: str) -> float | int:
    """Read a finite decimal number; whole ones within 64 bits stay whole."""
    if len(field) <= MAX_NUMBER_CHARACTERS and _NUMBER.fullmatch(field):
        if _WHOLE.fullmatch(field) and -LARGEST_INTEGER <= (whole := int(field)) <= LARGEST_INTEGER:
            return whole
        value = float(field)
        if value - value == 0:  # not so for infinity, which is what 1e999 gives
            return value
    raise ArgumentError.wrong_value("NUMBER", field)


def moment(field: str) -> datetime:
    """Read a moment of ISO 8601 with its offset, as UTC."""
    if _MOMENT.fullmatch(field):
        try:
            value = datetime.fromisoformat(field).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        else:
            if EARLIEST <= value < LATEST:
                return value
    raise ArgumentError.wrong_value("DATE", field)
