"""Leaky buckets: how much of something a key may have at once, and how fast it may have it again. Without I/O.

The caller brings the monotonic time.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

MAX_REMEMBERED = 65_536
"""Bounds the memory of a set of buckets; beyond, the oldest are forgotten, which forgives and never refuses."""

ROUNDING = 0.01
"""Of one charge: sums of floats never take away the last of a burst."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something may happen."""

    per_second: float
    """In the long run; 0 for no limit at all."""
    burst: int
    """At once, after a quiet time."""


class Buckets(Generic[Key]):
    """One bucket a key, each kept as one number: the moment at which it will have run empty."""

    def __init__(self, rate: Rate) -> None:
        self._cost = 1 / rate.per_second if rate.per_second else 0.0
        self._depth = self._cost * (rate.burst + ROUNDING)
        self._empty_at: OrderedDict[Key, float] = OrderedDict()

    def __len__(self) -> int:
        """Return how many buckets are remembered."""
        return len(self._empty_at)

    def has_room(self, key: Key, now: float, *, beside: int = 0) -> bool:
        """Tell whether ``take`` would succeed."""
        return not self._cost or max(self._empty_at.get(key, now), now) + self._cost * (1 + beside) - now <= self._depth

    def take(self, key: Key, now: float, *, beside: int = 0) -> bool:
        """Charge a bucket once; False, and no charge, if it has no room, ``beside`` that of as many charges."""
        if not self._cost:
            return True
        if not self.has_room(key, now, beside=beside):
            return False
        self._empty_at[key] = max(self._empty_at.get(key, now), now) + self._cost
        self._empty_at.move_to_end(key)
        if len(self._empty_at) > MAX_REMEMBERED:
            self._empty_at.popitem(last=False)
        return True

    def give_back(self, key: Key) -> None:
        """Undo one ``take``."""
        if key in self._empty_at:
            self._empty_at[key] -= self._cost

    def forget(self, key: Key) -> None:
        """Empty a bucket."""
        self._empty_at.pop(key, None)
