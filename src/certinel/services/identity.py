"""Finding managed objects by the names others know them by."""

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.managed_object import ExternalId, ManagedObjectId
from certinel.domain.role import Principal, Role
from certinel.services import inventory
from certinel.storage import external_ids, managed_objects
from certinel.storage.engine import Transaction


class ExternalIdNotFoundError(DeviceIdentityError):
    """The tenant has no such external id, or its object is not the caller's to see."""

    code = "identity/not-found"

    def __init__(self, type_: str, value: str) -> None:
        super().__init__(f"External id not found; external id = ID [type={type_}, value={value}]")
        self.type, self.value = type_, value


async def get(tx: Transaction, caller: Principal, type_: str, value: str) -> ExternalId:
    """Return the external id with the object it names; raises ``ExternalIdNotFoundError``."""
    found = await external_ids.get(tx, caller.tenant, type_, value)
    if found is None:
        raise ExternalIdNotFoundError(type_, value)
    if not caller.has_any(Role.IDENTITY_READ):
        named = await managed_objects.get(tx, caller.tenant, found.managed_object)
        if named is None or named.owner != caller.user_name:
            raise ExternalIdNotFoundError(type_, value)
    return found


async def list_of(tx: Transaction, caller: Principal, number: ManagedObjectId) -> list[ExternalId]:
    """Return all external ids of an object; raises ``ManagedObjectNotFoundError``."""
    named = await managed_objects.get(tx, caller.tenant, number)
    if named is None or not (caller.has_any(Role.IDENTITY_READ) or named.owner == caller.user_name):
        raise inventory.ManagedObjectNotFoundError(number)
    return await external_ids.list_of(tx, caller.tenant, number)
