"""Statements about how many attempts to connect there were: by hour and by code."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select

from certinel.domain.identifiers import TenantId
from certinel.storage.engine import Transaction
from certinel.storage.tables import connection_count as table
from certinel.storage.tables import tenant as tenant_table


class HourlyCount(NamedTuple):
    """How many attempts ended with a code within the hour that begins at ``hour``."""

    hour: datetime
    code: str
    times: int


async def add(tx: Transaction, attempts: Sequence[tuple[TenantId, str, datetime, int]]) -> None:
    """Count attempts: whose, the code they ended with, when, and how many; those of deleted tenants are left out."""
    counts: Counter[tuple[TenantId, datetime, str]] = Counter()
    for tenant, code, at, times in attempts:
        counts[tenant, at.replace(minute=0, second=0, microsecond=0), code] += times
    concerned = sorted({tenant for tenant, _, _ in counts})
    present = set((await tx.execute(select(tenant_table.c.id).where(tenant_table.c.id.in_(concerned)))).scalars())
    for tenant, hour, code in sorted(counts):  # everywhere in the same order, since rows are locked
        if tenant in present:
            row = {"tenant_id": tenant, "hour": hour, "code": code, "times": counts[tenant, hour, code]}
            await tx.add_up(table, row, "times")


async def between(tx: Transaction, tenant: TenantId, since: datetime, until: datetime) -> list[HourlyCount]:
    """Return the counts of the hours that begin from ``since`` to before ``until``, by hour and code."""
    statement = select(table.c.hour, table.c.code, table.c.times).where(
        table.c.tenant_id == tenant, table.c.hour >= since, table.c.hour < until
    )
    return [
        HourlyCount(row.hour, row.code, row.times)
        for row in await tx.execute(statement.order_by(table.c.hour, table.c.code))
    ]


async def remove_before(tx: Transaction, moment: datetime) -> None:
    """Remove the counts of hours that began before ``moment``."""
    await tx.execute(delete(table).where(table.c.hour < moment))
