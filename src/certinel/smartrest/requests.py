"""What a device can ask for in SmartREST, as values.

Which device asks, and what becomes of a request, is *not* known here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class CreateDevice:
    """Message 100: make the object that stands for the device; None leaves a value to the platform."""

    name: str | None
    type: str | None


@dataclass(frozen=True, slots=True)
class Series:
    """One number of a measurement: ``{fragment: {name: {value, unit}}}``."""

    fragment: str
    name: str
    value: float | int
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class CreateMeasurement:
    """Messages 200 to 212: at least one series; without a time the platform's own counts.

    A row may name the same series twice: the later one counts.
    """

    message_id: str
    type: str
    time: datetime | None
    series: tuple[Series, ...]


Request: TypeAlias = CreateDevice | CreateMeasurement
