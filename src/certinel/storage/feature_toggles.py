"""Statements on features that a tenant has switched on or off."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select

from certinel.domain.identifiers import TenantId
from certinel.storage.engine import Transaction
from certinel.storage.tables import feature_toggle as table


async def of_tenant(tx: Transaction, tenant: TenantId) -> Mapping[str, bool]:
    """Return what ``tenant`` has set, by the key of the feature."""
    rows = await tx.execute(select(table.c.key, table.c.active).where(table.c.tenant_id == tenant))
    return {row.key: row.active for row in rows}


async def put(tx: Transaction, tenant: TenantId, key: str, *, is_active: bool) -> None:
    """Set a feature, whether it was set before or not."""
    await tx.upsert(table, {"tenant_id": tenant, "key": key, "active": is_active})


async def remove(tx: Transaction, tenant: TenantId, key: str) -> bool:
    """Let the platform's own choice hold again; tell whether the tenant had another one."""
    conditions: tuple[Any, Any] = (table.c.tenant_id == tenant, table.c.key == key)
    return (await tx.execute(delete(table).where(*conditions))).rowcount == 1
