"""The CA certificates that a tenant vouches for."""

import base64
from dataclasses import replace
from typing import Annotated, Final, Self

from fastapi import Depends, Query, Request, Response
from pydantic import Field

from certinel.api.authentication import ActingCaller, requires
from certinel.api.json_body import JsonBody
from certinel.api.pagination import Collection, Paging, Statistics, base_url, envelope, link
from certinel.api.platform_of import Served, platform_of
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, ContractTime, Received
from certinel.api.routing import router as router_for
from certinel.api.tenant_of_path import OwnOrManagedTenant, OwnTenant
from certinel.domain.role import Role
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft
from certinel.services import trusted_certificates
from certinel.storage.page import Page

router = router_for("trusted certificates")
PATH: Final = "/tenant/tenants/{tenant:segment}/trusted-certificates"
ONE: Final = PATH + "/{fingerprint:segment}"
READERS: Final = requires(Role.TENANT_MANAGEMENT_ADMIN, Role.TENANT_ADMIN, Role.TENANT_MANAGEMENT_READ)
WRITERS: Final = requires(Role.TENANT_MANAGEMENT_ADMIN, Role.TENANT_ADMIN)
MAX_AT_ONCE: Final = 250
"""Uploads of one call: they are stored together, and other tenants' messages wait for it."""
PROOF_ADVISED: Final = (
    "This platform allows chains of more than two certificates (trust.max_chain_length): "
    "prove the possession of this certificate's private key."
)


class TrustedCertificateUpload(Received):
    """A certificate to trust. Fields that only answers have, and unknown ones, are ignored."""

    name: str | None = Field(default=None, description="Free text.")
    status: TrustStatus
    auto_registration_enabled: bool | None = Field(
        default=None, description="Whether devices register themselves by connecting; the texts true and false count."
    )
    cert_in_pem_format: str = Field(
        description="PEM with any line ends or none, indented or not, or the bare base64 of the DER."
    )

    def draft(self, *, add_to_trust_store: bool) -> TrustedCertificateDraft:
        """Return what is uploaded, in the words of the domain."""
        return TrustedCertificateDraft(
            name=self.name,
            status=self.status,
            auto_registration=bool(self.auto_registration_enabled),
            certificate_text=self.cert_in_pem_format,
            in_trust_store=add_to_trust_store,
        )


class TrustedCertificateUploads(Received):
    """Several certificates, uploaded together or not at all."""

    certificates: list[TrustedCertificateUpload] = Field(max_length=MAX_AT_ONCE)


class TrustedCertificateUpdate(Received):
    """What to change; fields that are absent or null stay as they are, others are ignored."""

    name: str | None = None
    status: TrustStatus | None = None
    auto_registration_enabled: bool | None = None


class TrustedCertificateAnswer(Answer):
    """A trusted certificate with what was read from it."""

    algorithm_name: str = Field(description="The signature algorithm, under Java's name.", examples=["SHA256withECDSA"])
    auto_registration_enabled: bool
    cert_in_pem_format: str = Field(description="The base64 of the DER on one line, without armour.")
    fingerprint: str = Field(description="SHA-1 of the DER.", pattern="^[0-9a-f]{40}$")
    issuer: str
    name: str
    not_after: ContractTime
    not_before: ContractTime
    proof_of_possession_unsigned_verification_code: str | None = Field(
        default=None,
        description="The text to sign with SHA-256 and the certificate's key; there while possession is not proven.",
    )
    proof_of_possession_valid: bool = Field(description="Whether possession of the private key is proven.")
    proof_of_possession_verification_code_usable_until: ContractTime | None = Field(
        default=None, description="Until when a signature of the code is accepted."
    )
    proof_of_possession_warning: str | None = Field(
        default=None,
        description="Why possession should be proven; only on platforms that allow chains of more than two.",
    )
    self: str
    serial_number: str = Field(description="In decimal digits.", pattern="^-?[0-9]+$")
    status: TrustStatus
    subject: str
    tenant_certificate_authority: bool = Field(description="Whether the tenant's own CA on this platform it is.")
    version: int

    @classmethod
    def of(cls, trusted: TrustedCertificate, request: Request) -> Self:
        """Describe ``trusted`` to the one who asks; its code only while it is not proven."""
        return cls.with_code(replace(trusted, verification_code=None) if trusted.is_proven else trusted, request)

    @classmethod
    def with_code(cls, trusted: TrustedCertificate, request: Request) -> Self:
        """Describe ``trusted`` with its code, also if it is proven."""
        certificate, code = trusted.certificate, trusted.verification_code
        is_warned = trusted.lacks_advised_proof(platform_of(request).policy.max_chain_length)
        return cls(
            algorithm_name=certificate.algorithm_name,
            auto_registration_enabled=trusted.auto_registration,
            cert_in_pem_format=base64.b64encode(certificate.der).decode(),
            fingerprint=trusted.fingerprint,
            issuer=certificate.issuer_text,
            name=trusted.name,
            not_after=certificate.not_after,
            not_before=certificate.not_before,
            proof_of_possession_unsigned_verification_code=code.text if code is not None else None,
            proof_of_possession_valid=trusted.is_proven,
            proof_of_possession_verification_code_usable_until=code.usable_until if code is not None else None,
            proof_of_possession_warning=PROOF_ADVISED if is_warned else None,
            self=_self_of(trusted, request),
            serial_number=str(certificate.serial_number),
            status=trusted.status,
            subject=certificate.subject_text,
            tenant_certificate_authority=False,
            version=certificate.version,
        )


class TrustedCertificates(Collection):
    """A page of trusted certificates, in the order of their upload."""

    certificates: list[TrustedCertificateAnswer]


class UploadedTrustedCertificates(Answer):
    """What a bulk upload has stored."""

    certificates: list[TrustedCertificateAnswer]
    self: str
    statistics: Statistics


AddToTrustStore = Annotated[
    bool, Query(alias="addToTrustStore", description="Whether devices are admitted by it; if not, it is only listed.")
]


@router.get(PATH, dependencies=[READERS], responses=documented_error(404, 422))
async def list_trusted_certificates(
    *,
    request: Request,
    platform: Served,
    tenant: OwnTenant,
    paging: Paging,
    certificate_authority: Annotated[
        bool, Query(alias="certificateAuthority", description="Only the tenant's own CA on this platform.")
    ] = False,
) -> TrustedCertificates:
    """List the tenant's trusted certificates."""
    if certificate_authority:  # no tenant has one yet
        page: Page[TrustedCertificate] = Page((), paging, 0 if paging.wants_totals else None)
    else:
        async with platform.database.reading() as tx:
            page = await trusted_certificates.list_of(tx, tenant, paging)
    return TrustedCertificates(
        certificates=[TrustedCertificateAnswer.of(trusted, request) for trusted in page.items],
        **envelope(request, page),
    )


@router.post(PATH, dependencies=[WRITERS], status_code=201, responses=documented_error(404, 409))
async def upload_trusted_certificate(  # noqa: PLR0913 - each one is a part of the request
    *,
    request: Request,
    response: Response,
    platform: Served,
    tenant: OwnTenant,
    by: ActingCaller,
    upload: Annotated[TrustedCertificateUpload, Depends(JsonBody(TrustedCertificateUpload))],
    add_to_trust_store: AddToTrustStore = True,
) -> TrustedCertificateAnswer:
    """Trust a CA certificate: devices with certificates issued by it may connect."""
    draft = upload.draft(add_to_trust_store=add_to_trust_store)
    async with platform.database.transaction() as tx:
        trusted = await trusted_certificates.upload(tx, platform, tenant, draft, by)
    answer = TrustedCertificateAnswer.of(trusted, request)
    response.headers["Location"] = answer.self
    return answer


@router.post(PATH + "/bulk", dependencies=[WRITERS], status_code=201, responses=documented_error(404, 409))
async def upload_trusted_certificates(
    *,
    request: Request,
    platform: Served,
    tenant: OwnTenant,
    by: ActingCaller,
    uploads: Annotated[TrustedCertificateUploads, Depends(JsonBody(TrustedCertificateUploads))],
    add_to_trust_store: AddToTrustStore = True,
) -> UploadedTrustedCertificates:
    """Trust several CA certificates; if one of them cannot be taken, none is."""
    drafts = [upload.draft(add_to_trust_store=add_to_trust_store) for upload in uploads.certificates]
    async with platform.database.transaction() as tx:
        stored = await trusted_certificates.upload_all(tx, platform, tenant, drafts, by)
    return UploadedTrustedCertificates(
        certificates=[TrustedCertificateAnswer.of(trusted, request) for trusted in stored],
        self=base_url(request) + request.url.path,
        statistics=Statistics(current_page=1, page_size=len(stored)),
    )


@router.get(ONE, dependencies=[READERS], responses=documented_error(404))
async def get_trusted_certificate(
    request: Request, platform: Served, tenant: OwnOrManagedTenant, fingerprint: str
) -> TrustedCertificateAnswer:
    """Return one trusted certificate; upper and lower case of the fingerprint do not matter."""
    async with platform.database.reading() as tx:
        trusted = await trusted_certificates.get(tx, tenant, fingerprint)
    return TrustedCertificateAnswer.of(trusted, request)


@router.put(ONE, dependencies=[WRITERS], responses=documented_error(404))
async def update_trusted_certificate(
    *,
    request: Request,
    platform: Served,
    tenant: OwnOrManagedTenant,
    by: ActingCaller,
    fingerprint: str,
    change: Annotated[TrustedCertificateUpdate, Depends(JsonBody(TrustedCertificateUpdate))],
) -> TrustedCertificateAnswer:
    """Rename, enable or disable a trusted certificate, or switch auto registration."""
    async with platform.database.transaction() as tx:
        trusted = await trusted_certificates.update(
            tx,
            platform,
            tenant,
            fingerprint,
            trusted_certificates.Change(
                name=change.name, status=change.status, auto_registration=change.auto_registration_enabled
            ),
            by,
        )
    return TrustedCertificateAnswer.of(trusted, request)


@router.delete(ONE, dependencies=[WRITERS], status_code=204, responses=documented_error(404))
async def delete_trusted_certificate(
    platform: Served, tenant: OwnOrManagedTenant, by: ActingCaller, fingerprint: str
) -> None:
    """Stop trusting a certificate; devices that are connected by it are disconnected."""
    async with platform.database.transaction() as tx:
        await trusted_certificates.delete(tx, platform, tenant, fingerprint, by)


def _self_of(trusted: TrustedCertificate, request: Request) -> str:
    return link(request, "tenant", "tenants", trusted.tenant, "trusted-certificates", trusted.fingerprint)
