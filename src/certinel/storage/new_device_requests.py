"""Statements on devices that are expected."""

from typing import Any

from sqlalchemy import Row, delete, select

from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.new_device_request import NewDeviceRequest, RequestStatus
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest, fetch_page
from certinel.storage.tables import new_device_request as table


async def find(tx: Transaction, tenant: TenantId, device: DeviceId) -> NewDeviceRequest | None:
    """Return the request for ``device``."""
    statement = select(table).where(table.c.tenant_id == tenant, table.c.device_id == device)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _request(row)


async def list_of(tx: Transaction, tenant: TenantId, page: PageRequest) -> Page[NewDeviceRequest]:
    """Return a page of the tenant's requests, by the name of the device."""
    return await fetch_page(
        tx, select(table).where(table.c.tenant_id == tenant).order_by(table.c.device_id), page, _request
    )


async def put(tx: Transaction, request: NewDeviceRequest) -> None:
    """Store ``request``, in the place of an earlier one for the same device."""
    await tx.upsert(
        table,
        {
            "tenant_id": request.tenant,
            "device_id": request.device,
            "status": request.status.value,
            "owner": request.owner,
            "created_at": request.created_at,
            "group_id": request.group,
            "type": request.type,
            "enrollment_hash": request.enrollment_hash,
        },
    )


async def remove(tx: Transaction, tenant: TenantId, device: DeviceId) -> bool:
    """Remove the request for ``device``; tell whether there was one."""
    statement = delete(table).where(table.c.tenant_id == tenant, table.c.device_id == device)
    return (await tx.execute(statement)).rowcount == 1


def _request(row: Row[*tuple[Any, ...]]) -> NewDeviceRequest:
    return NewDeviceRequest(
        tenant=row.tenant_id,
        device=row.device_id,
        status=RequestStatus(row.status),
        owner=row.owner,
        created_at=row.created_at,
        group=row.group_id,
        type=row.type,
        enrollment_hash=row.enrollment_hash,
    )
