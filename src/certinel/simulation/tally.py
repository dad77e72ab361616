"""What happened in a simulation, counted while it happens. No I/O, no clock."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_BUCKETS_PER_FACTOR_E = 100
"""Buckets are one per cent wide: what a percentile may be off by. The largest value is exact."""
_SMALLEST_SECONDS = 1e-6


class Stage(StrEnum):
    """What is timed."""

    HANDSHAKE = "handshake"
    """From the TCP connection to the end of the TLS handshake, as the device sees it."""
    CONNACK = "connack"
    PUBACK = "puback"
    TOKEN = "token"  # noqa: S105 - a stage's name


class Latencies:
    """Any number of durations in bounded memory, to within one per cent."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0
        self.total_seconds = 0.0
        self.max_seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one more."""
        self._buckets[math.ceil(math.log(max(seconds, _SMALLEST_SECONDS)) * _BUCKETS_PER_FACTOR_E)] += 1
        self.count += 1
        self.total_seconds += seconds
        self.max_seconds = max(self.max_seconds, seconds)

    def percentile(self, percent: float) -> float:
        """Return the duration that so many per cent did not exceed; 0 when there is none."""
        wanted = math.ceil(self.count * percent / 100)
        for bucket in sorted(self._buckets):
            wanted -= self._buckets[bucket]
            if wanted <= 0:
                return min(math.exp(bucket / _BUCKETS_PER_FACTOR_E), self.max_seconds)
        return 0.0


@dataclass(slots=True)
class Tally:
    """The counts of one simulation so far."""

    latencies: Mapping[Stage, Latencies] = field(default_factory=lambda: {stage: Latencies() for stage in Stage})
    attempts: int = 0
    """Connections that were begun."""
    admitted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Answers other than "accepted", by their code."""
    failed: Counter[str] = field(default_factory=Counter)
    """Connections that ended before an answer, by the reason."""
    lost: Counter[str] = field(default_factory=Counter)
    """Connections that the platform ended after it had let the device in."""
    unexpected: Counter[str] = field(default_factory=Counter)
    """Everything of the above that should have gone otherwise, by what it was."""
    cut: int = 0
    """Connections that devices broke on purpose."""
    messages: int = 0
    """Measurements that were acknowledged."""
    tokens: int = 0
    connected: int = 0
    """Devices that are connected now."""
    finished: int = 0
    """Devices that have done what they were to do, or given up."""

    @property
    def unanswered(self) -> int:
        """Connections that were begun and have had no answer yet; at the end of a run, never."""
        return self.attempts - self.admitted - self.refused.total() - self.failed.total()

    @property
    def unexpected_percent(self) -> float:
        """How many of the connections went otherwise than they should."""
        return 100 * self.unexpected.total() / self.attempts if self.attempts else 0.0
