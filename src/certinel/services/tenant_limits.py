"""How many devices and users a tenant may have. The operator sets it; without a number there is no limit.

Several who come at the same moment are each counted without the others, so a limit can be passed by a few.
"""

from dataclasses import dataclass

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import TenantId
from certinel.domain.role import UserKind
from certinel.storage import tenants, users
from certinel.storage.engine import Transaction


class DeviceLimitReachedError(DeviceIdentityError):
    """The tenant has as many devices as it may have."""

    code = "registration/limit-reached"

    def __init__(self) -> None:
        super().__init__("You have reached devices limit. No more devices can be registered.")


class UserLimitReachedError(DeviceIdentityError):
    """The tenant has as many users as it may have, devices apart."""

    code = "user/limit-reached"

    def __init__(self) -> None:
        super().__init__("The tenant has as many users as it may have.")


@dataclass(frozen=True, slots=True)
class DeviceRoom:
    """How many devices a tenant has, and how many it may have."""

    count: int
    limit: int | None

    @property
    def is_reached(self) -> bool:
        """Whether no further device is registered."""
        return self.left == 0

    @property
    def left(self) -> int | None:
        """How many more may be registered; None for any number."""
        return None if self.limit is None else max(self.limit - self.count, 0)


async def room_for_devices(tx: Transaction, tenant: TenantId) -> DeviceRoom:
    """Count the devices of ``tenant`` that are registered."""
    found = await tenants.find(tx, tenant)
    count = await users.count(tx, tenant, UserKind.DEVICE)
    return DeviceRoom(count, found.max_devices if found is not None else None)


async def check_room_for_devices(tx: Transaction, tenant: TenantId) -> None:
    """Raise ``DeviceLimitReachedError`` if another device would be one too many."""
    if (await room_for_devices(tx, tenant)).is_reached:
        raise DeviceLimitReachedError


async def check_room_for_users(tx: Transaction, tenant: TenantId) -> None:
    """Raise ``UserLimitReachedError`` if another person would be one too many."""
    found = await tenants.find(tx, tenant)
    if found is None or found.max_users is None:
        return
    if await users.count(tx, tenant, UserKind.PERSON) >= found.max_users:
        raise UserLimitReachedError
