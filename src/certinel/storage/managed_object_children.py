"""Statements on which object belongs to which."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select

from certinel.domain.identifiers import TenantId
from certinel.domain.managed_object import ManagedObject, ManagedObjectId, Relation
from certinel.storage import managed_objects
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest, fetch_page
from certinel.storage.tables import managed_object, managed_object_child

_OBJECT = managed_object.c
_CHILD = managed_object_child.c


class Relative(NamedTuple):
    """One object that belongs to another, or to which another belongs."""

    of: ManagedObjectId
    relation: Relation
    id: ManagedObjectId
    name: str | None


async def link(
    tx: Transaction, tenant: TenantId, relation: Relation, pairs: Iterable[tuple[ManagedObjectId, ManagedObjectId]]
) -> None:
    """Make objects belong to others, given as (parent, child); what does already stays so."""
    rows = [
        {"tenant_id": tenant, "kind": relation.value, "parent_id": parent, "child_id": child}
        for parent, child in sorted(pairs)
    ]
    await tx.insert_all_if_absent(managed_object_child, rows)


async def unlink(
    tx: Transaction, tenant: TenantId, relation: Relation, parent: ManagedObjectId, child: ManagedObjectId
) -> bool:
    """End a relation; tell whether there was one."""
    statement = delete(managed_object_child).where(*_of(tenant, relation, parent), _CHILD.child_id == child)
    return (await tx.execute(statement)).rowcount == 1


async def has(
    tx: Transaction, tenant: TenantId, relation: Relation, parent: ManagedObjectId, child: ManagedObjectId
) -> bool:
    """Tell whether ``child`` belongs to ``parent``."""
    statement = select(_CHILD.child_id).where(*_of(tenant, relation, parent), _CHILD.child_id == child)
    return (await tx.execute(statement)).one_or_none() is not None


async def list_of(
    tx: Transaction, tenant: TenantId, relation: Relation, parent: ManagedObjectId, page: PageRequest
) -> Page[ManagedObject]:
    """Return a page of what belongs to ``parent``, by id."""
    statement = (
        select(managed_object)
        .join(managed_object_child, (_CHILD.tenant_id == _OBJECT.tenant_id) & (_CHILD.child_id == _OBJECT.id))
        .where(*_of(tenant, relation, parent))
        .order_by(_OBJECT.id)
    )
    return await fetch_page(tx, statement, page, managed_objects.read)


async def children_of(
    tx: Transaction, tenant: TenantId, parents: Sequence[ManagedObjectId], at_most: int
) -> list[Relative]:
    """Return what belongs to ``parents``, of each parent and relation the first ``at_most`` by id."""
    return await _relatives(tx, tenant, parents, at_most, (_CHILD.parent_id, _CHILD.child_id))


async def parents_of(
    tx: Transaction, tenant: TenantId, children: Sequence[ManagedObjectId], at_most: int
) -> list[Relative]:
    """Return to what ``children`` belong, of each child and relation the first ``at_most`` by id."""
    return await _relatives(tx, tenant, children, at_most, (_CHILD.child_id, _CHILD.parent_id))


async def child_ids_of(
    tx: Transaction, tenant: TenantId, parents: Sequence[ManagedObjectId], at_most: int
) -> list[ManagedObjectId]:
    """Return what belongs to ``parents`` in whatever way, at most so many, by id."""
    statement = select(_CHILD.child_id).distinct().where(_CHILD.tenant_id == tenant, _CHILD.parent_id.in_(parents))
    rows = await tx.execute(statement.order_by(_CHILD.child_id).limit(at_most))
    return [ManagedObjectId(number) for number in rows.scalars()]


async def _relatives(
    tx: Transaction, tenant: TenantId, ids: Sequence[ManagedObjectId], at_most: int, columns: tuple[Any, Any]
) -> list[Relative]:
    if not ids:
        return []
    of, other = columns
    rank = func.row_number().over(partition_by=(of, _CHILD.kind), order_by=other).label("rank")
    ranked = (
        select(of.label("of"), _CHILD.kind, other.label("other"), rank)
        .where(_CHILD.tenant_id == tenant, of.in_(ids))
        .subquery()
    )
    statement = (
        select(ranked.c.of, ranked.c.kind, ranked.c.other, _OBJECT.name)
        .join(managed_object, (_OBJECT.id == ranked.c.other) & (_OBJECT.tenant_id == tenant))
        .where(ranked.c.rank <= at_most)
        .order_by(ranked.c.of, ranked.c.kind, ranked.c.other)
    )
    rows = await tx.execute(statement)
    return [Relative(ManagedObjectId(row.of), Relation(row.kind), ManagedObjectId(row.other), row.name) for row in rows]


def _of(tenant: TenantId, relation: Relation, parent: ManagedObjectId) -> tuple[Any, Any, Any]:
    return _CHILD.tenant_id == tenant, _CHILD.kind == relation.value, _CHILD.parent_id == parent
