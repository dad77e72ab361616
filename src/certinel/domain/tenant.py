"""A tenant: one customer's devices, users and trust, apart from everybody else's."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId


class TenantStatus(StrEnum):
    """Whether a tenant's users and devices are let in."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One tenant."""

    id: TenantId
    domain: str | None = None
    """The host name that is this tenant's own, in lower case; None when it shares the platform's."""
    status: TenantStatus = TenantStatus.ACTIVE
    created_at: datetime

    @property
    def is_active(self) -> bool:
        """Whether the tenant's users and devices are let in."""
        return self.status is TenantStatus.ACTIVE

    @property
    def is_management(self) -> bool:
        """Whether this is the tenant of the platform's operator."""
        return self.id == MANAGEMENT_TENANT

    def host(self, public_host: str) -> str:
        """Return the bare host name by which this tenant's devices and users know the platform."""
        return self.domain or public_host
