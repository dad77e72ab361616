"""Proving that a tenant holds the private key of its trusted certificate: codes, proofs, confirmations by hand.

Every change counts for the next connection and ends the live sessions that it concerns. Who may call is *not* checked
here.
"""

from certinel.bus.messages import TrustChanged
from certinel.domain.audit import PLATFORM, Actor
from certinel.domain.identifiers import TenantId
from certinel.domain.possession import proven_by
from certinel.domain.trust_store import CLAIMS_OUTLIVE_DELETION
from certinel.domain.trusted_certificate import TrustedCertificate
from certinel.services.platform import Platform
from certinel.services.proof_advice import warn_after_commit
from certinel.services.trusted_certificates import (
    TrustedCertificateNotFoundError,
    get_for_change,
    new_code,
    record,
)
from certinel.storage import trusted_certificates
from certinel.storage.engine import Transaction


async def regenerate_code(
    tx: Transaction, platform: Platform, tenant: TenantId, fingerprint: str, by: Actor = PLATFORM
) -> TrustedCertificate:
    """Put a new code in place of the last one, which is void from now on; a proof that was given stays.

    Raises:
        TrustedCertificateNotFoundError: the tenant has none of this fingerprint.
    """
    at = platform.clock.now()
    before = await get_for_change(tx, tenant, fingerprint)
    trusted = before.with_code(new_code(at))
    await trusted_certificates.save(tx, trusted)
    record(tx, before, trusted, f"Verification code of trusted certificate made on '{tenant}'.", by=by, at=at)
    return trusted


async def prove(
    tx: Transaction,
    platform: Platform,
    tenant: TenantId,
    fingerprint: str,
    signature_text: str,
    by: Actor = PLATFORM,
) -> TrustedCertificate:
    """Take a signature as proof; the code is used up by it, and by nothing else.

    Raises:
        TrustedCertificateNotFoundError: the tenant has none of this fingerprint.
        DeviceIdentityError: the signature proves nothing; see ``domain.possession.proven_by``.
    """
    at = platform.clock.now()
    trusted = await get_for_change(tx, tenant, fingerprint)
    proven = proven_by(trusted, signature_text, at)
    record(tx, trusted, proven, f"Possession of trusted certificate proven on '{tenant}'.", by=by, at=at)
    return await _save(tx, platform, proven)


async def confirm(
    tx: Transaction, platform: Platform, tenant: TenantId, fingerprint: str, by: Actor = PLATFORM
) -> TrustedCertificate:
    """Take the operator's word for it that ``tenant`` holds the key; confirming again changes nothing.

    Dangerous for other tenants when the word is wrong: devices of theirs with the same CA move to ``tenant``.

    Raises:
        TrustedCertificateNotFoundError: the tenant has none of this fingerprint.
    """
    trusted = await get_for_change(tx, tenant, fingerprint)
    if trusted.is_proven:
        return trusted
    at = platform.clock.now()
    proven = trusted.proven(at)
    record(tx, trusted, proven, f"Possession of trusted certificate confirmed by hand on '{tenant}'.", by=by, at=at)
    return await _save(tx, platform, proven)


async def withdraw(
    tx: Transaction, platform: Platform, tenant: TenantId, fingerprint: str, by: Actor = PLATFORM
) -> None:
    """Take back what was proven or confirmed for the key of a certificate, so that the tenant has to prove it again.

    That concerns every upload of this subject and key, also renewed ones, and those deleted lately, whose claims would
    otherwise still be proven ones.

    Raises:
        TrustedCertificateNotFoundError: the tenant has none of this fingerprint and had none lately.
    """
    at = platform.clock.now()
    await trusted_certificates.lock_all(tx, tenant)
    claiming = await trusted_certificates.claiming(tx, tenant, at - CLAIMS_OUTLIVE_DELETION)
    named = next((one for one in claiming if one.fingerprint == fingerprint.lower()), None)
    if named is None:
        raise TrustedCertificateNotFoundError(fingerprint)
    proven = [one for one in claiming if one.is_proven and named.is_renewed_by(one.certificate)]
    unproven = [one.unproven(new_code(at)) for one in proven]
    activity = f"Proof of possession of trusted certificate withdrawn on '{tenant}'."
    for before, trusted in zip(proven, unproven, strict=True):
        await trusted_certificates.save(tx, trusted)
        record(tx, before, trusted, activity, by=by, at=at)
    tx.after_commit(platform.bus.publish, TrustChanged(tenant, named.certificate.subject))
    warn_after_commit(tx, platform, unproven)


async def _save(tx: Transaction, platform: Platform, trusted: TrustedCertificate) -> TrustedCertificate:
    await trusted_certificates.save(tx, trusted)
    tx.after_commit(platform.bus.publish, TrustChanged(trusted.tenant, trusted.certificate.subject))
    return trusted
