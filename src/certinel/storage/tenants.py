"""Statements about tenants."""

from typing import Any

from sqlalchemy import Row, select, update

from certinel.domain.identifiers import TenantId
from certinel.domain.tenant import Tenant, TenantStatus
from certinel.storage.engine import Transaction
from certinel.storage.tables import tenant as table


async def all_of_them(tx: Transaction) -> tuple[Tenant, ...]:
    """Return every tenant, the oldest first."""
    rows = await tx.execute(select(table).order_by(table.c.created_at, table.c.id))
    return tuple(_tenant(row) for row in rows)


async def find(tx: Transaction, tenant: TenantId) -> Tenant | None:
    """Return one tenant."""
    row = (await tx.execute(select(table).where(table.c.id == tenant))).one_or_none()
    return _tenant(row) if row is not None else None


async def find_by_domain(tx: Transaction, domain: str) -> Tenant | None:
    """Return the tenant whose own domain this is, upper and lower case alike."""
    row = (await tx.execute(select(table).where(table.c.domain == domain.lower()))).one_or_none()
    return _tenant(row) if row is not None else None


async def insert_if_absent(tx: Transaction, tenant: Tenant) -> bool:
    """Add a tenant unless its id or domain is taken; tell whether it was added."""
    return await tx.insert_if_absent(table, _row(tenant))


async def save(tx: Transaction, tenant: Tenant) -> None:
    """Make what is stored of a tenant equal to ``tenant``."""
    await tx.execute(update(table).where(table.c.id == tenant.id).values(_row(tenant)))


async def lock(tx: Transaction, tenant: TenantId) -> None:
    """Let no other transaction that locks the same tenant go on before this one has ended."""
    await tx.execute(select(table.c.id).where(table.c.id == tenant).with_for_update())


def _row(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "domain": tenant.domain.lower() if tenant.domain else None,
        "status": tenant.status.value,
        "created_at": tenant.created_at,
    }


def _tenant(row: Row[*tuple[Any, ...]]) -> Tenant:
    return Tenant(id=TenantId(row.id), domain=row.domain, status=TenantStatus(row.status), created_at=row.created_at)
