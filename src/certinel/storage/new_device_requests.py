"""Statements on devices that are expected."""

from typing import Any

from sqlalchemy import Row, delete, select

from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.new_device_request import NewDeviceRequest, RequestStatus
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest, fetch_page
from certinel.storage.tables import new_device_request as table

MAX_TENANTS = 100
"""Of which requests for a device of one name are looked at: names of devices are hardly ever the same."""


async def find(tx: Transaction, tenant: TenantId, device: DeviceId) -> NewDeviceRequest | None:
    """Return the request for ``device``."""
    statement = select(table).where(table.c.tenant_id == tenant, table.c.device_id == device)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _request(row)


async def of_device(tx: Transaction, device: DeviceId, tenant: TenantId | None) -> list[NewDeviceRequest]:
    """Return the requests of ``tenant``, or of all tenants, for ``device``, the oldest first."""
    statement = select(table).where(table.c.device_id == device).order_by(table.c.created_at, table.c.tenant_id)
    if tenant is not None:
        statement = statement.where(table.c.tenant_id == tenant)
    return [_request(row) for row in await tx.execute(statement.limit(MAX_TENANTS))]


async def find_to_change(tx: Transaction, tenant: TenantId, device: DeviceId) -> NewDeviceRequest | None:
    """Return the request for ``device``, and let nobody else change it before this transaction ends."""
    statement = select(table).where(table.c.tenant_id == tenant, table.c.device_id == device).with_for_update()
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _request(row)


async def add(tx: Transaction, request: NewDeviceRequest) -> bool:
    """Store ``request`` unless there is one for the device; tell whether it was stored."""
    return await tx.insert_if_absent(table, _row(request))


async def pending(tx: Transaction, tenant: TenantId) -> list[NewDeviceRequest]:
    """Return the tenant's requests that somebody may accept now, by the name of the device."""
    statement = select(table).where(
        table.c.tenant_id == tenant, table.c.status == RequestStatus.PENDING_ACCEPTANCE.value
    )
    rows = await tx.execute(statement.order_by(table.c.device_id).with_for_update())
    return [_request(row) for row in rows]


async def list_of(tx: Transaction, tenant: TenantId, page: PageRequest) -> Page[NewDeviceRequest]:
    """Return a page of the tenant's requests, by the name of the device."""
    return await fetch_page(
        tx, select(table).where(table.c.tenant_id == tenant).order_by(table.c.device_id), page, _request
    )


async def put(tx: Transaction, request: NewDeviceRequest) -> None:
    """Store ``request``, in the place of an earlier one for the same device."""
    await tx.upsert(table, _row(request))


async def remove(tx: Transaction, tenant: TenantId, device: DeviceId) -> bool:
    """Remove the request for ``device``; tell whether there was one."""
    statement = delete(table).where(table.c.tenant_id == tenant, table.c.device_id == device)
    return (await tx.execute(statement)).rowcount == 1


def _row(request: NewDeviceRequest) -> dict[str, Any]:
    return {
        "tenant_id": request.tenant,
        "device_id": request.device,
        "status": request.status.value,
        "owner": request.owner,
        "created_at": request.created_at,
        "group_id": request.group,
        "name": request.name,
        "type": request.type,
        "fragments": dict(request.fragments),
        "enrollment_hash": request.enrollment_hash,
        "security_token_digest": request.security_token_digest,
        "wrong_tokens": request.wrong_tokens,
    }


def _request(row: Row[*tuple[Any, ...]]) -> NewDeviceRequest:
    return NewDeviceRequest(
        tenant=row.tenant_id,
        device=row.device_id,
        status=RequestStatus(row.status),
        owner=row.owner,
        created_at=row.created_at,
        group=row.group_id,
        name=row.name,
        type=row.type,
        fragments=row.fragments or {},
        enrollment_hash=row.enrollment_hash,
        security_token_digest=row.security_token_digest,
        wrong_tokens=row.wrong_tokens,
    )
