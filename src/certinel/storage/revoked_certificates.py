"""Statements about what tenants have revoked themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from certinel.domain.identifiers import TenantId
from certinel.domain.revocation_entry import RevocationEntry
from certinel.domain.revoked_serials import issuer_digest
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest, fetch_page
from certinel.storage.tables import revoked_certificate as table

AT_ONCE = 10_000
"""Entries that are read or written with one statement."""


async def insert_new(tx: Transaction, tenant: TenantId, entries: Sequence[RevocationEntry], at: datetime) -> None:
    """Add entries; one that is there already keeps its date.

    Whoever adds must hold the lock of `revocation_lists.lock`: only then do numbers grow in the order of commits.
    """
    for start in range(0, len(entries), AT_ONCE):
        part = entries[start : start + AT_ONCE]
        await tx.insert_all_if_absent(table, [_row(tenant, entry, at) for entry in part])


async def find(tx: Transaction, tenant: TenantId, entry: RevocationEntry) -> RevocationEntry | None:
    """Return the stored entry of the serial and issuer of ``entry``."""
    row = _row(tenant, entry, entry.revoked_at)
    statement = select(table).where(*(table.c[name] == row[name] for name in ("tenant_id", "serial", "issuer_digest")))
    found = (await tx.execute(statement)).one_or_none()
    return _entry(found) if found is not None else None


async def list_of(tx: Transaction, tenant: TenantId, request: PageRequest) -> Page[RevocationEntry]:
    """Return a page of a tenant's entries, the latest first."""
    statement = select(table).where(table.c.tenant_id == tenant).order_by(table.c.id.desc())
    return await fetch_page(tx, statement, request, _entry)


async def count(tx: Transaction, tenant: TenantId) -> int:
    """Return how many entries a tenant has."""
    statement = select(func.count()).select_from(table).where(table.c.tenant_id == tenant)
    return int((await tx.execute(statement)).scalar_one())


async def last(tx: Transaction, tenant: TenantId) -> int:
    """Return the number of a tenant's last entry, or 0."""
    return (await tx.execute(select(func.max(table.c.id)).where(table.c.tenant_id == tenant))).scalar_one() or 0


async def following(
    tx: Transaction, tenant: TenantId, number: int, until: int
) -> tuple[int, Sequence[RevocationEntry]]:
    """Return some entries after ``number``, not after ``until``, and the number of the last; none at the end."""
    statement = select(table).where(table.c.tenant_id == tenant, table.c.id > number, table.c.id <= until)
    rows = (await tx.execute(statement.order_by(table.c.id).limit(AT_ONCE))).all()
    return (rows[-1].id if rows else number), [_entry(row) for row in rows]


async def serials_following(
    tx: Transaction, tenant: TenantId, number: int
) -> tuple[int, list[tuple[str, str, datetime]]]:
    """As `following`, without an end: serial and issuer digest, both hexadecimal, and date."""
    statement = select(table.c.id, table.c.serial, table.c.issuer_digest, table.c.revoked_at)
    statement = statement.where(table.c.tenant_id == tenant, table.c.id > number).order_by(table.c.id).limit(AT_ONCE)
    rows = (await tx.execute(statement)).all()
    return (rows[-1].id if rows else number), [(row.serial, row.issuer_digest, row.revoked_at) for row in rows]


def _row(tenant: TenantId, entry: RevocationEntry, at: datetime) -> dict[str, Any]:
    return {
        "tenant_id": tenant,
        "serial": entry.serial_text,
        "issuer_digest": issuer_digest(entry.issuer).hex() if entry.issuer is not None else "",
        "issuer": entry.issuer,
        "revoked_at": entry.revoked_at,
        "added_at": at,
    }


def _entry(row: Row[*tuple[Any, ...]]) -> RevocationEntry:
    return RevocationEntry(serial=int(row.serial, 16), revoked_at=row.revoked_at, issuer=row.issuer)
