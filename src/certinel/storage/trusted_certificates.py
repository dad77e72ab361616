"""Statements about trusted certificates. A deleted one stays as a row, for the claim that outlives it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, update

from certinel.domain.certificate import Certificate
from certinel.domain.identifiers import Fingerprint, TenantId
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.verification_code import VerificationCode
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest, count_of
from certinel.storage.tables import trusted_certificate as table


class TrustOrder(StrEnum):
    """What a list is sorted by."""

    UPLOADED = "uploaded"
    NAME = "name"
    STATUS = "status"
    ALGORITHM = "algorithm"
    EXPIRES = "expires"
    AUTO_REGISTRATION = "auto-registration"
    PROOF = "proof"


_LABEL = func.lower(func.coalesce(func.nullif(table.c.name, ""), table.c.subject))
_SORTED_BY: Mapping[TrustOrder, ColumnElement[Any]] = MappingProxyType(
    {
        TrustOrder.UPLOADED: table.c.uploaded_at,
        TrustOrder.NAME: _LABEL,
        TrustOrder.STATUS: table.c.status,
        TrustOrder.ALGORITHM: table.c.algorithm,
        TrustOrder.EXPIRES: table.c.not_after,
        TrustOrder.AUTO_REGISTRATION: table.c.auto_registration,
        TrustOrder.PROOF: table.c.proven_at.is_not(None),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustFilter:
    """Which trusted certificates are meant; what is None does not matter."""

    text: str | None = None
    """Part of the name or the subject, upper and lower case alike, or the whole of a SHA-1 or a serial in hex."""
    status: TrustStatus | None = None
    is_proven: bool | None = None
    ends_before: datetime | None = None


EVERYTHING = TrustFilter()

NOTHING_KNOWN: Mapping[bytes, Certificate] = MappingProxyType({})


async def list_of(
    tx: Transaction,
    tenant: TenantId,
    request: PageRequest,
    *,
    wanted: TrustFilter = EVERYTHING,
    order: TrustOrder = TrustOrder.UPLOADED,
    is_descending: bool = False,
) -> Page[TrustedCertificate]:
    """Return a page of what ``tenant`` trusts without deleted ones; what is alike comes in the order of upload."""
    by = _SORTED_BY[order].desc() if is_descending else _SORTED_BY[order]
    sorting = (by, table.c.uploaded_at, table.c.id)
    numbers = select(table.c.id).where(*_of(tenant), *_conditions(wanted))
    # sorted by their numbers alone: whole rows, with the certificates in them, would be copied around
    wanted_numbers = numbers.order_by(*sorting).limit(request.page_size).offset(request.offset).subquery()
    rows = await tx.execute(select(table).join(wanted_numbers, wanted_numbers.c.id == table.c.id).order_by(*sorting))
    items = tuple(_trusted(row) for row in rows)
    total = await count_of(tx, numbers) if request.wants_totals else None
    return Page(items, request, total)


def _conditions(wanted: TrustFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.text is not None:
        digits = wanted.text.replace(":", "").lower()
        same = or_(table.c.fingerprint == digits, table.c.serial == digits.lstrip("0"))
        text = wanted.text.lower()
        in_words = (func.lower(column).contains(text, autoescape=True) for column in (table.c.name, table.c.subject))
        conditions.append(or_(same, *in_words))
    if wanted.status is not None:
        conditions.append(table.c.status == wanted.status.value)
    if wanted.is_proven is not None:
        conditions.append(table.c.proven_at.is_not(None) if wanted.is_proven else table.c.proven_at.is_(None))
    if wanted.ends_before is not None:
        conditions.append(table.c.not_after < wanted.ends_before)
    return conditions


async def find(tx: Transaction, tenant: TenantId, fingerprint: Fingerprint) -> TrustedCertificate | None:
    """Return one that is not deleted."""
    row = (await tx.execute(_present(tenant).where(table.c.fingerprint == fingerprint))).one_or_none()
    return _trusted(row) if row is not None else None


async def lock(tx: Transaction, tenant: TenantId, fingerprint: Fingerprint) -> None:
    """Let no other transaction that locks the same one go on before this one has ended.

    What was read before may be outdated by then: read after the lock.
    """
    await tx.execute(
        select(table.c.id).where(table.c.tenant_id == tenant, table.c.fingerprint == fingerprint).with_for_update()
    )


async def lock_all(tx: Transaction, tenant: TenantId) -> None:
    """As ``lock``, for everything that ``tenant`` has uploaded, deleted or not."""
    await tx.execute(select(table.c.id).where(table.c.tenant_id == tenant).order_by(table.c.id).with_for_update())


async def lock_claiming(
    tx: Transaction,
    tenant: TenantId,
    subjects: Iterable[str],
    deleted_after: datetime,
    known: Mapping[bytes, Certificate] = NOTHING_KNOWN,
) -> tuple[TrustedCertificate, ...]:
    """Return what `claiming` does, of ``subjects`` as text only; they stay so until ``tx`` ends."""
    of_subjects = _claiming(tenant, deleted_after).where(table.c.subject.in_(set(subjects)))
    return tuple(_trusted(row, known) for row in await tx.execute(of_subjects.with_for_update()))


async def claiming(
    tx: Transaction,
    tenant: TenantId,
    deleted_after: datetime,
    *,
    subject: str | None = None,
    known: Mapping[bytes, Certificate] = NOTHING_KNOWN,
) -> tuple[TrustedCertificate, ...]:
    """Return all of ``tenant`` that are not deleted, and those deleted after that moment.

    ``subject`` narrows them to those whose subject reads so; certificates that are ``known`` are not parsed again.
    """
    statement = _claiming(tenant, deleted_after)
    wanted = statement if subject is None else statement.where(table.c.subject == subject)
    return tuple(_trusted(row, known) for row in await tx.execute(wanted))


def _claiming(tenant: TenantId, deleted_after: datetime) -> Select[*tuple[Any, ...]]:
    counts = or_(table.c.deleted_at.is_(None), table.c.deleted_at > deleted_after)
    return select(table).where(table.c.tenant_id == tenant, counts).order_by(table.c.id)


async def is_held_by_another(tx: Transaction, tenant: TenantId, fingerprint: Fingerprint) -> bool:
    """Tell whether a tenant besides ``tenant`` has this certificate, not deleted."""
    statement = select(table.c.id).where(
        table.c.tenant_id != tenant, table.c.fingerprint == fingerprint, table.c.deleted_at.is_(None)
    )
    return (await tx.execute(statement.limit(1))).one_or_none() is not None


async def insert_if_absent(tx: Transaction, trusted: TrustedCertificate) -> TrustedCertificate | None:
    """Add one and return it with the id it was given, or None if the tenant has the certificate already."""
    if not await tx.insert_if_absent(table, _row(trusted)):
        return None
    return await find(tx, trusted.tenant, trusted.fingerprint)


async def save(tx: Transaction, trusted: TrustedCertificate) -> None:
    """Make what is stored under the id of ``trusted`` equal to it."""
    await tx.execute(update(table).where(table.c.id == trusted.id).values(_row(trusted)))


def _present(tenant: TenantId) -> Select[*tuple[Any, ...]]:
    return select(table).where(*_of(tenant))


def _of(tenant: TenantId) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.tenant_id == tenant, table.c.deleted_at.is_(None)


def _row(trusted: TrustedCertificate) -> dict[str, Any]:
    code = trusted.verification_code
    return {
        "tenant_id": trusted.tenant,
        "fingerprint": trusted.fingerprint,
        "name": trusted.name,
        "status": trusted.status.value,
        "auto_registration": trusted.auto_registration,
        "in_trust_store": trusted.in_trust_store,
        "der": trusted.certificate.der,
        "uploaded_at": trusted.uploaded_at,
        "claims_since": trusted.claims_since,
        "deleted_at": trusted.deleted_at,
        "proven_at": trusted.proven_at,
        "verification_code": code.text if code is not None else None,
        "verification_code_until": code.usable_until if code is not None else None,
        "subject": trusted.certificate.subject_text,
        "serial": f"{trusted.certificate.serial_number:x}",
        "algorithm": trusted.certificate.algorithm_name,
        "not_after": trusted.certificate.not_after,
    }


def _trusted(row: Row[*tuple[Any, ...]], known: Mapping[bytes, Certificate] = NOTHING_KNOWN) -> TrustedCertificate:
    has_code = row.verification_code is not None
    return TrustedCertificate(
        id=row.id,
        tenant=TenantId(row.tenant_id),
        name=row.name,
        status=TrustStatus(row.status),
        auto_registration=row.auto_registration,
        certificate=known.get(row.der) or Certificate.parse(row.der),
        fingerprint=Fingerprint(row.fingerprint),
        uploaded_at=row.uploaded_at,
        claims_since=row.claims_since,
        in_trust_store=row.in_trust_store,
        deleted_at=row.deleted_at,
        proven_at=row.proven_at,
        verification_code=VerificationCode(row.verification_code, row.verification_code_until) if has_code else None,
    )
