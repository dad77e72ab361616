"""Who would lose access if trust were changed: told before it is done.

Decided by admission, twice for each device, by the chain that it connected with last: by the trust of now and by the
changed one. Devices that have never connected with a certificate are not told of, nor are those that came to another
node within the last second.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from certinel.domain.admission import Admission, ConnectAttempt, decide
from certinel.domain.errors import Refusal
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.revocation_entry import RevocationEntry
from certinel.domain.revoked_serials import RevokedSerials, issuer_digest, serial_octets
from certinel.domain.trust_store import DeviceUserState, TrustStore
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.verdict_memory import VerdictMemory
from certinel.services import trusted_certificates
from certinel.services.platform import Platform
from certinel.storage import device_chains
from certinel.storage.device_chains import DeviceChain

EXAMINED_OF_PAGE = 2_000
"""Devices that are judged for one answer, at most: one to two seconds when none of them is remembered."""
READ_AT_ONCE = 200
JUDGED_AT_ONCE = 4
"""Devices judged before everybody else has a turn: some milliseconds."""
SCRATCH_BYTES = 16 * 1024 * 1024
"""Verifications of a rehearsal are not remembered beside those of connections, which they would displace."""


class TrustedCertificateChange(StrEnum):
    """What could become of a trusted certificate."""

    DISABLE = "DISABLE"
    DELETE = "DELETE"
    EXPIRE = "EXPIRE"


@dataclass(frozen=True, slots=True)
class LosingDevice:
    """A device that is let in now and would not be any more."""

    device: DeviceId
    refusal: Refusal
    """What it would be answered."""


@dataclass(frozen=True, slots=True)
class RehearsalPage:
    """A part of those who would lose access."""

    devices: tuple[LosingDevice, ...]
    examined: int
    """Devices that were judged for this part, those that keep their access included."""
    next: str | None
    """Where it goes on; None when all devices were judged."""


async def of_trusted_certificate(
    platform: Platform,
    tenant: TenantId,
    fingerprint: str,
    change: TrustedCertificateChange,
    *,
    after: str = "",
    limit: int,
) -> RehearsalPage:
    """Return devices that would lose access if ``change`` were made to a trusted certificate, after ``after``.

    Raises:
        TrustedCertificateNotFoundError: the tenant has none of this fingerprint.
    """
    async with platform.database.reading() as tx:
        trusted = await trusted_certificates.get(tx, tenant, fingerprint)
    changed = platform.trust.as_if(trusted=_changed(platform, trusted, change))
    return await _rehearsed(
        platform, tenant, changed, lambda attempt: _concerns(platform, trusted, attempt), after, limit
    )


async def of_revocation(
    platform: Platform, tenant: TenantId, entries: Collection[RevocationEntry], *, after: str = "", limit: int
) -> RehearsalPage:
    """Return devices that would lose access if ``entries`` were revoked, after ``after``; as the checks are set now."""
    revocation = platform.trust.revocation(tenant)
    # who is let in now is on no list of now: the new entries alone make the difference
    own = RevokedSerials()
    own.update(
        (serial_octets(one.serial), int(one.revoked_at.timestamp()), issuer_digest(one.issuer) if one.issuer else b"")
        for one in entries
    )
    changed = platform.trust.as_if(revocation=(tenant, revocation.with_own(own)))
    return await _rehearsed(platform, tenant, changed, lambda _: revocation.offline_check, after, limit)


def _changed(platform: Platform, trusted: TrustedCertificate, change: TrustedCertificateChange) -> TrustedCertificate:
    at = platform.clock.now()
    match change:
        case TrustedCertificateChange.DISABLE:
            return trusted.updated(status=TrustStatus.DISABLED)
        case TrustedCertificateChange.DELETE:
            return trusted.deleted(at)
        case TrustedCertificateChange.EXPIRE:
            return trusted.expired(at)
        case _:
            assert_never(change)


def _concerns(platform: Platform, trusted: TrustedCertificate, attempt: ConnectAttempt) -> bool:
    """Tell whether ``trusted`` can stand at the end of a path; most devices of a tenant with many CAs are let out."""
    presented = platform.verdicts.read(attempt.presented)
    if isinstance(presented, Refusal):
        return False
    candidates = platform.trust.candidates(presented.certificates, platform.clock.now())
    return any(one.id == trusted.id for one in candidates)


async def _rehearsed(
    platform: Platform,
    tenant: TenantId,
    changed: TrustStore,
    is_concerned: Callable[[ConnectAttempt], bool],
    after: str,
    limit: int,
) -> RehearsalPage:
    if not after:
        await platform.device_sightings.flush()  # whose first connect was a moment ago loses access, too
    losing: list[LosingDevice] = []
    examined = 0
    scratch = VerdictMemory(SCRATCH_BYTES)
    while examined < EXAMINED_OF_PAGE:
        chains = await _following(platform, tenant, after)
        for chain in chains:
            after = chain.leaf_sha256.hex()
            examined += 1
            attempt = ConnectAttempt(chain.presented, client_id=chain.device, user_name=tenant)
            if is_concerned(attempt) and (refusal := _lost(platform, changed, scratch, attempt)) is not None:
                losing.append(LosingDevice(chain.device, refusal))
            if len(losing) == limit:
                return RehearsalPage(tuple(losing), examined, after)
            if examined % JUDGED_AT_ONCE == 0:
                await asyncio.sleep(0)
        if len(chains) < READ_AT_ONCE:
            return RehearsalPage(tuple(losing), examined, None)
    return RehearsalPage(tuple(losing), examined, after)


async def _following(platform: Platform, tenant: TenantId, after: str) -> Sequence[DeviceChain]:
    async with platform.database.reading() as tx:
        return await device_chains.following(tx, tenant, after, READ_AT_ONCE, only_current=True)


def _lost(platform: Platform, changed: TrustStore, scratch: VerdictMemory, attempt: ConnectAttempt) -> Refusal | None:
    """Return the refusal that would take the place of an admission, if one would."""
    tenant = TenantId(attempt.user_name or "")
    if platform.trust.device_user(tenant, DeviceId(attempt.client_id)) is DeviceUserState.UNKNOWN:
        return None
    memory = platform.verdicts if platform.verdicts.knows(attempt.presented) else scratch
    at = platform.clock.now()
    then = decide(attempt, changed, memory, platform.policy, at)
    if isinstance(then, Admission):
        return None
    now = decide(attempt, platform.trust, memory, platform.policy, at)
    return then if isinstance(now, Admission) and now.tenant == tenant else None
