"""A device as people see it: who it is, whether it may connect, and the certificates it has come with."""

from dataclasses import dataclass, field
from datetime import datetime

from certinel.domain.certificate import Certificate
from certinel.domain.identifiers import DEVICE_USER_PREFIX, DeviceId, Fingerprint, TenantId
from certinel.domain.managed_object import ManagedObject


def device_of_user(user_name: str) -> DeviceId:
    """Return the device that a device user stands for."""
    return DeviceId(user_name.removeprefix(DEVICE_USER_PREFIX))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCertificate:
    """A certificate that a device was admitted with."""

    tenant: TenantId
    device: DeviceId
    sha256: str
    sha1: Fingerprint
    serial: str
    """Hexadecimal, lower case, without leading zeros."""
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    trusted: Fingerprint | None
    """The trusted certificate that it was admitted by the last time; None if that was before this was noted."""
    first_seen_at: datetime
    last_seen_at: datetime
    is_current: bool = True
    """Whether it is the one that the device connected with last."""

    @classmethod
    def of(
        cls, tenant: TenantId, device: DeviceId, leaf: Certificate, trusted: Fingerprint, at: datetime
    ) -> "DeviceCertificate":
        """Return what is kept of ``leaf``, with which ``device`` was admitted at ``at``."""
        return cls(
            tenant=tenant,
            device=device,
            sha256=leaf.sha256.hex(),
            sha1=leaf.fingerprint,
            serial=f"{leaf.serial_number:x}",
            subject=leaf.subject_text,
            issuer=leaf.issuer_text,
            not_before=leaf.not_before,
            not_after=leaf.not_after,
            trusted=trusted,
            first_seen_at=at,
            last_seen_at=at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device of a tenant: it has a device user, by registration or since it was expected."""

    tenant: TenantId
    id: DeviceId
    user_name: str
    is_enabled: bool
    registered_at: datetime
    connected_since: datetime | None = None
    """None when it is not connected."""
    last_seen_at: datetime | None = None
    """When it was connected last, as far as is known."""
    certificate: DeviceCertificate | None = None
    """The one it connected with last; a device that never came, or came with a password, has none."""
    object: ManagedObject | None = field(default=None, repr=False)
    """What stands for it in the inventory, once it has said something or was registered in bulk."""
