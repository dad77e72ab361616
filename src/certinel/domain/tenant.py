"""A tenant: one customer's devices, users and trust, apart from everybody else's."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId

MAX_DOMAIN_CHARACTERS = 253
"""Of a host name (RFC 1035, 2.3.4)."""
MAX_TEXT_CHARACTERS = 256
"""Of names and addresses of people; ours."""

_ID = re.compile(r"[a-z][a-z0-9_-]{1,31}", re.ASCII)
_DOMAIN = re.compile(r"(?i)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)


class InvalidTenantError(DeviceIdentityError):
    """A tenant cannot be as it is asked for."""

    code = "tenant/invalid"


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
    company: str | None = None
    """Whom it is for, in words; None says nothing."""
    admin_name: str | None = None
    """The user it began with."""
    admin_email: str | None = None
    created_at: datetime
    max_devices: int | None = None
    """How many devices it may have; None for any number."""
    max_users: int | None = None
    """How many people may be its users; None for any number."""

    def __post_init__(self) -> None:
        """Refuse an id, a domain or words that cannot be."""
        if not _ID.fullmatch(self.id):
            raise InvalidTenantError(
                "The id of a tenant must have 2 to 32 lower-case letters, digits, - and _, a letter first."
            )
        if self.domain is not None and (len(self.domain) > MAX_DOMAIN_CHARACTERS or not _DOMAIN.fullmatch(self.domain)):
            raise InvalidTenantError("The domain of a tenant must be a host name.")
        for name, text in (("company", self.company), ("adminEmail", self.admin_email)):
            if text is not None and not (0 < len(text) <= MAX_TEXT_CHARACTERS and text.isprintable()):
                raise InvalidTenantError(f"{name} must have 1 to {MAX_TEXT_CHARACTERS} printable characters.")

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
