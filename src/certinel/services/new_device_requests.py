"""Devices that are expected, one by one."""

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.new_device_request import NewDeviceRequest
from certinel.storage import new_device_requests
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest


class NewDeviceRequestNotFoundError(DeviceIdentityError):
    """The tenant expects no such device."""

    code = "new-device-request/not-found"

    def __init__(self, device: str) -> None:
        super().__init__(f"Could not find newDeviceRequest by ID {device}")
        self.device = device


async def list_of(tx: Transaction, tenant: TenantId, page: PageRequest) -> Page[NewDeviceRequest]:
    """Return a page of the devices that are expected."""
    return await new_device_requests.list_of(tx, tenant, page)


async def get(tx: Transaction, tenant: TenantId, device: str) -> NewDeviceRequest:
    """Return the request for a device; raises ``NewDeviceRequestNotFoundError``."""
    found = await new_device_requests.find(tx, tenant, DeviceId(device)) if device.isprintable() else None
    if found is None:
        raise NewDeviceRequestNotFoundError(device)
    return found


async def remove(tx: Transaction, tenant: TenantId, device: str) -> None:
    """Forget that a device is expected; raises ``NewDeviceRequestNotFoundError``."""
    if not (device.isprintable() and await new_device_requests.remove(tx, tenant, DeviceId(device))):
        raise NewDeviceRequestNotFoundError(device)
