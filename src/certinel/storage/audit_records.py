"""Statements about the audit log: appending to a chain and reading it. Nothing here changes or removes a record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select, union, update

from certinel.domain.audit import GENESIS, AuditEntry, AuditRecord, ChainHead, Change, chained
from certinel.domain.identifiers import TenantId
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest, fetch_page
from certinel.storage.tables import audit_head
from certinel.storage.tables import audit_record as table


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which records are meant, what is None does not matter; and in which order."""

    type: str | None = None
    user: str | None = None
    source: str | None = None
    date_from: datetime | None = None
    """Inclusive."""
    date_to: datetime | None = None
    """Inclusive."""
    is_oldest_first: bool = False


async def append_all(tx: Transaction, entries: Sequence[AuditEntry]) -> list[AuditRecord]:
    """Add ``entries`` to the chains of their tenants at commit; return the records, those of a tenant in their order.

    Appending to a chain waits until other transactions that append to it have ended.
    """
    by_tenant: dict[TenantId, list[AuditEntry]] = {}
    for entry in entries:
        by_tenant.setdefault(entry.tenant, []).append(entry)
    records = []
    # in the same order everywhere, so that no two transactions wait for each other
    for tenant in sorted(by_tenant):
        head = await _locked_head(tx, tenant)
        for entry in by_tenant[tenant]:
            record = chained(entry, head)
            tx.add(table, _row(record))
            records.append(record)
            head = record.head
        values = {"sequence": head.sequence, "hash": head.hash}
        await tx.execute(update(audit_head).where(audit_head.c.tenant_id == tenant).values(values))
    return records


async def _locked_head(tx: Transaction, tenant: TenantId) -> ChainHead:
    statement = select(audit_head).where(audit_head.c.tenant_id == tenant).with_for_update()
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        # whoever begins the chain at the same time waits here, or finds our row below
        await tx.insert_if_absent(audit_head, {"tenant_id": tenant, "sequence": 0, "hash": GENESIS})
        row = (await tx.execute(statement)).one()
    return _head(row)


async def heads(tx: Transaction) -> tuple[ChainHead, ...]:
    """Return the end of every chain as it was noted beside the records."""
    return tuple(_head(row) for row in await tx.execute(select(audit_head).order_by(audit_head.c.tenant_id)))


async def tenants(tx: Transaction) -> tuple[TenantId, ...]:
    """Return every tenant that has records or the end of a chain."""
    both = union(select(table.c.tenant_id), select(audit_head.c.tenant_id)).order_by("tenant_id")
    return tuple(TenantId(row.tenant_id) for row in await tx.execute(both))


async def has_chain(tx: Transaction, tenant: TenantId) -> bool:
    """Tell whether a tenant of this id was ever recorded, also one that is gone."""
    statement = select(audit_head.c.tenant_id).where(audit_head.c.tenant_id == tenant)
    return (await tx.execute(statement)).one_or_none() is not None


async def following(tx: Transaction, tenant: TenantId, sequence: int, limit: int) -> tuple[AuditRecord, ...]:
    """Return the next records of a chain after ``sequence``."""
    statement = select(table).where(table.c.tenant_id == tenant, table.c.sequence > sequence)
    return tuple(_record(row) for row in await tx.execute(statement.order_by(table.c.sequence).limit(limit)))


async def list_of(tx: Transaction, tenant: TenantId, wanted: AuditFilter, page: PageRequest) -> Page[AuditRecord]:
    """Return a page of a tenant's records, the latest recorded first unless ``wanted`` says otherwise."""
    statement = select(table).where(table.c.tenant_id == tenant, *_conditions(wanted))
    order = table.c.sequence if wanted.is_oldest_first else table.c.sequence.desc()
    return await fetch_page(tx, statement.order_by(order), page, _record)


async def find(tx: Transaction, tenant: TenantId, sequence: int) -> AuditRecord | None:
    """Return one record of a tenant."""
    statement = select(table).where(table.c.tenant_id == tenant, table.c.sequence == sequence)
    row = (await tx.execute(statement)).one_or_none()
    return _record(row) if row is not None else None


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.type is not None:
        conditions.append(table.c.type == wanted.type)
    if wanted.user is not None:
        conditions.append(table.c.user_name == wanted.user)
    if wanted.source is not None:
        conditions.append(table.c.source == wanted.source)
    if wanted.date_from is not None:
        conditions.append(table.c.time >= wanted.date_from)
    if wanted.date_to is not None:
        conditions.append(table.c.time <= wanted.date_to)
    return conditions


def _row(record: AuditRecord) -> dict[str, Any]:
    return {
        "tenant_id": record.tenant,
        "sequence": record.sequence,
        "recorded_at": record.recorded_at,
        "time": record.time,
        "type": record.type,
        "source": record.source,
        "severity": record.severity,
        "user_name": record.user,
        "user_kind": record.user_kind,
        "reported_by": record.reported_by,
        "activity": record.activity,
        "text": record.text,
        "changes": [[change.attribute, change.previous, change.new] for change in record.changes],
        "previous_hash": record.previous_hash,
        "hash": record.hash,
    }


def _record(row: Row[*tuple[Any, ...]]) -> AuditRecord:
    return AuditRecord(
        tenant=TenantId(row.tenant_id),
        sequence=row.sequence,
        recorded_at=row.recorded_at,
        time=row.time,
        type=row.type,
        source=row.source,
        severity=row.severity,
        user=row.user_name,
        user_kind=row.user_kind,
        reported_by=row.reported_by,
        activity=row.activity,
        text=row.text,
        changes=tuple(Change(*change) for change in row.changes),
        previous_hash=bytes(row.previous_hash),
        hash=bytes(row.hash),
    )


def _head(row: Row[*tuple[Any, ...]]) -> ChainHead:
    return ChainHead(TenantId(row.tenant_id), row.sequence, bytes(row.hash))
