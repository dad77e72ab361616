"""How values are written for people: moments, durations, and text that strangers chose."""

from datetime import datetime, timedelta
from typing import Final

from certinel.ui.texts import Texts

_STEPS: Final = (
    (timedelta(minutes=1), timedelta(seconds=1), "seconds"),
    (timedelta(hours=1), timedelta(minutes=1), "minutes"),
    (timedelta(days=1), timedelta(hours=1), "hours"),
    (timedelta(days=60), timedelta(days=1), "days"),
    (timedelta(days=730), timedelta(days=30), "months"),
    (timedelta.max, timedelta(days=365), "years"),
)


def exact(moment: datetime) -> str:
    """Write a moment as on a page: 23 Nov 2026, 14:05."""
    return f"{moment:%-d %b %Y, %H:%M}"


def relative(moment: datetime, now: datetime, texts: Texts) -> str:
    """Say how long ago a moment was, or how long it is until it."""
    distance = abs(now - moment)
    if distance < timedelta(seconds=5):
        return texts("time.now")
    unit, name = next((unit, name) for below, unit, name in _STEPS if distance < below)
    return texts(f"time.{'ago' if moment <= now else 'in'}.{name}", count=distance // unit)


def visible(text: str) -> str:
    """Write text so that it cannot deceive: what does not print, direction marks included, is written as an escape.

    The whole of it: a page has room, and scrolls.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
