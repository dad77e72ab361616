"""The inventory. Whoever may not read or change all of it works with the objects that are their own, as devices do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import TenantId
from certinel.domain.managed_object import (
    DEVICE_FRAGMENT,
    InvalidManagedObjectError,
    ManagedObject,
    ManagedObjectId,
    Relation,
    merged,
    text_of,
)
from certinel.domain.role import Principal, Role
from certinel.services import user_administration
from certinel.services.platform import Platform
from certinel.services.users import UserNotFoundError
from certinel.storage import managed_object_children, managed_objects, users
from certinel.storage.engine import Transaction
from certinel.storage.managed_object_children import Relative
from certinel.storage.managed_objects import ManagedObjectFilter, NewManagedObject
from certinel.storage.page import Page, PageRequest

MAX_RELATIVES_SHOWN = 100
"""Of each kind, in an object's own answer; all of them are pages of their own. Groups can hold a whole fleet."""

MAX_DELETED_AT_ONCE = 10_000
"""Objects that one call removes; ours. Others who write wait for it."""


class ManagedObjectNotFoundError(DeviceIdentityError):
    """The tenant has no such object, or it is not the caller's to see."""

    code = "inventory/not-found"

    def __init__(self, number: ManagedObjectId) -> None:
        super().__init__(f"No managedObject for id '{number}'")
        self.number = number


@dataclass(frozen=True, slots=True)
class Relatives:
    """What belongs to an object, and to what it belongs: the first few."""

    children: Sequence[Relative] = ()
    parents: Sequence[Relative] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What goes besides the object itself."""

    with_children: bool = False
    """Everything that belongs to it, and to that, and so on, as far as the caller may change it."""
    with_device_user: bool = False
    """The device users that own what goes; the devices then have to be registered again."""


def may_see(caller: Principal, found: ManagedObject) -> bool:
    """Tell whether ``caller`` may read ``found``, an object of the caller's tenant."""
    return caller.has_any(Role.INVENTORY_READ) or found.owner == caller.user_name


def may_change(caller: Principal, found: ManagedObject) -> bool:
    """Tell whether ``caller`` may change ``found``, an object of the caller's tenant."""
    return caller.has_any(Role.INVENTORY_ADMIN) or found.owner == caller.user_name


async def get(tx: Transaction, caller: Principal, number: ManagedObjectId) -> ManagedObject:
    """Return the object; raises ``ManagedObjectNotFoundError``."""
    found = await managed_objects.get(tx, caller.tenant, number)
    if found is None or not may_see(caller, found):
        raise ManagedObjectNotFoundError(number)
    return found


async def get_to_change(tx: Transaction, caller: Principal, number: ManagedObjectId) -> ManagedObject:
    """Return an object that the caller may change; raises ``ManagedObjectNotFoundError``."""
    found = await managed_objects.get(tx, caller.tenant, number)
    if found is None or not may_change(caller, found):
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


async def relatives_of(
    tx: Transaction, tenant: TenantId, objects: Sequence[ManagedObject], *, with_parents: bool
) -> Relatives:
    """Return the first relatives of ``objects``; names are shown also of those that the caller does not own."""
    numbers = [one.id for one in objects]
    children = await managed_object_children.children_of(tx, tenant, numbers, MAX_RELATIVES_SHOWN)
    if not with_parents:
        return Relatives(children)
    return Relatives(children, await managed_object_children.parents_of(tx, tenant, numbers, MAX_RELATIVES_SHOWN))


async def create(tx: Transaction, platform: Platform, caller: Principal, body: Mapping[str, Any]) -> ManagedObject:
    """Make an object that belongs to the caller, or to whom an administrator names.

    Raises:
        InvalidManagedObjectError: name, type, owner or the number of properties cannot be.
    """
    at = platform.clock.now()
    new = NewManagedObject(
        tenant=caller.tenant,
        name=text_of(body, "name"),
        type=text_of(body, "type"),
        owner=await _owner(tx, caller, body) or caller.user_name,
        created_at=at,
        fragments=merged({}, body),
    )
    (number,) = await managed_objects.create(tx, [new])
    return ManagedObject(
        id=number,
        tenant=new.tenant,
        name=new.name,
        type=new.type,
        owner=new.owner,
        created_at=at,
        updated_at=at,
        fragments=new.fragments,
    )


async def update(
    tx: Transaction, platform: Platform, caller: Principal, number: ManagedObjectId, body: Mapping[str, Any]
) -> ManagedObject:
    """Change an object: what ``body`` does not name stays, null removes.

    Raises:
        ManagedObjectNotFoundError: there is none that the caller may change.
        InvalidManagedObjectError: as for ``create``.
    """
    await managed_objects.lock(tx, caller.tenant, number)
    before = await get_to_change(tx, caller, number)
    after = replace(before.changed(body, platform.clock.now()), owner=await _owner(tx, caller, body) or before.owner)
    await managed_objects.save(tx, after)
    return after


async def delete(
    tx: Transaction, platform: Platform, caller: Principal, number: ManagedObjectId, deletion: Deletion
) -> None:
    """Remove an object with its external ids, measurements and relations.

    Raises:
        ManagedObjectNotFoundError: there is none that the caller may change.
        InvalidManagedObjectError: too many objects would go at once.
        BeyondOwnRightsError: the device user would go too, and the caller may not do that.
    """
    found = await get_to_change(tx, caller, number)
    below = await _all_below(tx, caller, number) if deletion.with_children else []
    if deletion.with_device_user:
        await _delete_device_users(tx, platform, caller, [found, *below])
    await managed_objects.remove_all(tx, caller.tenant, [one.id for one in below])
    await managed_objects.remove(tx, caller.tenant, number)


async def list_children(
    tx: Transaction, caller: Principal, relation: Relation, parent: ManagedObjectId, page: PageRequest
) -> Page[ManagedObject]:
    """Return a page of what belongs to ``parent``; raises ``ManagedObjectNotFoundError``."""
    await get(tx, caller, parent)
    return await managed_object_children.list_of(tx, caller.tenant, relation, parent, page)


async def get_child(
    tx: Transaction, caller: Principal, relation: Relation, parent: ManagedObjectId, child: ManagedObjectId
) -> ManagedObject:
    """Return an object that belongs to ``parent``; raises ``ManagedObjectNotFoundError``."""
    await get(tx, caller, parent)
    found = await get(tx, caller, child)
    if not await managed_object_children.has(tx, caller.tenant, relation, parent, child):
        raise ManagedObjectNotFoundError(child)
    return found


async def add_children(
    tx: Transaction, caller: Principal, relation: Relation, parent: ManagedObjectId, children: Sequence[ManagedObjectId]
) -> list[ManagedObject]:
    """Make objects belong to ``parent``; those that do already stay.

    Raises:
        ManagedObjectNotFoundError: the caller may not change one of them, or it does not exist.
        InvalidManagedObjectError: an object would belong to itself.
    """
    _ = await get_to_change(tx, caller, parent)
    found = [await get_to_change(tx, caller, child) for child in children]
    if parent in children:
        raise InvalidManagedObjectError(f"managedObject {parent} cannot belong to itself.")
    await managed_object_children.link(tx, caller.tenant, relation, [(parent, child) for child in children])
    return found


async def remove_children(
    tx: Transaction, caller: Principal, relation: Relation, parent: ManagedObjectId, children: Sequence[ManagedObjectId]
) -> None:
    """End relations; the objects stay. Raises ``ManagedObjectNotFoundError``."""
    _ = await get_to_change(tx, caller, parent)
    for child in children:
        if not await managed_object_children.unlink(tx, caller.tenant, relation, parent, child):
            raise ManagedObjectNotFoundError(child)


async def _owner(tx: Transaction, caller: Principal, body: Mapping[str, Any]) -> str | None:
    """Return the owner that an administrator names; devices cannot give away what is theirs."""
    owner = text_of(body, "owner")
    if owner is None or not caller.has_any(Role.INVENTORY_ADMIN):
        return None
    if await users.find(tx, caller.tenant, owner) is None:
        raise InvalidManagedObjectError(f"There is no user {owner} who could own the object.")
    return owner


async def _all_below(tx: Transaction, caller: Principal, number: ManagedObjectId) -> list[ManagedObject]:
    """Return what belongs to an object, however far below; relations may go round in circles."""
    seen, level, found = {number}, [number], list[ManagedObject]()
    while level:
        below = await managed_object_children.child_ids_of(tx, caller.tenant, level, MAX_DELETED_AT_ONCE)
        new = [child for child in below if child not in seen]
        seen.update(new)
        if len(seen) > MAX_DELETED_AT_ONCE:
            raise InvalidManagedObjectError(f"More than {MAX_DELETED_AT_ONCE} objects would be deleted at once.")
        objects = await managed_objects.get_many(tx, caller.tenant, new) if new else {}
        changeable = [one for one in objects.values() if may_change(caller, one)]
        found += changeable
        level = [one.id for one in changeable]
    return found


async def _delete_device_users(
    tx: Transaction, platform: Platform, caller: Principal, objects: Sequence[ManagedObject]
) -> None:
    if not caller.has_any(Role.INVENTORY_ADMIN, Role.USER_MANAGEMENT_ADMIN):
        raise user_administration.BeyondOwnRightsError
    for owner in sorted({one.owner for one in objects if DEVICE_FRAGMENT in one.fragments}):
        try:
            await user_administration.device_user(tx, caller.tenant, owner)
        except UserNotFoundError:
            continue
        await user_administration.delete(tx, platform, caller.tenant, owner, caller)
