"""The one place where the platform asks what time it is."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time; the real one here, one that tests move in ``tests/support/clock.py``."""

    def now(self) -> datetime:
        """Return the current time in UTC, with its zone."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)
