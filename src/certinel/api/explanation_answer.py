"""An explained chain as JSON: made by the API, read again by the command line. Nothing here needs a server."""

from typing import Literal, Self

from pydantic import Field

from certinel.api.representation import Answer, ContractTime
from certinel.domain.admission import Admission
from certinel.domain.certificate import Certificate
from certinel.domain.certificate_facts import extended_key_usages, key_text, key_usages
from certinel.domain.chain_alone import NO_TENANT
from certinel.domain.errors import Refusal
from certinel.domain.explained_chain import ChainLink, ChainRole, ExplainedChain
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus


class CertificateAnswer(Answer):
    """What a person wants to know of a certificate."""

    subject: str
    issuer: str
    serial_number_hex: str = Field(pattern="^-?[0-9a-f]+$")
    not_before: ContractTime
    not_after: ContractTime
    is_valid: bool = Field(description="Whether the moment of the verdict lies within its validity.")
    key: str = Field(examples=["EC P-256", "RSA 2048"])
    algorithm_name: str = Field(description="The signature algorithm, under Java's name.", examples=["SHA256withECDSA"])
    fingerprint: str = Field(description="SHA-1 of the DER.", pattern="^[0-9a-f]{40}$")
    sha256: str = Field(description="SHA-256 of the DER.", pattern="^[0-9a-f]{64}$")
    version: int
    is_ca: bool = Field(alias="ca", description="Whether BasicConstraints says CA:TRUE.")
    path_length: int | None = Field(default=None, description="The pathlen of BasicConstraints, where there is one.")
    key_usage: list[str] | None = Field(default=None, description="Absent when the certificate has none.")
    extended_key_usage: list[str] | None = Field(default=None, description="Absent when the certificate has none.")

    @classmethod
    def of(cls, certificate: Certificate, chain: ExplainedChain) -> Self:
        usages, extended = key_usages(certificate), extended_key_usages(certificate)
        return cls(
            subject=certificate.subject_text,
            issuer=certificate.issuer_text,
            serial_number_hex=f"{certificate.serial_number:x}",
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            is_valid=certificate.is_valid(chain.at),
            key=key_text(certificate),
            algorithm_name=certificate.algorithm_name,
            fingerprint=certificate.fingerprint,
            sha256=certificate.sha256.hex(),
            version=certificate.version,
            is_ca=certificate.is_ca,
            path_length=certificate.path_length,
            key_usage=list(usages) if usages is not None else None,
            extended_key_usage=list(extended) if extended is not None else None,
        )


class ChainLinkAnswer(Answer):
    """One certificate of a chain."""

    role: ChainRole
    position: int | None = Field(
        default=None, description="Which of the given certificates it is, from 1; absent when it is known here only."
    )
    is_failing: bool = Field(alias="failing", description="Whether it is the certificate at fault.")
    certificate: CertificateAnswer | None = Field(default=None, description="Absent when it cannot be read.")

    @classmethod
    def of(cls, link: ChainLink, chain: ExplainedChain) -> Self:
        certificate = link.certificate
        return cls(
            role=link.role,
            position=link.position,
            is_failing=link.is_at_fault,
            certificate=CertificateAnswer.of(certificate, chain) if certificate is not None else None,
        )


class TrustedAnswer(Answer):
    """The trusted certificate that the chain ends with, as the tenant has it."""

    name: str
    fingerprint: str
    status: TrustStatus
    is_auto_registering: bool = Field(alias="autoRegistrationEnabled")
    is_proven: bool = Field(alias="proofOfPossessionValid")

    @classmethod
    def of(cls, trusted: TrustedCertificate) -> Self:
        return cls(
            name=trusted.label,
            fingerprint=trusted.fingerprint,
            status=trusted.status,
            is_auto_registering=trusted.auto_registration,
            is_proven=trusted.is_proven,
        )


class RefusalAnswer(Answer):
    """Why not."""

    code: str = Field(description="Stable; made for programs.", examples=["certificate/expired"])
    sentence: str = Field(description="What is wrong, for people.")
    remedy: str = Field(description="What to do about it.")

    @classmethod
    def of(cls, refusal: Refusal) -> Self:
        return cls(code=refusal.code, sentence=refusal.sentence, remedy=refusal.remedy)


class ExplanationAnswer(Answer):
    """The verdict on a chain, and how it comes about."""

    verdict: Literal["ADMITTED", "REFUSED"]
    at: ContractTime = Field(description="The moment that the verdict is for.")
    tenant: str | None = Field(default=None, description="The tenant that the device belongs to.")
    other_tenants: list[str] | None = Field(default=None, description="Others that have an equal claim on the device.")
    device: str | None = Field(default=None, description="The device that would be admitted.")
    would_be_registered: bool | None = Field(
        default=None, description="Whether an admitted device is new here and would be registered by connecting."
    )
    valid_until: ContractTime | None = Field(
        default=None, description="When the first certificate of an admitted chain ends."
    )
    refusal: RefusalAnswer | None = None
    also_wrong: RefusalAnswer | None = Field(
        default=None, description="The first fault of the chain itself, left when its issuer is trusted."
    )
    chain: list[ChainLinkAnswer] = Field(description="From the device certificate upwards, as far as it is known.")
    broken_after: int | None = Field(
        default=None, description="Index in `chain` of the certificate above which it is broken; absent when it holds."
    )
    missing_issuer: str | None = Field(
        default=None,
        description="The issuer that would come next, when the chain does not reach a trusted certificate.",
    )
    trusted_certificate: TrustedAnswer | None = Field(
        default=None, description="The trusted certificate that the chain ends with, if it reaches one."
    )
    notes: list[str] = Field(description="What else is worth knowing of the given certificates.")

    @classmethod
    def of(cls, chain: ExplainedChain) -> Self:
        """Write down everything that ``chain`` holds; what its reader may not see was left out of it before."""
        verdict = chain.verdict
        is_admitted = isinstance(verdict, Admission)
        return cls(
            verdict="ADMITTED" if is_admitted else "REFUSED",
            at=chain.at,
            tenant=verdict.tenant if verdict.tenant != NO_TENANT else None,
            other_tenants=list(verdict.other_tenants) or None if isinstance(verdict, Refusal) else None,
            device=verdict.device if isinstance(verdict, Admission) else None,
            would_be_registered=verdict.must_register if isinstance(verdict, Admission) else None,
            valid_until=verdict.valid_until if isinstance(verdict, Admission) else None,
            refusal=RefusalAnswer.of(verdict) if isinstance(verdict, Refusal) else None,
            also_wrong=RefusalAnswer.of(chain.also_wrong) if chain.also_wrong is not None else None,
            chain=[ChainLinkAnswer.of(link, chain) for link in chain.links],
            broken_after=chain.broken_after,
            missing_issuer=chain.missing_issuer,
            trusted_certificate=TrustedAnswer.of(chain.trusted) if chain.trusted is not None else None,
            notes=list(chain.notes),
        )
