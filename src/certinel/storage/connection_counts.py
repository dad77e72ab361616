"""Statements about how many attempts to connect there were: by hour and by code."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, case, delete, func, select

from certinel.domain.connection_attempt import ADMITTED
from certinel.domain.identifiers import TenantId
from certinel.storage.engine import Transaction
from certinel.storage.tables import connection_count as table
from certinel.storage.tables import tenant as tenant_table


class HourlyCount(NamedTuple):
    """How many attempts were admitted and refused within the hour that begins at ``hour``."""

    hour: datetime
    admitted: int
    refused: int


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


async def by_hour(tx: Transaction, tenant: TenantId, since: datetime, until: datetime) -> list[HourlyCount]:
    """Return the counts of the hours that begin from ``since`` to before ``until``; an hour without any is left out."""
    is_admitted = table.c.code == ADMITTED
    statement = select(
        table.c.hour,
        func.sum(case((is_admitted, table.c.times), else_=0)).label("admitted"),
        func.sum(case((is_admitted, 0), else_=table.c.times)).label("refused"),
    )
    rows = await tx.execute(
        statement.where(*_within(tenant, since, until)).group_by(table.c.hour).order_by(table.c.hour)
    )
    return [HourlyCount(row.hour, int(row.admitted), int(row.refused)) for row in rows]


async def refusals(tx: Transaction, tenant: TenantId, since: datetime, until: datetime) -> list[tuple[str, int]]:
    """Return how often attempts of these hours were refused with each code, the most frequent first."""
    times = func.sum(table.c.times).label("many")
    statement = select(table.c.code, times).where(*_within(tenant, since, until), table.c.code != ADMITTED)
    rows = await tx.execute(statement.group_by(table.c.code).order_by(times.desc(), table.c.code))
    return [(row.code, int(row.many)) for row in rows]


async def remove_before(tx: Transaction, moment: datetime) -> None:
    """Remove the counts of hours that began before ``moment``."""
    await tx.execute(delete(table).where(table.c.hour < moment))


def _within(tenant: TenantId, since: datetime, until: datetime) -> list[ColumnElement[bool]]:
    return [table.c.tenant_id == tenant, table.c.hour >= since, table.c.hour < until]
