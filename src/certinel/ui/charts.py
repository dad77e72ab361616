"""Charts as numbers: where bars and lines are, in units of a drawing that the templates stretch to its place.

No words and no colors: those are the templates' and the style sheets'. Axis labels stand beside the drawing, as text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

WIDTH: Final = 1000.0
HEIGHT: Final = 200.0
GAP: Final = 0.22
"""Of the room of a bar that stays free."""
LEAST: Final = 3.0
"""What is not nothing can be seen."""
LEVELS: Final = 4
"""Shades of a calendar, besides that for nothing."""

_STEPS: Final = (1, 2, 4, 5, 10)


@dataclass(frozen=True, slots=True)
class Bar:
    """One stack of two values, the lower one at the bottom."""

    x: float
    width: float
    lower: float
    """Height of the lower part."""
    upper: float

    @property
    def lower_y(self) -> float:
        """Where the lower part begins, from above."""
        return round(HEIGHT - self.lower, 2)

    @property
    def upper_y(self) -> float:
        """Where the upper part begins, from above."""
        return round(HEIGHT - self.lower - self.upper, 2)


@dataclass(frozen=True, slots=True)
class StackedBars:
    """Bars side by side on one scale, which begins at nothing."""

    bars: tuple[Bar, ...]
    top: int
    """The value that the height of the drawing stands for: a round number."""
    width: float = WIDTH
    height: float = HEIGHT

    @classmethod
    def of(cls, values: Sequence[tuple[int, int]]) -> "StackedBars":
        """Draw pairs of a lower and an upper value."""
        top = round_number_from(max((lower + upper for lower, upper in values), default=0))
        room = WIDTH / max(len(values), 1)
        return cls(
            tuple(
                Bar(
                    round(number * room + room * GAP / 2, 2),
                    round(room * (1 - GAP), 2),
                    _height(lower, top),
                    _height(upper, top),
                )
                for number, (lower, upper) in enumerate(values)
            ),
            top,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """Values over time as one line, from the smallest at the bottom to the largest at the top."""

    points: str
    """For a ``polyline``."""
    width: float = WIDTH
    height: float = HEIGHT

    @classmethod
    def of(cls, values: Sequence[tuple[float, float]]) -> "Line":
        """Draw pairs of a moment, in any unit, and a value, in order of time."""
        if not values:
            return cls("")
        begin, end = values[0][0], values[-1][0]
        lowest, highest = min(value for _, value in values), max(value for _, value in values)
        across, up = end - begin or 1.0, highest - lowest
        edge = HEIGHT * 0.05

        def height(value: float) -> float:
            return HEIGHT / 2 if not up else HEIGHT - edge - (value - lowest) / up * (HEIGHT - 2 * edge)

        points = [(round((at - begin) / across * WIDTH, 1), round(height(value), 1)) for at, value in values]
        if len(points) == 1:
            points = [(0.0, points[0][1]), (WIDTH, points[0][1])]
        return cls(" ".join(f"{x:g},{y:g}" for x, y in points))


def round_number_from(value: int) -> int:
    """Return the smallest round number that is not below ``value``, and that can be halved."""
    power = 1
    while True:
        for step in _STEPS:
            if step * power >= value and (step * power % 2 == 0 or step * power == 1):
                return max(step * power, 2)
        power *= 10


def levels(values: Sequence[int]) -> list[int]:
    """Return a shade for each value: 0 for nothing, then evenly up to ``LEVELS`` for the largest."""
    largest = max(values, default=0)
    return [0 if not value else max(1, -(-value * LEVELS // largest)) for value in values]


def thinned(values: Sequence[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """Return at most so many of the values, the extremes of every stretch among them."""
    if len(values) <= most:
        return list(values)
    bounds = [number * len(values) // (most // 2) for number in range(most // 2 + 1)]
    kept: list[tuple[float, float]] = []
    for begin, end in pairwise(bounds):
        stretch = values[begin:end]
        kept += sorted({min(stretch, key=lambda one: one[1]), max(stretch, key=lambda one: one[1])})
    return kept


def _height(value: int, top: int) -> float:
    return round(max(value / top * HEIGHT, LEAST), 2) if value else 0.0
