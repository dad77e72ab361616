"""Reading the inventory. Whoever may not read all of it sees the objects that are their own, as devices do."""

from dataclasses import replace

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.managed_object import ManagedObject, ManagedObjectId
from certinel.domain.role import Principal, Role
from certinel.storage import managed_objects
from certinel.storage.engine import Transaction
from certinel.storage.managed_objects import ManagedObjectFilter
from certinel.storage.page import Page, PageRequest


class ManagedObjectNotFoundError(DeviceIdentityError):
    """The tenant has no such object, or it is not the caller's to see."""

    code = "inventory/not-found"

    def __init__(self, number: ManagedObjectId) -> None:
        super().__init__(f"No managedObject for id '{number}'")
        self.number = number


def may_see(caller: Principal, found: ManagedObject) -> bool:
    """Tell whether ``caller`` may read ``found``, an object of the caller's tenant."""
    return caller.has_any(Role.INVENTORY_READ) or found.owner == caller.user_name


async def get(tx: Transaction, caller: Principal, number: ManagedObjectId) -> ManagedObject:
    """Return the object; raises ``ManagedObjectNotFoundError``."""
    found = await managed_objects.get(tx, caller.tenant, number)
    if found is None or not may_see(caller, found):
        raise ManagedObjectNotFoundError(number)
    return found


async def list_of(
    tx: Transaction, caller: Principal, wanted: ManagedObjectFilter, page: PageRequest
) -> Page[ManagedObject]:
    """Return a page of the objects that ``wanted`` means and the caller may see."""
    if not caller.has_any(Role.INVENTORY_READ):
        if wanted.owner not in (None, caller.user_name):
            return Page((), page, 0 if page.wants_totals else None)
        wanted = replace(wanted, owner=caller.user_name)
    return await managed_objects.list_of(tx, caller.tenant, wanted, page)
