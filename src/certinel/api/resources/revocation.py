"""What a tenant has revoked: the contract's list by serial numbers, and our own by certificate."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Self

from fastapi import Depends, Request, Response
from pydantic import Field

from certinel.api.authentication import ActingCaller, Caller
from certinel.api.json_body import JsonBody
from certinel.api.json_or_file_body import JsonOrFileBody
from certinel.api.pagination import MAX_PAGE_SIZE, Collection, Paging, envelope
from certinel.api.platform_of import Served
from certinel.api.problems import InvalidFieldsError, documented_error
from certinel.api.representation import Answer, ContractTime, Received
from certinel.api.resources.trusted_certificates import READERS, WRITERS
from certinel.api.routing import router as router_for
from certinel.domain.distinguished_name import text_of_der
from certinel.domain.revocation_entry import RevocationEntry, read_csv, read_date, read_serial
from certinel.services import known_certificates, revocation
from certinel.services.known_certificates import KnownCertificate
from certinel.services.revocation import Revoked

router = router_for("revocation")

SETTINGS: Final = "/tenant/trusted-certificates/settings/crl"
OWN: Final = "/certinel/revocations"
CRL: Final = "application/pkix-crl"
CERTIFICATE: Final = "application/pkix-cert"

_HEXADECIMAL: Final = "Hexadecimal; upper and lower case, colons, 0x and leading zeros do not matter."
_DATE: Final = "As `2023-01-11T16:12:36.288Z`; now when it is missing or in the future."


class RevokedSerial(Received):
    """A serial number to revoke."""

    serial_number_in_hex: str | None = Field(default=None, description=_HEXADECIMAL, examples=["1000"])
    revocation_date: str | None = Field(default=None, description=_DATE)


class RevokedSerials(Received):
    """Serial numbers to revoke, whoever issued the certificates."""

    crls: list[RevokedSerial]


class Revocation(Received):
    """One certificate to revoke: itself, or its fingerprint, or its serial number and issuer."""

    cert_in_pem_format: str | None = Field(default=None, description="The certificate; it need not be known here.")
    fingerprint: str | None = Field(
        default=None, description="SHA-1 or SHA-256 of a certificate of one of the tenant's devices or CAs."
    )
    serial_number_in_hex: str | None = Field(default=None, description=_HEXADECIMAL)
    issuer: str | None = Field(
        default=None, description="Name of the CA, as shown for trusted certificates.", examples=["CN=Plant CA"]
    )
    revocation_date: str | None = Field(default=None, description=_DATE)


class RevocationAnswer(Answer):
    """An entry of the tenant's list."""

    serial_number_in_hex: str
    issuer: str | None = Field(default=None, description="Missing when the serial number counts whoever issued it.")
    revocation_date: ContractTime

    @classmethod
    def of(cls, entry: RevocationEntry) -> Self:
        """Describe ``entry``."""
        issuer = text_of_der(entry.issuer) if entry.issuer is not None else None
        return cls(serial_number_in_hex=entry.serial_text, issuer=issuer, revocation_date=entry.revoked_at)


class Revocations(Collection):
    """A page of the tenant's list, the latest entries first."""

    revocations: list[RevocationAnswer]


class RevokedAnswer(Answer):
    """What was revoked, and whether it counts."""

    revocations: list[RevocationAnswer]
    offline_check_enabled: bool = Field(
        description="Whether the list counts: the tenant option `configuration/crl.offline.check.enabled`."
    )

    @classmethod
    def of(cls, revoked: Revoked) -> Self:
        """Describe what was done."""
        return cls(
            revocations=[RevocationAnswer.of(entry) for entry in revoked.entries],
            offline_check_enabled=revoked.is_checked,
        )


class HitCertificate(Answer):
    """A certificate that the tenant knows and that would be revoked."""

    subject: str
    issuer: str
    serial_number_in_hex: str
    fingerprint: str
    trusted: bool = Field(description="It is one of the tenant's trusted certificates: all its devices would be out.")
    device_certificate: bool = Field(description="It is a device's own certificate.")
    device_count: int = Field(description="How many devices have it in their chain.")
    devices: list[str] = Field(description="The first of these devices.")

    @classmethod
    def of(cls, known: KnownCertificate) -> Self:
        """Describe ``known``."""
        certificate = known.certificate
        return cls(
            subject=certificate.subject_text,
            issuer=certificate.issuer_text,
            serial_number_in_hex=f"{certificate.serial_number:x}",
            fingerprint=certificate.fingerprint,
            trusted=known.is_trusted,
            device_certificate=known.is_of_device,
            device_count=known.device_count,
            devices=list(known.devices),
        )


class Rehearsal(Answer):
    """What revoking these serial numbers would hit."""

    certificates: list[HitCertificate] = Field(description=f"At most {MAX_PAGE_SIZE}.")
    certificate_count: int
    serial_count: int = Field(description="How many different serial numbers were sent.")


SerialsOrFile = Annotated[
    RevokedSerials | bytes,
    Depends(
        JsonOrFileBody(RevokedSerials, "CSV: a line of headings, then serial number and perhaps date, by position.")
    ),
]


async def entries_of_body(platform: Served, received: SerialsOrFile) -> Sequence[RevocationEntry]:
    """Read the serial numbers of a JSON body or a CSV file."""
    return await asyncio.to_thread(_read, received, platform.clock.now())


def _read(received: RevokedSerials | bytes, at: datetime) -> Sequence[RevocationEntry]:
    if isinstance(received, bytes):
        return read_csv(received, at)
    return [RevocationEntry.read(one.serial_number_in_hex, one.revocation_date, at) for one in received.crls]


Entries = Annotated[Sequence[RevocationEntry], Depends(entries_of_body)]


def _file_content(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: {"schema": {"type": "string", "format": "binary"}}}, "description": "DER."}}


@router.get(SETTINGS, dependencies=[READERS], response_class=Response, responses=_file_content(CRL))
async def get_signed_revocation_list(platform: Served, principal: Caller) -> Response:
    """Return the tenant's own list as a signed revocation list (RFC 5280), also when it is empty.

    Every answer has a higher number than the one before and is valid for 30 days. The certificate that verifies it
    is at `/certinel/revocations/issuer`.
    """
    der = await revocation.signed_list(platform, principal.tenant)
    disposition = f'attachment; filename="{principal.tenant}.crl"'
    return Response(der, media_type=CRL, headers={"Content-Disposition": disposition})


@router.put(SETTINGS, dependencies=[WRITERS], status_code=204)
async def revoke_serial_numbers(platform: Served, principal: Caller, by: ActingCaller, entries: Entries) -> None:
    """Revoke every certificate with one of these serial numbers, whoever issued it. This cannot be undone.

    It counts while the tenant option `configuration/crl.offline.check.enabled` is `true`: connected devices are
    disconnected, their tokens end. A serial number that is on the list keeps its date. A file may have 5000 entries.
    """
    await revocation.revoke_many(platform, principal.tenant, entries, by)


@router.get(OWN, dependencies=[READERS], responses=documented_error(422))
async def list_revocations(request: Request, platform: Served, principal: Caller, paging: Paging) -> Revocations:
    """List what the tenant has revoked. Not part of the original contract."""
    async with platform.database.reading() as tx:
        page = await revocation.list_of(tx, principal.tenant, paging)
    return Revocations(revocations=[RevocationAnswer.of(entry) for entry in page.items], **envelope(request, page))


@router.post(OWN, dependencies=[WRITERS], status_code=201, responses=documented_error(404))
async def revoke_certificate(
    platform: Served,
    principal: Caller,
    by: ActingCaller,
    wanted: Annotated[Revocation, Depends(JsonBody(Revocation))],
) -> RevokedAnswer:
    """Revoke exactly one certificate, by its issuer and serial number. This cannot be undone.

    It counts under the same switch as the list of serial numbers. Not part of the original contract.
    """
    at = read_date(wanted.revocation_date, platform.clock.now())
    tenant = principal.tenant
    async with platform.database.transaction() as tx:
        match wanted:
            case Revocation(cert_in_pem_format=str() as text):
                revoked = await revocation.revoke_text(tx, platform, tenant, text, at, by)
            case Revocation(fingerprint=str() as fingerprint):
                revoked = await revocation.revoke_known(tx, platform, tenant, fingerprint, at, by)
            case Revocation(issuer=str() as issuer):
                serial = read_serial(wanted.serial_number_in_hex)
                revoked = await revocation.revoke_of_issuer(tx, platform, tenant, (serial, issuer), at, by)
            case _:
                raise InvalidFieldsError(
                    "one of certInPemFormat, fingerprint, serialNumberInHex with issuer is required"
                )
    return RevokedAnswer.of(revoked)


@router.post(OWN + "/rehearsal", dependencies=[WRITERS])
async def rehearse_revocation(platform: Served, principal: Caller, entries: Entries) -> Rehearsal:
    """Show every known certificate that has one of these serial numbers, and change nothing.

    Known are the tenant's trusted certificates and the chains of its devices that have connected. Serial numbers of
    different CAs can be the same. Not part of the original contract.
    """
    serials = {entry.serial for entry in entries}
    await platform.device_sightings.flush()  # certificates that came a moment ago are known, too
    async with platform.database.reading() as tx:
        known = await known_certificates.with_serials(tx, principal.tenant, serials)
    return Rehearsal(
        certificates=[HitCertificate.of(one) for one in known[:MAX_PAGE_SIZE]],
        certificate_count=len(known),
        serial_count=len(serials),
    )


@router.get(OWN + "/issuer", dependencies=[READERS], response_class=Response, responses=_file_content(CERTIFICATE))
async def get_issuer_of_signed_list(platform: Served, principal: Caller) -> Response:
    """Return the certificate that verifies the tenant's signed list. Not part of the original contract."""
    async with platform.database.transaction() as tx:
        der = await revocation.list_issuer(tx, platform, principal.tenant)
    return Response(der, media_type=CERTIFICATE)
