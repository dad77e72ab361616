"""A CA certificate that a tenant vouches for: the trust anchor of that tenant's devices."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from certinel.domain.certificate import Certificate
from certinel.domain.identifiers import Fingerprint, TenantId


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
    """When the tenant has shown that it holds the private key."""

    @property
    def is_proven(self) -> bool:
        """Whether possession of the private key is proven."""
        return self.proven_at is not None

    @property
    def label(self) -> str:
        """What people know it by: its name, or else its subject."""
        return self.name or self.certificate.subject_text

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
