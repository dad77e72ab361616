"""The names by which others know managed objects."""

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import DeviceId, device_user_name
from certinel.domain.managed_object import SERIAL, ExternalId, ManagedObjectId
from certinel.domain.role import Principal, Role, UserKind
from certinel.services import inventory
from certinel.storage import external_ids, managed_objects, users
from certinel.storage.engine import Transaction


class ExternalIdNotFoundError(DeviceIdentityError):
    """The tenant has no such external id, or its object is not the caller's to see."""

    code = "identity/not-found"

    def __init__(self, type_: str, value: str) -> None:
        super().__init__(f"External id not found; external id = ID [type={type_}, value={value}]")
        self.type, self.value = type_, value


class ExternalIdAlreadyExistsError(DeviceIdentityError):
    """The tenant has an object of this name."""

    code = "identity/already-exists"

    def __init__(self, external: ExternalId) -> None:
        super().__init__(
            "Duplicated externalId record; external id = "
            f"ID [type={external.type}, value={external.value}] is bound to another managed object already"
        )


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


async def bind(tx: Transaction, caller: Principal, external: ExternalId) -> None:
    """Give an object another name.

    A device cannot take the serial of another device that is registered: it would keep that one from sending anything.

    Raises:
        ManagedObjectNotFoundError: there is no object that the caller may name.
        ExternalIdAlreadyExistsError: the name is taken.
    """
    await _get_to_name(tx, caller, external.managed_object)
    owner = device_user_name(DeviceId(external.value))
    is_other_device = caller.kind is UserKind.DEVICE and external.type == SERIAL and owner != caller.user_name
    if is_other_device and await users.find(tx, caller.tenant, owner) is not None:
        raise ExternalIdAlreadyExistsError(external)
    if not await external_ids.bind(tx, caller.tenant, external):
        raise ExternalIdAlreadyExistsError(external)


async def unbind(tx: Transaction, caller: Principal, type_: str, value: str) -> None:
    """Take a name from its object; raises ``ExternalIdNotFoundError``."""
    found = await external_ids.get(tx, caller.tenant, type_, value)
    if found is None:
        raise ExternalIdNotFoundError(type_, value)
    try:
        await _get_to_name(tx, caller, found.managed_object)
    except inventory.ManagedObjectNotFoundError:
        raise ExternalIdNotFoundError(type_, value) from None
    await external_ids.remove(tx, caller.tenant, type_, value)


async def _get_to_name(tx: Transaction, caller: Principal, number: ManagedObjectId) -> None:
    named = await managed_objects.get(tx, caller.tenant, number)
    if named is None or not (caller.has_any(Role.IDENTITY_ADMIN) or named.owner == caller.user_name):
        raise inventory.ManagedObjectNotFoundError(number)


async def list_of(tx: Transaction, caller: Principal, number: ManagedObjectId) -> list[ExternalId]:
    """Return all external ids of an object; raises ``ManagedObjectNotFoundError``."""
    named = await managed_objects.get(tx, caller.tenant, number)
    if named is None or not (caller.has_any(Role.IDENTITY_READ) or named.owner == caller.user_name):
        raise inventory.ManagedObjectNotFoundError(number)
    return await external_ids.list_of(tx, caller.tenant, number)
