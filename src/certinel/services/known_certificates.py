"""Which certificates a tenant has met: those of its devices with their chains, and its trusted ones.

A device's chain is kept from its first connection on. Looking for something reads all chains, a part at a time.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field

from certinel.domain.certificate import Certificate, MalformedCertificateError
from certinel.domain.der import INTEGER, SEQUENCE, MalformedDerError, content_of
from certinel.domain.identifiers import DeviceId, Fingerprint, TenantId
from certinel.domain.revoked_serials import serial_octets
from certinel.storage import authority_lists, device_certificates, device_chains, trusted_certificates
from certinel.storage.device_chains import DeviceChain
from certinel.storage.engine import Transaction
from certinel.storage.page import PageRequest

AT_ONCE = 1000
"""Chains that are in memory at a time."""
DEVICES_NAMED = 100
"""Of a certificate that many devices have in their chains, an intermediate one."""

_VERSION_TAG = 0xA0
_SHA1_DIGITS = 40


@dataclass(slots=True)
class KnownCertificate:
    """A certificate that the tenant knows, and where from."""

    certificate: Certificate
    is_trusted: bool = False
    """The tenant has uploaded it."""
    is_of_device: bool = False
    """It is a device's own, not one above it."""
    device_count: int = 0
    """Devices that have it in their chain."""
    devices: list[DeviceId] = field(default_factory=list)
    """The first `DEVICES_NAMED` of them."""


async def with_serials(tx: Transaction, tenant: TenantId, serials: Collection[int]) -> list[KnownCertificate]:
    """Return every certificate with one of these serial numbers, whoever issued it."""
    wanted = {serial_octets(serial) for serial in serials}
    return await _search(tx, tenant, lambda der: _serial_of(der) in wanted)


async def with_fingerprint(tx: Transaction, tenant: TenantId, fingerprint: str) -> Certificate | None:
    """Return the certificate with this SHA-1 or SHA-256 fingerprint; case and colons do not matter."""
    digits = fingerprint.replace(":", "").lower()
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        return None
    if len(digits) == _SHA1_DIGITS:
        trusted = await trusted_certificates.find(tx, tenant, Fingerprint(digits))
        if trusted is not None:
            return trusted.certificate
    of_device = await device_certificates.with_fingerprint(tx, tenant, digits)
    chain = await device_chains.find(tx, tenant, bytes.fromhex(of_device)) if of_device is not None else None
    if chain:
        return Certificate.parse(chain[0])
    found = await _search(tx, tenant, lambda der: digest in _digests_of(der))
    return found[0].certificate if found else None


async def trusted_and_issuers(tx: Transaction, tenant: TenantId) -> list[Certificate]:
    """Return the tenant's trusted certificates and those that have signed a revocation list it has uploaded."""
    page = await trusted_certificates.list_of(tx, tenant, PageRequest(page_size=_ALL))
    lists = await authority_lists.all_of(tx, tenant)
    return [trusted.certificate for trusted in page.items] + [one.issuer for one in lists]


_ALL = 2**31
"""Trusted certificates of a tenant are all in memory anyway."""


async def _search(tx: Transaction, tenant: TenantId, is_wanted: Callable[[bytes], bool]) -> list[KnownCertificate]:
    found: dict[bytes, KnownCertificate] = {}
    for certificate in await trusted_and_issuers(tx, tenant):
        if is_wanted(certificate.der):
            found.setdefault(certificate.der, KnownCertificate(certificate)).is_trusted = True
    async for chains in _chains(tx, tenant):
        await asyncio.to_thread(_look_through, chains, is_wanted, found)
    return list(found.values())


async def _chains(tx: Transaction, tenant: TenantId) -> AsyncIterator[Sequence[DeviceChain]]:
    position = ""
    while chains := await device_chains.following(tx, tenant, position, AT_ONCE):
        yield chains
        position = chains[-1].leaf_sha256.hex()


def _look_through(
    chains: Sequence[DeviceChain], is_wanted: Callable[[bytes], bool], found: dict[bytes, KnownCertificate]
) -> None:
    answers: dict[bytes, bool] = {}
    for chain in chains:
        for position, der in enumerate(chain.presented):
            if der not in answers:
                answers[der] = is_wanted(der)
            if answers[der]:
                _note(found, der, chain.device, is_leaf=position == 0)


def _note(found: dict[bytes, KnownCertificate], der: bytes, device: DeviceId, *, is_leaf: bool) -> None:
    known = found.get(der)
    if known is None:
        try:
            known = found[der] = KnownCertificate(Certificate.parse(der))
        except MalformedCertificateError:
            return
    known.is_of_device = known.is_of_device or is_leaf
    known.device_count += 1
    if len(known.devices) < DEVICES_NAMED:
        known.devices.append(device)


def _serial_of(der: bytes) -> bytes:
    """Return the content of the serial number, without reading the rest (RFC 5280, 4.1)."""
    try:
        start, end = content_of(der, 0, len(der), SEQUENCE)
        start, end = content_of(der, start, end, SEQUENCE)
        if der[start : start + 1] == bytes((_VERSION_TAG,)):
            _, start = content_of(der, start, end, _VERSION_TAG)
        start, end = content_of(der, start, end, INTEGER)
    except MalformedDerError:
        return b""
    return der[start:end]


def _digests_of(der: bytes) -> tuple[bytes, bytes]:
    return hashlib.sha1(der, usedforsecurity=False).digest(), hashlib.sha256(der).digest()
