"""Statements on groups of devices and on what is in them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import func, literal_column, select

from certinel.domain.device_group import GROUP_FRAGMENT, ROOT_GROUP, SUBGROUP
from certinel.domain.identifiers import TenantId
from certinel.domain.managed_object import ManagedObjectId, Relation
from certinel.storage import managed_object_children, managed_objects
from certinel.storage.engine import Transaction
from certinel.storage.managed_objects import NewManagedObject
from certinel.storage.tables import managed_object, managed_object_child
from certinel.storage.tables import tenant as tenant_table

_NUMBERS_AT_ONCE: Final = 500
"""Far below what either engine takes as parameters of one statement."""

_OBJECT = managed_object.c
_CHILD = managed_object_child.c
# Written out, and not as a parameter, so that SQLite can tell that the index of root groups applies.
_IS_ROOT_GROUP = _OBJECT.type == literal_column(f"'{ROOT_GROUP}'")


async def lock(tx: Transaction, tenant: TenantId) -> None:
    """Let no other transaction that registers devices in bulk for ``tenant`` go on before this one has ended.

    Devices that store something meanwhile need not wait (FOR NO KEY UPDATE).
    """
    await tx.execute(select(tenant_table.c.id).where(tenant_table.c.id == tenant).with_for_update(key_share=True))


async def find(tx: Transaction, tenant: TenantId, name: str, parent: ManagedObjectId | None) -> ManagedObjectId | None:
    """Return the oldest group of this name inside ``parent``, or of those that are in no group."""
    statement = select(_OBJECT.id).where(_OBJECT.tenant_id == tenant, _OBJECT.name == name)
    if parent is None:
        statement = statement.where(_IS_ROOT_GROUP)
    else:
        statement = statement.where(_OBJECT.type == SUBGROUP).join(
            managed_object_child,
            (_CHILD.tenant_id == _OBJECT.tenant_id)
            & (_CHILD.child_id == _OBJECT.id)
            & (_CHILD.parent_id == parent)
            & (_CHILD.kind == Relation.ASSET.value),
        )
    number = (await tx.execute(statement.order_by(_OBJECT.id).limit(1))).scalar_one_or_none()
    return None if number is None else ManagedObjectId(number)


async def create(
    tx: Transaction, tenant: TenantId, name: str, parent: ManagedObjectId | None, made: tuple[str, datetime]
) -> ManagedObjectId:
    """Make a group inside ``parent`` or in no group; ``made`` is by whom and when."""
    owner, at = made
    new = NewManagedObject(
        tenant=tenant,
        name=name,
        type=ROOT_GROUP if parent is None else SUBGROUP,
        owner=owner,
        created_at=at,
        fragments={GROUP_FRAGMENT: {}},
    )
    (number,) = await managed_objects.create(tx, [new])
    if parent is not None:
        await put_in(tx, tenant, [(parent, number)])
    return number


async def put_in(tx: Transaction, tenant: TenantId, pairs: Iterable[tuple[ManagedObjectId, ManagedObjectId]]) -> None:
    """Put objects into groups, given as (group, object); what is there already stays there."""
    await managed_object_children.link(tx, tenant, Relation.ASSET, pairs)


class GroupNode(NamedTuple):
    """A group, and the groups that it is in."""

    id: ManagedObjectId
    name: str | None
    parents: tuple[ManagedObjectId, ...]
    member_count: int
    """What is directly in it, groups included."""


async def all_of(tx: Transaction, tenant: TenantId, at_most: int) -> list[GroupNode]:
    """Return the groups of ``tenant`` by their names, at most so many."""
    groups = select(_OBJECT.id, _OBJECT.name).where(
        _OBJECT.tenant_id == tenant, _OBJECT.type.in_([ROOT_GROUP, SUBGROUP])
    )
    found = {row.id: row.name for row in await tx.execute(groups.order_by(_OBJECT.name, _OBJECT.id).limit(at_most))}
    if not found:
        return []
    assets = (_CHILD.tenant_id == tenant, _CHILD.kind == Relation.ASSET.value)
    parents: dict[int, list[ManagedObjectId]] = {}
    numbers = sorted(found)
    for start in range(0, len(numbers), _NUMBERS_AT_ONCE):
        some = numbers[start : start + _NUMBERS_AT_ONCE]
        for row in await tx.execute(
            select(_CHILD.parent_id, _CHILD.child_id).where(*assets, _CHILD.child_id.in_(some))
        ):
            parents.setdefault(row.child_id, []).append(ManagedObjectId(row.parent_id))
    counted = select(_CHILD.parent_id, func.count().label("many")).where(*assets).group_by(_CHILD.parent_id)
    counts = {row.parent_id: row.many for row in await tx.execute(counted)}
    return [
        GroupNode(ManagedObjectId(number), name, tuple(sorted(parents.get(number, ()))), counts.get(number, 0))
        for number, name in found.items()
    ]


async def members(tx: Transaction, tenant: TenantId, group: ManagedObjectId) -> list[ManagedObjectId]:
    """Return everything that is directly in ``group``."""
    statement = (
        select(_CHILD.child_id)
        .where(_CHILD.tenant_id == tenant, _CHILD.parent_id == group, _CHILD.kind == Relation.ASSET.value)
        .order_by(_CHILD.child_id)
    )
    return [ManagedObjectId(number) for number in (await tx.execute(statement)).scalars()]
