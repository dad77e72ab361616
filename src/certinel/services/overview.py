"""Is anything wrong? What a tenant sees first: how many devices are there, who came and who was refused, and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from certinel.domain.identifiers import TenantId
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.services.connection_attempts import RETENTION
from certinel.services.platform import Platform
from certinel.storage import connection_counts
from certinel.storage.connection_counts import HourlyCount
from certinel.storage.engine import Transaction


class Span(StrEnum):
    """What attempts are counted by."""

    HOUR = "HOUR"
    DAY = "DAY"


_LENGTH = {Span.HOUR: timedelta(hours=1), Span.DAY: timedelta(days=1)}
MAX_SPANS = int(RETENTION / _LENGTH[Span.HOUR])
"""Attempts are counted for as long as they are kept."""


@dataclass(frozen=True, slots=True)
class SpanOfAttempts:
    """How many attempts there were within an hour or a day (UTC)."""

    begins: datetime
    admitted: int
    refused: int


@dataclass(frozen=True, slots=True)
class AttemptCounts:
    """Attempts over time, and what the refused ones were refused for, the most frequent first."""

    spans: tuple[SpanOfAttempts, ...]
    refusals: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class FleetState:
    """What a tenant has right now."""

    devices: int
    connected: int
    trusted_certificates: int
    lacking_proof: tuple[TrustedCertificate, ...]
    """Trusted certificates in force without proof of possession, in the order of upload."""


def state_of(platform: Platform, tenant: TenantId) -> FleetState:
    """Return how many devices and trusted certificates ``tenant`` has; from memory."""
    present = [one for one in platform.trust.trusted_certificates(tenant) if one.deleted_at is None]
    lacking = [one for one in present if one.status is TrustStatus.ENABLED and not one.is_proven]
    return FleetState(
        devices=platform.trust.device_count(tenant),
        connected=len(platform.presence.connected(tenant)),
        trusted_certificates=len(present),
        lacking_proof=tuple(sorted(lacking, key=lambda one: (one.uploaded_at, one.id))),
    )


async def attempts_of(tx: Transaction, tenant: TenantId, span: Span, count: int, until: datetime) -> AttemptCounts:
    """Count the attempts of the last ``count`` hours or days, that of ``until`` included.

    Summaries count as all that they stand for. Strangers whom no tenant has a claim to count for management.
    """
    length = _LENGTH[span]
    last = until.replace(minute=0, second=0, microsecond=0)
    if span is Span.DAY:
        last = last.replace(hour=0)
    first = last - (count - 1) * length
    counted = await connection_counts.by_hour(tx, tenant, first, last + length)
    refusals = await connection_counts.refusals(tx, tenant, first, last + length)
    return AttemptCounts(_spans(counted, first, length, count), tuple(refusals))


def _spans(
    counted: Sequence[HourlyCount], first: datetime, length: timedelta, count: int
) -> tuple[SpanOfAttempts, ...]:
    admitted, refused = Counter[int](), Counter[int]()
    for one in counted:
        position = (one.hour - first) // length
        admitted[position] += one.admitted
        refused[position] += one.refused
    return tuple(SpanOfAttempts(first + n * length, admitted[n], refused[n]) for n in range(count))
