"""Statements about connection attempts."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, delete, func, select, update

from certinel.domain.connection_attempt import ConnectionAttempt, Outcome, PresentedCertificate
from certinel.domain.identifiers import DeviceId, Fingerprint, TenantId
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest, fetch_page
from certinel.storage.tables import connection_attempt as table

SHA1_DIGITS = 40
"""Any other length is taken for a SHA-256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFilter:
    """Which attempts are meant; what is None does not matter."""

    code: str | None = None
    outcome: Outcome | None = None
    device: str | None = None
    fingerprint: str | None = None
    """SHA-1 or SHA-256 of the device certificate, in lower case."""
    trusted: Fingerprint | None = None
    """The trusted certificate at the end of the path."""
    date_from: datetime | None = None
    """Attempts that went on at this moment or later."""
    date_to: datetime | None = None
    """Attempts that had begun at this moment or earlier."""


@dataclass(frozen=True, slots=True)
class Recount:
    """A stored attempt was seen again."""

    id: int
    further: int
    last_at: datetime


def add(tx: Transaction, attempt: ConnectionAttempt) -> None:
    """Store an attempt at commit, under the id it has; raises ``RowConflictError`` there if the id is taken."""
    leaf = attempt.leaf
    tx.add(
        table,
        {
            "id": attempt.id,
            "tenant_id": attempt.tenant,
            "outcome": attempt.outcome.value,
            "code": attempt.code,
            "first_at": attempt.first_at,
            "last_at": attempt.last_at,
            "times": attempt.count,
            "client_id": attempt.client_id,
            "device": attempt.device,
            "address": attempt.address,
            "leaf_sha1": leaf.sha1 if leaf is not None else None,
            "leaf_sha256": leaf.sha256 if leaf is not None else None,
            "trusted_fingerprint": attempt.trusted,
            "details": _details(attempt),
        },
    )


async def count_again(tx: Transaction, recounts: Sequence[Recount]) -> None:
    """Raise the counts of stored attempts; one that is not there any more is left alone."""
    if recounts:
        statement = update(table).where(table.c.id == bindparam("of_id"))
        changed = {
            "times": table.c.times + bindparam("further"),
            "last_at": bindparam("at", type_=table.c.last_at.type),
        }
        rows = [{"of_id": one.id, "further": one.further, "at": one.last_at} for one in recounts]
        await tx.execute(statement.values(changed).execution_options(synchronize_session=False), rows)


async def list_of(
    tx: Transaction, tenant: TenantId, wanted: AttemptFilter, page: PageRequest
) -> Page[ConnectionAttempt]:
    """Return a page of a tenant's attempts, the latest first."""
    statement = select(table).where(table.c.tenant_id == tenant, *_conditions(wanted))
    return await fetch_page(tx, statement.order_by(table.c.last_at.desc(), table.c.id.desc()), page, _attempt)


async def find(tx: Transaction, tenant: TenantId, number: int) -> ConnectionAttempt | None:
    """Return one attempt of a tenant."""
    row = (await tx.execute(select(table).where(table.c.tenant_id == tenant, table.c.id == number))).one_or_none()
    return _attempt(row) if row is not None else None


async def last_of_devices(
    tx: Transaction, tenant: TenantId, devices: Sequence[DeviceId], code: str
) -> dict[DeviceId, datetime]:
    """Return when attempts of these devices ended with ``code`` the last time; at most a few hundred at once."""
    statement = (
        select(table.c.device, func.max(table.c.last_at).label("last"))
        .where(table.c.tenant_id == tenant, table.c.device.in_(devices), table.c.code == code)
        .group_by(table.c.device)
    )
    return {DeviceId(row.device): row.last for row in await tx.execute(statement)}


async def older_than(tx: Transaction, moment: datetime, limit: int) -> list[int]:
    """Return the ids of some attempts that were last seen before ``moment``."""
    statement = select(table.c.id).where(table.c.last_at < moment).order_by(table.c.last_at)
    return await _ids(tx, statement.limit(limit))


async def beyond(tx: Transaction, tenant: TenantId, kept: int, limit: int, *, code: str | None = None) -> list[int]:
    """Return the ids of some attempts of a tenant that are older than its ``kept`` latest ones, or those of a code."""
    conditions = [table.c.tenant_id == tenant] + ([table.c.code == code] if code is not None else [])
    statement = select(table.c.id).where(*conditions).order_by(table.c.last_at.desc())
    return await _ids(tx, statement.offset(kept).limit(limit))


async def remove(tx: Transaction, ids: Sequence[int]) -> None:
    """Remove attempts; ids that do not exist are no error."""
    await tx.execute(delete(table).where(table.c.id.in_(ids)))


async def _ids(tx: Transaction, statement: Select[tuple[int]]) -> list[int]:
    return list((await tx.execute(statement)).scalars())


def _conditions(wanted: AttemptFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.code is not None:
        conditions.append(table.c.code == wanted.code)
    if wanted.outcome is not None:
        conditions.append(table.c.outcome == wanted.outcome.value)
    if wanted.device is not None:
        conditions.append(table.c.device == wanted.device)
    if wanted.fingerprint is not None:
        is_sha1 = len(wanted.fingerprint) == SHA1_DIGITS
        conditions.append((table.c.leaf_sha1 if is_sha1 else table.c.leaf_sha256) == wanted.fingerprint)
    if wanted.trusted is not None:
        conditions.append(table.c.trusted_fingerprint == wanted.trusted)
    if wanted.date_from is not None:
        conditions.append(table.c.last_at >= wanted.date_from)
    if wanted.date_to is not None:
        conditions.append(table.c.first_at <= wanted.date_to)
    return conditions


def _details(attempt: ConnectionAttempt) -> dict[str, Any]:
    return {
        "user_name": attempt.user_name,
        "tls_version": attempt.tls_version,
        "mqtt_version": attempt.mqtt_version,
        "sentence": attempt.sentence,
        "remedy": attempt.remedy,
        "facts": dict(attempt.facts),
        "is_summary": attempt.is_summary,
        "chain": [_certificate_document(certificate) for certificate in attempt.chain],
    }


_FIELDS = tuple(field.name for field in fields(PresentedCertificate) if field.name != "der")
_MOMENTS = ("not_before", "not_after")


def _certificate_document(certificate: PresentedCertificate) -> dict[str, Any]:
    document = {name: getattr(certificate, name) for name in _FIELDS}
    document |= {name: document[name].isoformat() for name in _MOMENTS}
    if certificate.der is not None:
        document["der"] = base64.b64encode(certificate.der).decode()
    return document


def _certificate(document: Mapping[str, Any]) -> PresentedCertificate:
    values = {**document, **{name: datetime.fromisoformat(document[name]) for name in _MOMENTS}}
    if "der" in values:
        values["der"] = base64.b64decode(values["der"])
    return PresentedCertificate(**values)


def _attempt(row: Row[*tuple[Any, ...]]) -> ConnectionAttempt:
    details = dict(row.details)
    chain = tuple(_certificate(document) for document in details.pop("chain"))
    return ConnectionAttempt(
        id=row.id,
        tenant=TenantId(row.tenant_id),
        code=row.code,
        first_at=row.first_at,
        last_at=row.last_at,
        count=row.times,
        client_id=row.client_id,
        device=row.device,
        address=row.address,
        trusted=Fingerprint(row.trusted_fingerprint) if row.trusted_fingerprint is not None else None,
        chain=chain,
        **details,
    )
