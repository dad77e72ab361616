"""Statements about tenants."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, select, update

from certinel.domain.identifiers import TenantId
from certinel.domain.tenant import Tenant, TenantStatus
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest, fetch_page
from certinel.storage.tables import tenant as table


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantFilter:
    """Which tenants are meant; what is None does not matter."""

    company: str | None = None
    domain: str | None = None


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


async def remove(tx: Transaction, tenant: TenantId) -> None:
    """Remove a tenant and, through the foreign keys, all that belongs to it; its audit log stays."""
    await tx.execute(delete(table).where(table.c.id == tenant))


async def list_of(tx: Transaction, wanted: TenantFilter, request: PageRequest) -> Page[Tenant]:
    """Return a page of tenants, by id."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.company is not None:
        conditions.append(table.c.company == wanted.company)
    if wanted.domain is not None:
        conditions.append(table.c.domain == wanted.domain.lower())
    return await fetch_page(tx, select(table).where(*conditions).order_by(table.c.id), request, _tenant)


async def lock(tx: Transaction, tenant: TenantId) -> None:
    """Let no other transaction that locks the same tenant go on before this one has ended."""
    await tx.execute(select(table.c.id).where(table.c.id == tenant).with_for_update())


def _row(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "domain": tenant.domain.lower() if tenant.domain else None,
        "status": tenant.status.value,
        "company": tenant.company,
        "admin_name": tenant.admin_name,
        "admin_email": tenant.admin_email,
        "created_at": tenant.created_at,
        "max_devices": tenant.max_devices,
        "max_users": tenant.max_users,
    }


def _tenant(row: Row[*tuple[Any, ...]]) -> Tenant:
    return Tenant(
        id=TenantId(row.id),
        domain=row.domain,
        status=TenantStatus(row.status),
        company=row.company,
        admin_name=row.admin_name,
        admin_email=row.admin_email,
        created_at=row.created_at,
        max_devices=row.max_devices,
        max_users=row.max_users,
    )
