"""A device that is expected but has not connected yet."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.managed_object import ManagedObjectId


class RequestStatus(StrEnum):
    """How far the registration of one device is."""

    WAITING_FOR_CONNECTION = "WAITING_FOR_CONNECTION"
    PENDING_ACCEPTANCE = "PENDING_ACCEPTANCE"
    ACCEPTED = "ACCEPTED"
    BLOCKED = "BLOCKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeviceRequest:
    """One expected device of a tenant."""

    tenant: TenantId
    device: DeviceId
    status: RequestStatus
    owner: str
    """The user who asked for it."""
    created_at: datetime
    group: ManagedObjectId | None = None
    """The group that the device will be in."""
    type: str | None = None
    enrollment_hash: str | None = field(default=None, repr=False)
    """Of the one-time password for a certificate, in the encoded form of argon2."""
