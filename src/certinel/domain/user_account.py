"""A user: a person with a password, or the device user that stands for a device."""

from dataclasses import dataclass, field
from datetime import datetime

from certinel.domain.identifiers import DeviceId, TenantId, device_user_name
from certinel.domain.role import DEVICES, Principal, UserKind, roles_of


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAccount:
    """One user of one tenant."""

    tenant: TenantId
    name: str
    kind: UserKind
    groups: frozenset[str]
    is_enabled: bool = True
    created_at: datetime
    password_hash: str | None = field(default=None, repr=False)
    """In the encoded form of argon2; None for who has no password, as device users."""

    @classmethod
    def of_device(cls, tenant: TenantId, device: DeviceId, created_at: datetime) -> "UserAccount":
        """Return the user that stands for ``device``."""
        return cls(
            tenant=tenant,
            name=device_user_name(device),
            kind=UserKind.DEVICE,
            groups=frozenset({DEVICES}),
            created_at=created_at,
        )

    @property
    def principal(self) -> Principal:
        """Who is calling when this user calls, with the roles of its groups."""
        return Principal(self.tenant, self.name, self.kind, roles_of(self.groups))
