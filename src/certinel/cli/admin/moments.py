"""Moments as people type them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from certinel.cli.terminal import EXIT_USAGE, CommandError
from certinel.services.clock import SystemClock

_SPAN: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment_of(text: str, now: datetime) -> datetime:
    """Read ``2h`` as two hours before ``now``, or a date or time, which is UTC unless it says otherwise."""
    span = _SPAN.fullmatch(text)
    try:
        if span is not None:
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CommandError(f"{text}: not a span of time as 2h, or a date as 2026-11-23", EXIT_USAGE) from None


def queried(text: str | None) -> str | None:
    """Return a moment as a query of the REST interface has it."""
    return moment_of(text, SystemClock().now()).isoformat() if text is not None else None
