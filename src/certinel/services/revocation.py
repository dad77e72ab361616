"""A tenant's own revocation list: adding to it, and the list that the platform signs of it.

What is revoked stays revoked. Whether the list counts is a switch of the tenant: see `domain.revocation`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certinel.bus.messages import RevocationChanged
from certinel.domain.audit import PLATFORM, Actor, AuditEntry, AuditType
from certinel.domain.certificate import Certificate, MalformedCertificateError
from certinel.domain.distinguished_name import text_of_der
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import TenantId
from certinel.domain.pem import CertificateTextError, first_der
from certinel.domain.revocation_entry import MAX_SERIAL_OCTETS, RevocationEntry, UnacceptableRevocationError
from certinel.domain.revoked_serials import serial_octets
from certinel.pki.revocation_list import ListIssuer, ListWriter
from certinel.services import audit, known_certificates
from certinel.services.platform import Platform
from certinel.storage import revocation_lists, revoked_certificates
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest
from certinel.storage.revocation_lists import StoredListIssuer

MAX_ENTRIES = 4_000_000
"""Of one tenant's own list: 64 MB of every node's memory."""

ENTRIES_AT_ONCE = 2_000
"""Of one transaction and one audit record: other tenants' messages are stored in between."""


class UnknownCertificateError(DeviceIdentityError):
    """Nothing that the tenant knows is what is to be revoked."""

    code = "revocation-entry/unknown-certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """What was done."""

    entries: tuple[RevocationEntry, ...]
    is_checked: bool
    """Whether the tenant's list counts now: the offline check is on."""


async def revoke_many(
    platform: Platform, tenant: TenantId, entries: Sequence[RevocationEntry], by: Actor = PLATFORM
) -> None:
    """Put any number of ``entries`` on the tenant's list, as `revoke_serials` does, in a row of transactions.

    When it fails in between, the first entries are on the list; doing it again adds the others.
    """
    _check_room(platform, tenant, entries)
    for start in range(0, len(entries), ENTRIES_AT_ONCE):
        async with platform.database.transaction() as tx:
            await revoke_serials(tx, platform, tenant, entries[start : start + ENTRIES_AT_ONCE], by)


async def revoke_serials(
    tx: Transaction, platform: Platform, tenant: TenantId, entries: Sequence[RevocationEntry], by: Actor = PLATFORM
) -> None:
    """Put ``entries`` on the tenant's list; those that are there keep the date they have.

    With the offline check on, sessions end and tokens die with the commit.

    Raises:
        UnacceptableRevocationError: the list would become too long.
    """
    if not entries:
        return
    _check_room(platform, tenant, entries)
    await lock(tx, platform, tenant)
    at = platform.clock.now()
    await revoked_certificates.insert_new(tx, tenant, entries, at)
    audit.record(tx, _audited(tenant, entries, by, at))
    tx.after_commit(platform.bus.publish, RevocationChanged(tenant))


def _check_room(platform: Platform, tenant: TenantId, entries: Sequence[RevocationEntry]) -> None:
    if len(platform.trust.revocation(tenant).own) + len(entries) > MAX_ENTRIES:
        raise UnacceptableRevocationError(f"A revocation list holds at most {MAX_ENTRIES} entries.")


async def lock(tx: Transaction, platform: Platform, tenant: TenantId) -> None:
    """Let nobody else change what ``tenant`` has revoked before ``tx`` has ended."""
    await _list_issuer(tx, platform, tenant)
    await revocation_lists.lock(tx, tenant)


async def revoke_certificate(
    tx: Transaction, platform: Platform, tenant: TenantId, certificate: Certificate, at: datetime, by: Actor = PLATFORM
) -> Revoked:
    """Revoke exactly one certificate, by its issuer and serial number."""
    if len(serial_octets(certificate.serial_number)) > MAX_SERIAL_OCTETS:
        raise UnacceptableRevocationError(f"The serial number has more than {MAX_SERIAL_OCTETS} bytes.")
    return await _revoke(tx, platform, tenant, [_entry_of(certificate, at)], by)


async def revoke_text(
    tx: Transaction, platform: Platform, tenant: TenantId, text: str, at: datetime, by: Actor = PLATFORM
) -> Revoked:
    """Revoke the certificate in ``text``, in any form that ``domain.pem`` reads; it need not be known.

    Raises:
        UnacceptableRevocationError: the text is no certificate.
    """
    try:
        certificate = Certificate.parse(first_der(text))
    except (CertificateTextError, MalformedCertificateError) as error:
        raise UnacceptableRevocationError(f"Cannot parse X509 certificate. : {error}") from None
    return await revoke_certificate(tx, platform, tenant, certificate, at, by)


async def revoke_known(
    tx: Transaction, platform: Platform, tenant: TenantId, fingerprint: str, at: datetime, by: Actor = PLATFORM
) -> Revoked:
    """Revoke a certificate of the tenant's devices or a trusted one, by its SHA-1 or SHA-256 fingerprint.

    Raises:
        UnknownCertificateError: the tenant knows none with it.
    """
    certificate = await known_certificates.with_fingerprint(tx, tenant, fingerprint)
    if certificate is None:
        raise UnknownCertificateError(f"Cannot find certificate with fingerprint {fingerprint}.")
    return await revoke_certificate(tx, platform, tenant, certificate, at, by)


async def revoke_of_issuer(
    tx: Transaction, platform: Platform, tenant: TenantId, name: tuple[int, str], at: datetime, by: Actor = PLATFORM
) -> Revoked:
    """Revoke by ``name``: serial number and the text of the issuer's name, as the platform shows it.

    Two names that read alike and differ in their encoding are both meant.

    Raises:
        UnknownCertificateError: the tenant knows no issuer of this name.
    """
    serial, issuer = name
    names = {
        one.subject for one in await known_certificates.trusted_and_issuers(tx, tenant) if one.subject_text == issuer
    }
    known = await known_certificates.with_serials(tx, tenant, {serial})
    names |= {one.certificate.issuer for one in known if one.certificate.issuer_text == issuer}
    if not names:
        raise UnknownCertificateError(f"There is no CA called {issuer}; send the certificate itself instead.")
    entries = [RevocationEntry(serial=serial, revoked_at=at, issuer=issuer_name) for issuer_name in sorted(names)]
    return await _revoke(tx, platform, tenant, entries, by)


async def list_of(tx: Transaction, tenant: TenantId, request: PageRequest) -> Page[RevocationEntry]:
    """Return a page of the tenant's list, the latest entries first."""
    return await revoked_certificates.list_of(tx, tenant, request)


async def signed_list(platform: Platform, tenant: TenantId) -> bytes:
    """Return DER of the tenant's list as it is now, signed and numbered; every call makes a new one.

    The signer is the tenant's `list_issuer`. A list of a million entries takes seconds, in a thread.
    """
    async with platform.large_lists:
        async with platform.database.transaction() as tx:
            issuer = await _list_issuer(tx, platform, tenant)
            number = await revocation_lists.next_number(tx, tenant)
            until = await revoked_certificates.last(tx, tenant)
        at = platform.clock.now()
        writer = ListWriter()
        position = 0
        async with platform.database.reading() as tx:
            while position < until:
                position, entries = await revoked_certificates.following(tx, tenant, position, until)
                await asyncio.to_thread(writer.add, entries)
        return await asyncio.to_thread(writer.signed, issuer, number, at)


async def list_issuer(tx: Transaction, platform: Platform, tenant: TenantId) -> bytes:
    """Return DER of the certificate that verifies the tenant's signed lists."""
    return (await _list_issuer(tx, platform, tenant)).certificate_der


async def _list_issuer(tx: Transaction, platform: Platform, tenant: TenantId) -> ListIssuer:
    """Return who signs the lists of ``tenant``, made with the first use."""
    stored = await revocation_lists.find(tx, tenant)
    if stored is None:
        made = ListIssuer.made(tenant, platform.clock.now())
        sealed = platform.sealer.seal(made.private_key, _context(tenant))
        new = StoredListIssuer(tenant=tenant, certificate=made.certificate_der, private_sealed=sealed)
        await revocation_lists.insert_if_absent(tx, new)
        stored = await revocation_lists.find(tx, tenant) or new
    return ListIssuer.read(stored.certificate, platform.sealer.open(stored.private_sealed, _context(tenant)))


def _context(tenant: TenantId) -> bytes:
    return f"revocation_list/{tenant}".encode()


async def _revoke(
    tx: Transaction, platform: Platform, tenant: TenantId, entries: Sequence[RevocationEntry], by: Actor
) -> Revoked:
    await revoke_serials(tx, platform, tenant, entries, by)
    stored = [await revoked_certificates.find(tx, tenant, entry) or entry for entry in entries]
    return Revoked(entries=tuple(stored), is_checked=platform.trust.revocation(tenant).offline_check)


def _entry_of(certificate: Certificate, at: datetime) -> RevocationEntry:
    return RevocationEntry(serial=certificate.serial_number, revoked_at=at, issuer=certificate.issuer)


def _audited(tenant: TenantId, entries: Sequence[RevocationEntry], by: Actor, at: datetime) -> AuditEntry:
    serials = ", ".join(entry.serial_text for entry in entries)
    issuers = sorted({text_of_der(entry.issuer) for entry in entries if entry.issuer is not None})
    return AuditEntry(
        tenant=tenant,
        by=by,
        type=AuditType.TRUSTED_CERTIFICATES,
        source=f"{tenant}/crl",
        activity=f"Revocation list updated on '{tenant}'.",
        text="\n ".join([f"Revoked serials: {serials}", *(f"Issuer: '{issuer}'" for issuer in issuers)]),
        time=at,
        recorded_at=at,
    )
