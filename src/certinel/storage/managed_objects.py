"""Statements on managed objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, or_, select, update

from certinel.domain.identifiers import TenantId
from certinel.domain.inventory_query import EVERYTHING, InventoryQuery
from certinel.domain.managed_object import ManagedObject, ManagedObjectId
from certinel.storage.engine import Transaction
from certinel.storage.inventory_queries import condition_of, order_of
from certinel.storage.json_conditions import has_key, has_text
from certinel.storage.page import Page, PageRequest, fetch_page
from certinel.storage.tables import managed_object

_COLUMNS = managed_object.c

IDS_AT_ONCE = 500
"""Far below what either engine takes as parameters of one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewManagedObject:
    """A managed object that has no id yet."""

    tenant: TenantId
    name: str | None
    type: str | None
    owner: str
    created_at: datetime
    fragments: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedObjectFilter:
    """Which managed objects are meant; what is None does not matter."""

    type: str | None = None
    fragment_type: str | None = None
    """The name of a fragment the object has."""
    owner: str | None = None
    text: str | None = None
    """A value that some property of the object has: exactly, and as text."""
    ids: Sequence[ManagedObjectId] | None = None
    query: InventoryQuery = EVERYTHING
    """What is asked in the query language, and the order."""


async def create(tx: Transaction, new: Sequence[NewManagedObject]) -> list[ManagedObjectId]:
    """Insert all of ``new`` and return their ids in the same order."""
    rows = [
        {
            "tenant_id": one.tenant,
            "name": one.name,
            "type": one.type,
            "owner": one.owner,
            "created_at": one.created_at,
            "updated_at": one.created_at,
            "fragments": dict(one.fragments),
        }
        for one in new
    ]
    statement = insert(managed_object).returning(_COLUMNS.id, sort_by_parameter_order=True)
    return [ManagedObjectId(number) for number in (await tx.execute(statement, rows)).scalars()]


async def get(tx: Transaction, tenant: TenantId, number: ManagedObjectId) -> ManagedObject | None:
    """Return the object, or None if the tenant has no such object."""
    row = (await tx.execute(_of(tenant).where(_COLUMNS.id == number))).one_or_none()
    return None if row is None else read(row)


async def get_many(
    tx: Transaction, tenant: TenantId, numbers: Sequence[ManagedObjectId]
) -> dict[ManagedObjectId, ManagedObject]:
    """Return those of the objects that exist."""
    rows = await tx.execute(_of(tenant).where(_COLUMNS.id.in_(numbers)))
    found = (read(row) for row in rows)
    return {one.id: one for one in found}


async def list_of(
    tx: Transaction, tenant: TenantId, wanted: ManagedObjectFilter, page: PageRequest
) -> Page[ManagedObject]:
    """Return a page of the tenant's objects, oldest first unless the query orders them."""
    statement = _of(tenant).where(*_conditions(tx, tenant, wanted)).order_by(*order_of(wanted.query.order))
    return await fetch_page(tx, statement, page, read)


async def save(tx: Transaction, changed: ManagedObject) -> bool:
    """Store name, type, owner, fragments and the time of the change; tell whether the object exists."""
    statement = (
        update(managed_object)
        .where(_COLUMNS.tenant_id == changed.tenant, _COLUMNS.id == changed.id)
        .values(
            name=changed.name,
            type=changed.type,
            owner=changed.owner,
            updated_at=changed.updated_at,
            fragments=dict(changed.fragments),
        )
    )
    return (await tx.execute(statement)).rowcount == 1


async def lock(tx: Transaction, tenant: TenantId, number: ManagedObjectId) -> None:
    """Let nobody else change the object before this transaction ends."""
    statement = select(_COLUMNS.id).where(_COLUMNS.tenant_id == tenant, _COLUMNS.id == number)
    await tx.execute(statement.with_for_update())


async def remove(tx: Transaction, tenant: TenantId, number: ManagedObjectId) -> bool:
    """Delete the object with its external ids and measurements; tell whether it existed."""
    statement = delete(managed_object).where(_COLUMNS.tenant_id == tenant, _COLUMNS.id == number)
    return (await tx.execute(statement)).rowcount == 1


async def remove_all(tx: Transaction, tenant: TenantId, numbers: Sequence[ManagedObjectId]) -> None:
    """Delete objects with their external ids, measurements and relations."""
    for start in range(0, len(numbers), IDS_AT_ONCE):
        some = numbers[start : start + IDS_AT_ONCE]
        await tx.execute(delete(managed_object).where(_COLUMNS.tenant_id == tenant, _COLUMNS.id.in_(some)))


def _of(tenant: TenantId) -> Any:
    return select(managed_object).where(_COLUMNS.tenant_id == tenant)


def _conditions(tx: Transaction, tenant: TenantId, wanted: ManagedObjectFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.type is not None:
        conditions.append(_COLUMNS.type == wanted.type)
    if wanted.fragment_type is not None:
        conditions.append(has_key(tx.engine_name, _COLUMNS.fragments, wanted.fragment_type))
    if wanted.owner is not None:
        conditions.append(_COLUMNS.owner == wanted.owner)
    if wanted.text is not None:
        columns = [column == wanted.text for column in (_COLUMNS.name, _COLUMNS.type, _COLUMNS.owner)]
        conditions.append(or_(*columns, has_text(tx.engine_name, _COLUMNS.fragments, wanted.text)))
    if wanted.ids is not None:
        conditions.append(_COLUMNS.id.in_(wanted.ids))
    if wanted.query.condition is not None:
        conditions.append(condition_of(tx.engine_name, tenant, wanted.query.condition))
    return conditions


def read(row: Row[*tuple[Any, ...]]) -> ManagedObject:
    """Return the object of a row that has all columns of the table."""
    return ManagedObject(
        id=row.id,
        tenant=row.tenant_id,
        name=row.name,
        type=row.type,
        owner=row.owner,
        created_at=row.created_at,
        updated_at=row.updated_at,
        fragments=row.fragments,
    )
