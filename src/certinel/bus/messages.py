"""What the parts of the platform tell each other: what to look at again, never the new value itself.

A message is sent after the transaction that made it true has been committed. Losing one costs freshness, not truth:
the truth is in the database.
"""

from dataclasses import dataclass

from certinel.domain.identifiers import TenantId


@dataclass(frozen=True, slots=True)
class TrustChanged:
    """The trusted certificates of a tenant are not what they were."""

    tenant: TenantId
    subject: bytes | None = None
    """DER of the subject of the one certificate that changed, so that only its devices are looked at again."""


@dataclass(frozen=True, slots=True)
class DeviceUserChanged:
    """A device user was registered, enabled, disabled or removed."""

    tenant: TenantId
    user_name: str


@dataclass(frozen=True, slots=True)
class CredentialsChanged:
    """Who signs in with a password was disabled, removed or given another one: what began with the old one ends."""

    tenant: TenantId
    user_name: str


@dataclass(frozen=True, slots=True)
class DevicesRegistered:
    """Device users were made; nobody who was connected or refused before is concerned."""

    tenant: TenantId
    user_names: frozenset[str]


@dataclass(frozen=True, slots=True)
class TenantChanged:
    """A tenant was created, suspended, activated or given another domain."""

    tenant: TenantId


@dataclass(frozen=True, slots=True)
class RevocationChanged:
    """A tenant has revoked something, or has another revocation list of one of its CAs."""

    tenant: TenantId


@dataclass(frozen=True, slots=True)
class OptionChanged:
    """An option of a tenant was set or removed."""

    tenant: TenantId
    category: str
    key: str


Message = (
    TrustChanged
    | DeviceUserChanged
    | CredentialsChanged
    | DevicesRegistered
    | TenantChanged
    | RevocationChanged
    | OptionChanged
)
