"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class MovableClock:
    """Tells the time it was set to."""

    def __init__(self, at: datetime = START) -> None:
        self._at = at

    def now(self) -> datetime:
        """Return the time it was last set or moved to."""
        return self._at

    def move(self, by: timedelta) -> None:
        """Go forward, or back with a negative ``by``."""
        self._at += by

    def set(self, at: datetime) -> None:
        """Jump to ``at``."""
        self._at = at
