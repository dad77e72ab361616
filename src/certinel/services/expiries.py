"""Which certificates end soon: those that devices connect with, and those that a tenant trusts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from certinel.domain.certificate import Certificate
from certinel.domain.device import DeviceCertificate
from certinel.domain.identifiers import TenantId
from certinel.domain.trusted_certificate import TrustedCertificate
from certinel.services.platform import Platform
from certinel.storage import device_certificates
from certinel.storage.engine import Transaction

_DECEMBER = 12

Place = tuple[datetime, str]
"""How far a list of ending certificates has been read: end and SHA-256 of the last one."""


@dataclass(frozen=True, slots=True)
class MonthOfExpiries:
    """How many certificates end within a month (UTC)."""

    begins: datetime
    device_certificates: int
    trusted_certificates: int


async def of_devices(
    tx: Transaction, tenant: TenantId, until: datetime, after: Place | None, limit: int
) -> list[DeviceCertificate]:
    """Return the current certificates of devices that end by ``until`` or have ended, the first to end first."""
    return await device_certificates.expiring(tx, tenant, until, after, limit)


async def counts_of_devices(
    tx: Transaction, tenant: TenantId, spans: Sequence[tuple[datetime, datetime]]
) -> Sequence[int]:
    """Count the current certificates of devices that end within each span, its end left out."""
    return await device_certificates.counts_ending(tx, tenant, spans)


def of_trusted(platform: Platform, tenant: TenantId, until: datetime) -> list[TrustedCertificate]:
    """Return the trusted certificates that end by ``until`` or have ended, the first to end first."""
    ending = [one for one in _present(platform, tenant) if one.certificate.not_after <= until]
    return sorted(ending, key=lambda one: (one.certificate.not_after, one.id))


async def by_month(
    tx: Transaction, platform: Platform, tenant: TenantId, first: datetime, months: int
) -> Sequence[MonthOfExpiries]:
    """Count what ends in each of so many months from that of ``first`` on."""
    bounds = [first.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)]
    for _ in range(months):
        bounds.append(_month_after(bounds[-1]))
    of_trusted = Counter((end.year, end.month) for end in (one.not_after for one in _certificates(platform, tenant)))
    of_devices = await device_certificates.counts_ending(tx, tenant, list(pairwise(bounds)))
    return [
        MonthOfExpiries(begins, count, of_trusted[begins.year, begins.month])
        for begins, count in zip(bounds, of_devices, strict=False)
    ]


def _certificates(platform: Platform, tenant: TenantId) -> Iterator[Certificate]:
    return (one.certificate for one in _present(platform, tenant))


def _present(platform: Platform, tenant: TenantId) -> list[TrustedCertificate]:
    return [one for one in platform.trust.trusted_certificates(tenant) if one.deleted_at is None]


def _month_after(begins: datetime) -> datetime:
    if begins.month == _DECEMBER:
        return begins.replace(year=begins.year + 1, month=1)
    return begins.replace(month=begins.month + 1)
