"""Statements about tenant options. Secrets arrive here sealed; nothing here opens them."""

from typing import Any

from sqlalchemy import Row, delete, select

from certinel.domain.identifiers import TenantId
from certinel.domain.tenant_option import TenantOption
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest, fetch_page
from certinel.storage.tables import tenant_option as table


async def list_of(tx: Transaction, tenant: TenantId, request: PageRequest) -> Page[TenantOption]:
    """Return a page of the options of ``tenant``, by category and key."""
    statement = select(table).where(table.c.tenant_id == tenant).order_by(table.c.category, table.c.key)
    return await fetch_page(tx, statement, request, _option)


async def of_category(tx: Transaction, tenant: TenantId, category: str) -> tuple[TenantOption, ...]:
    """Return all options of one category, by key."""
    statement = select(table).where(table.c.tenant_id == tenant, table.c.category == category).order_by(table.c.key)
    return tuple(_option(row) for row in await tx.execute(statement))


async def find(tx: Transaction, tenant: TenantId, category: str, key: str) -> TenantOption | None:
    """Return one option."""
    row = (await tx.execute(select(table).where(*_key(tenant, category, key)))).one_or_none()
    return _option(row) if row is not None else None


async def put(tx: Transaction, option: TenantOption) -> None:
    """Set an option, whether it existed or not."""
    await tx.upsert(
        table,
        {
            "tenant_id": option.tenant,
            "category": option.category,
            "key": option.key,
            "value": option.value,
            "editable": option.is_editable,
        },
    )


async def remove(tx: Transaction, tenant: TenantId, category: str, key: str) -> bool:
    """Remove an option; tell whether there was one."""
    return (await tx.execute(delete(table).where(*_key(tenant, category, key)))).rowcount == 1


def _key(tenant: TenantId, category: str, key: str) -> tuple[Any, Any, Any]:
    return table.c.tenant_id == tenant, table.c.category == category, table.c.key == key


def _option(row: Row[*tuple[Any, ...]]) -> TenantOption:
    return TenantOption(TenantId(row.tenant_id), row.category, row.key, row.value, row.editable)
