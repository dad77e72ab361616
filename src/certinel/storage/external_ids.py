"""Statements on external ids."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select

from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.managed_object import SERIAL, ExternalId, ManagedObjectId
from certinel.storage.engine import Transaction
from certinel.storage.tables import external_id, managed_object

_COLUMNS = external_id.c


class OwnedObject(NamedTuple):
    """The object of a device, as far as storing its messages needs it."""

    id: ManagedObjectId
    owner: str


_DEVICE_OBJECTS = (
    select(_COLUMNS.value, managed_object.c.id, managed_object.c.owner)
    .join(managed_object, managed_object.c.id == _COLUMNS.managed_object_id)
    .where(
        _COLUMNS.tenant_id == bindparam("tenant"),
        _COLUMNS.type == bindparam("type"),
        _COLUMNS.value.in_(bindparam("values", expanding=True)),
    )
    # On PostgreSQL nobody deletes the objects before this transaction ends; on SQLite nobody else writes anyway.
    .with_for_update(key_share=True, read=True, of=managed_object)
)


async def get(tx: Transaction, tenant: TenantId, type_: str, value: str) -> ExternalId | None:
    """Return the external id, or None if the tenant has no such one."""
    statement = select(_COLUMNS.managed_object_id).where(
        _COLUMNS.tenant_id == tenant, _COLUMNS.type == type_, _COLUMNS.value == value
    )
    number = (await tx.execute(statement)).scalar_one_or_none()
    return None if number is None else ExternalId(type_, value, number)


async def list_of(tx: Transaction, tenant: TenantId, managed_object_id: ManagedObjectId) -> list[ExternalId]:
    """Return all external ids of an object, by type and value."""
    statement = (
        select(_COLUMNS.type, _COLUMNS.value)
        .where(_COLUMNS.tenant_id == tenant, _COLUMNS.managed_object_id == managed_object_id)
        .order_by(_COLUMNS.type, _COLUMNS.value)
    )
    rows = await tx.execute(statement)
    return [ExternalId(row.type, row.value, managed_object_id) for row in rows]


async def bind(tx: Transaction, tenant: TenantId, external: ExternalId) -> bool:
    """Store the external id unless the tenant has it already, for whatever object; tell whether it was stored.

    Raises ``RowConflictError`` if the tenant has no such managed object.
    """
    return await tx.insert_if_absent(external_id, _row(tenant, external))


def add(tx: Transaction, tenant: TenantId, external: ExternalId) -> None:
    """Store the external id at commit, which raises ``RowConflictError`` if the tenant has it already."""
    tx.add(external_id, _row(tenant, external))


async def remove(tx: Transaction, tenant: TenantId, type_: str, value: str) -> bool:
    """Delete the external id; tell whether it existed."""
    statement = delete(external_id).where(_COLUMNS.tenant_id == tenant, _COLUMNS.type == type_, _COLUMNS.value == value)
    return (await tx.execute(statement)).rowcount == 1


async def objects_of_devices(
    tx: Transaction, tenant: TenantId, devices: Collection[DeviceId]
) -> dict[DeviceId, OwnedObject]:
    """Return the objects of those devices that have one; they stay until the transaction ends."""
    found = await objects_named(tx, tenant, SERIAL, devices)
    return {DeviceId(value): owned for value, owned in found.items()}


async def objects_named(
    tx: Transaction, tenant: TenantId, type_: str, names: Collection[str]
) -> dict[str, OwnedObject]:
    """Return the objects that have these external ids; they stay until the transaction ends."""
    values = list(names)
    # Few different lengths, since every length is a statement of its own to prepare and to remember.
    values += values[-1:] * ((1 << (len(values) - 1).bit_length()) - len(values))
    rows = await tx.execute(_DEVICE_OBJECTS, {"tenant": tenant, "type": type_, "values": values})
    return {row.value: OwnedObject(row.id, row.owner) for row in rows}


def _row(tenant: TenantId, external: ExternalId) -> dict[str, object]:
    return {
        "tenant_id": tenant,
        "type": external.type,
        "value": external.value,
        "managed_object_id": external.managed_object,
    }
