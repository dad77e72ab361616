"""A CA certificate that a tenant vouches for: the trust anchor of that tenant's devices."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from certinel.domain.certificate import Certificate
from certinel.domain.identifiers import Fingerprint, TenantId
from certinel.domain.verification_code import VerificationCode

MAX_LENGTH_WITHOUT_ADVICE = 2
"""Certificates of a path: the CA and the device. Longer paths are advised to end in a proven CA only."""


class TrustStatus(StrEnum):
    """Whether devices of a trusted certificate may connect."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedCertificate:
    """One tenant's upload of one certificate. Deleting and uploading again makes another one."""

    id: int
    tenant: TenantId
    name: str
    status: TrustStatus
    auto_registration: bool
    certificate: Certificate
    fingerprint: Fingerprint
    uploaded_at: datetime
    in_trust_store: bool = True
    """False when uploaded with ``addToTrustStore=false``: listed, but no device is admitted by it."""
    deleted_at: datetime | None = None
    proven_at: datetime | None = None
    """When the tenant has shown that it holds the private key, perhaps with the certificate before a renewal."""
    verification_code: VerificationCode | None = None
    """What a signature over would prove possession now; used once."""
    claims_since: datetime | None = None
    """Since when the tenant has claimed this subject and key without a gap, if that is longer than this upload."""

    @property
    def is_proven(self) -> bool:
        """Whether possession of the private key is proven."""
        return self.proven_at is not None

    @property
    def place(self) -> tuple[datetime, int]:
        """Its place among claims without proof, of which the first keeps its devices (trust.md section 4)."""
        return self.claims_since or self.uploaded_at, self.id

    @property
    def label(self) -> str:
        """What people know it by: its name, or else its subject."""
        return self.name or self.certificate.subject_text

    def is_renewed_by(self, certificate: Certificate) -> bool:
        """Tell whether ``certificate`` has the subject and the key of this one."""
        mine = self.certificate
        return (mine.subject, mine.public_key) == (certificate.subject, certificate.public_key)

    def lacks_advised_proof(self, max_chain_length: int) -> bool:
        """Tell whether its owner is to be warned: it counts, is not proven, and long paths are allowed (rule 7).

        The longer the paths, the more certificates somebody else could have issued below an uploaded one.
        """
        is_used = self.status is TrustStatus.ENABLED and self.in_trust_store and self.deleted_at is None
        return is_used and not self.is_proven and max_chain_length > MAX_LENGTH_WITHOUT_ADVICE

    def with_proof_of(self, earlier: Iterable["TrustedCertificate"]) -> "TrustedCertificate":
        """Return a copy that is proven if one of the tenant's ``earlier`` ones, which it renews, is."""
        for one in earlier:
            if one.proven_at is not None and one.deleted_at is None and one.is_renewed_by(self.certificate):
                return self.proven(one.proven_at)
        return self

    def in_place_of(self, earlier: Iterable["TrustedCertificate"]) -> "TrustedCertificate":
        """Return a copy that has the place of what it renews or replaces among ``earlier`` claims of its tenant.

        Only those that still count are to be given, also of certificates deleted lately: else a tenant that renews its
        CA would lose its place to whoever has uploaded a copy of the old certificate meanwhile.
        """
        since = min((one.place[0] for one in earlier if one.is_renewed_by(self.certificate)), default=self.uploaded_at)
        return replace(self, claims_since=since) if since < self.uploaded_at else self

    def proven(self, at: datetime) -> "TrustedCertificate":
        """Return a copy whose possession was proven at ``at``; its code is used up."""
        return replace(self, proven_at=at, verification_code=None)

    def unproven(self, code: VerificationCode) -> "TrustedCertificate":
        """Return a copy whose proof was withdrawn; a signature over ``code`` proves it again."""
        return replace(self, proven_at=None, verification_code=code)

    def with_code(self, code: VerificationCode) -> "TrustedCertificate":
        """Return a copy with another code in place of the last one; a proof stays."""
        return replace(self, verification_code=code)

    def updated(
        self,
        *,
        name: str | None = None,
        status: TrustStatus | None = None,
        auto_registration: bool | None = None,
    ) -> "TrustedCertificate":
        """Return a copy with the given fields changed; what is None stays."""
        return replace(
            self,
            name=self.name if name is None else name,
            status=self.status if status is None else status,
            auto_registration=self.auto_registration if auto_registration is None else auto_registration,
        )

    def deleted(self, at: datetime) -> "TrustedCertificate":
        """Return a copy that was deleted at ``at``; it keeps its claims for a while (trust.md section 4)."""
        return replace(self, deleted_at=at)

    def expired(self, at: datetime) -> "TrustedCertificate":
        """Return a copy that ended just before ``at``, for the question what would be then; its bytes stay."""
        ended = min(self.certificate.not_after, at.replace(microsecond=0) - timedelta(seconds=1))
        return replace(self, certificate=replace(self.certificate, not_after=ended))
