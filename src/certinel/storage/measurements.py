"""Statements on measurements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select

from certinel.domain.identifiers import TenantId
from certinel.domain.managed_object import ManagedObjectId
from certinel.domain.measurement import Measurement, NewMeasurement
from certinel.storage.engine import Transaction
from certinel.storage.json_conditions import has_inner_key, has_key
from certinel.storage.page import Page, PageRequest, fetch_page
from certinel.storage.tables import managed_object, measurement

_COLUMNS = measurement.c


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementFilter:
    """Which measurements are meant; what is None does not matter."""

    source: ManagedObjectId | None = None
    type: str | None = None
    date_from: datetime | None = None
    """Inclusive."""
    date_to: datetime | None = None
    """Inclusive."""
    value_fragment_type: str | None = None
    """The name of a fragment the measurement has."""
    value_fragment_series: str | None = None
    """The name of a series in that fragment, or in any."""
    owner: str | None = None
    """Only measurements whose source has this owner."""
    revert: bool = False
    """Newest first."""


def add(  # noqa: PLR0913, PLR0917 - the columns of the table, on the hottest path there is
    tx: Transaction,
    tenant: TenantId,
    source: ManagedObjectId,
    type_: str,
    time: datetime,
    created_at: datetime,
    fragments: dict[str, Any],
) -> None:
    """Store a measurement at commit; raises ``RowConflictError`` there if the tenant has no such source."""
    row = {
        "tenant_id": tenant,
        "source_id": source,
        "type": type_,
        "time": time,
        "created_at": created_at,
        "fragments": fragments,
    }
    tx.add(measurement, row)


async def create(
    tx: Transaction, tenant: TenantId, new: Sequence[NewMeasurement], created_at: datetime
) -> list[Measurement]:
    """Store measurements at once and return them with their ids, in the same order."""
    rows = [
        {
            "tenant_id": tenant,
            "source_id": one.source,
            "type": one.type,
            "time": one.time,
            "created_at": created_at,
            "fragments": dict(one.fragments),
        }
        for one in new
    ]
    statement = insert(measurement).returning(_COLUMNS.id, sort_by_parameter_order=True)
    numbers = (await tx.execute(statement, rows)).scalars()
    return [
        Measurement(
            id=number,
            tenant=tenant,
            source=one.source,
            type=one.type,
            time=one.time,
            created_at=created_at,
            fragments=one.fragments,
        )
        for number, one in zip(numbers, new, strict=True)
    ]


async def list_of(tx: Transaction, tenant: TenantId, wanted: MeasurementFilter, page: PageRequest) -> Page[Measurement]:
    """Return a page of the tenant's measurements by their time, oldest first unless ``wanted.revert``."""
    statement = select(measurement).where(_COLUMNS.tenant_id == tenant, *_conditions(tx, tenant, wanted))
    order = (_COLUMNS.time.desc(), _COLUMNS.id.desc()) if wanted.revert else (_COLUMNS.time, _COLUMNS.id)
    return await fetch_page(tx, statement.order_by(*order), page, _measurement)


async def get(tx: Transaction, tenant: TenantId, number: int) -> Measurement | None:
    """Return the measurement, or None if the tenant has no such one."""
    statement = select(measurement).where(_COLUMNS.tenant_id == tenant, _COLUMNS.id == number)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _measurement(row)


def _conditions(tx: Transaction, tenant: TenantId, wanted: MeasurementFilter) -> list[ColumnElement[bool]]:
    engine, fragments = tx.engine_name, _COLUMNS.fragments
    conditions: list[ColumnElement[bool]] = []
    if wanted.source is not None:
        conditions.append(_COLUMNS.source_id == wanted.source)
    if wanted.type is not None:
        conditions.append(_COLUMNS.type == wanted.type)
    if wanted.date_from is not None:
        conditions.append(_COLUMNS.time >= wanted.date_from)
    if wanted.date_to is not None:
        conditions.append(_COLUMNS.time <= wanted.date_to)
    if wanted.value_fragment_type is not None:
        conditions.append(has_key(engine, fragments, wanted.value_fragment_type))
    if wanted.value_fragment_series is not None:
        conditions.append(has_inner_key(engine, fragments, wanted.value_fragment_type, wanted.value_fragment_series))
    if wanted.owner is not None:
        owned = select(managed_object.c.id).where(
            managed_object.c.tenant_id == tenant, managed_object.c.owner == wanted.owner
        )
        conditions.append(_COLUMNS.source_id.in_(owned.scalar_subquery()))
    return conditions


def _measurement(row: Row[*tuple[Any, ...]]) -> Measurement:
    return Measurement(
        id=row.id,
        tenant=row.tenant_id,
        source=row.source_id,
        type=row.type,
        time=row.time,
        created_at=row.created_at,
        fragments=row.fragments,
    )
