"""Statements about what tenants have revoked themselves."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select

from certinel.domain.identifiers import TenantId
from certinel.domain.revocation_entry import RevocationEntry
from certinel.domain.revoked_serials import issuer_digest, serial_octets
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest, fetch_page
from certinel.storage.tables import revoked_certificate as table

WRITTEN_AT_ONCE = 2_000
READ_AT_ONCE = 10_000
"""Entries of one statement: everybody else waits some hundredths of a second for it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


async def insert_new(tx: Transaction, tenant: TenantId, entries: Sequence[RevocationEntry], at: datetime) -> None:
    """Add entries; one that is there already keeps its date.

    Whoever adds must hold the lock of `revocation_lists.lock`: only then do numbers grow in the order of commits.
    """
    for start in range(0, len(entries), WRITTEN_AT_ONCE):
        part = entries[start : start + WRITTEN_AT_ONCE]
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
) -> tuple[int, Sequence[tuple[bytes, int, bytes | None]]]:
    """Return some entries after ``number``, not after ``until``, and the number of the last; none at the end.

    An entry is its serial as `serial_octets`, its date in milliseconds since 1970, and its issuer's name in DER.
    """
    columns = (table.c.id, table.c.serial, table.c.revoked_at_ms, table.c.issuer)
    statement = select(*columns).where(table.c.tenant_id == tenant, table.c.id > number, table.c.id <= until)
    rows = (await tx.execute(statement.order_by(table.c.id).limit(READ_AT_ONCE))).all()
    return _parted(rows, number)


async def serials_following(
    tx: Transaction, tenant: TenantId, number: int
) -> tuple[int, Sequence[tuple[bytes, int, bytes]]]:
    """As `following`, without an end, and with an `issuer_digest`, which may be empty, in the issuer's place."""
    columns = (table.c.id, table.c.serial, table.c.revoked_at_ms, table.c.issuer_digest)
    statement = select(*columns).where(table.c.tenant_id == tenant, table.c.id > number).order_by(table.c.id)
    return _parted((await tx.execute(statement.limit(READ_AT_ONCE))).all(), number)


def _parted(rows: Sequence[Any], number: int) -> tuple[int, Sequence[tuple[bytes, int, Any]]]:
    return (rows[-1].id if rows else number), [row[1:] for row in rows]


def _row(tenant: TenantId, entry: RevocationEntry, at: datetime) -> dict[str, Any]:
    return {
        "tenant_id": tenant,
        "serial": serial_octets(entry.serial),
        "issuer_digest": issuer_digest(entry.issuer) if entry.issuer is not None else b"",
        "issuer": entry.issuer,
        "revoked_at_ms": (entry.revoked_at - _EPOCH) // _MILLISECOND,
        "added_at": at,
    }


def _entry(row: Row[*tuple[Any, ...]]) -> RevocationEntry:
    return RevocationEntry(
        serial=int.from_bytes(row.serial, "big", signed=True),
        revoked_at=_EPOCH + row.revoked_at_ms * _MILLISECOND,
        issuer=row.issuer,
    )
