"""Statements about the certificates that devices were admitted with."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, literal, select, tuple_, union_all, update

from certinel.domain.device import DeviceCertificate, device_of_user
from certinel.domain.identifiers import DeviceId, Fingerprint, TenantId, device_user_name
from certinel.storage.engine import Transaction
from certinel.storage.tables import device_certificate as table

SHA1_DIGITS = 40
"""Any other length is taken for a SHA-256."""

_EXECUTION = {"synchronize_session": False}


async def known(tx: Transaction, tenant: TenantId, digests: Collection[str]) -> set[str]:
    """Return which of these certificates (SHA-256) are stored; at most a few hundred at once."""
    statement = select(table.c.sha256).where(table.c.tenant_id == tenant, table.c.sha256.in_(sorted(digests)))
    return set((await tx.execute(statement)).scalars())


def add(tx: Transaction, certificate: DeviceCertificate) -> None:
    """Store a certificate at commit; raises ``RowConflictError`` there if it is known or the device has no user."""
    tx.add(table, _row(certificate))


async def seen_again(tx: Transaction, certificates: Sequence[DeviceCertificate]) -> None:
    """Make known certificates the current ones of their devices, last admitted as they say."""
    if certificates:
        changed = {
            "trusted_fingerprint": bindparam("trusted"),
            "last_seen_at": bindparam("at", type_=table.c.last_seen_at.type),
            "is_current": True,
        }
        statement = update(table).where(
            table.c.tenant_id == bindparam("of_tenant"), table.c.sha256 == bindparam("of_sha256")
        )
        rows = [
            {"of_tenant": one.tenant, "of_sha256": one.sha256, "trusted": one.trusted, "at": one.last_seen_at}
            for one in certificates
        ]
        await tx.execute(statement.values(changed).execution_options(**_EXECUTION), rows)


async def supersede(tx: Transaction, certificates: Sequence[DeviceCertificate]) -> None:
    """Let no other certificate of the same devices be current."""
    if certificates:
        statement = update(table).where(
            table.c.tenant_id == bindparam("of_tenant"),
            table.c.user_name == bindparam("of_user"),
            table.c.sha256 != bindparam("of_sha256"),
            table.c.is_current,
        )
        rows = [
            {"of_tenant": one.tenant, "of_user": device_user_name(one.device), "of_sha256": one.sha256}
            for one in certificates
        ]
        await tx.execute(statement.values(is_current=False).execution_options(**_EXECUTION), rows)


async def note_seen(tx: Transaction, seen: Sequence[tuple[TenantId, DeviceId, datetime]]) -> None:
    """Store when devices were there last, with the certificates that are their current ones."""
    if seen:
        statement = update(table).where(
            table.c.tenant_id == bindparam("of_tenant"), table.c.user_name == bindparam("of_user"), table.c.is_current
        )
        changed = {"last_seen_at": bindparam("at", type_=table.c.last_seen_at.type)}
        rows = [{"of_tenant": tenant, "of_user": device_user_name(device), "at": at} for tenant, device, at in seen]
        await tx.execute(statement.values(changed).execution_options(**_EXECUTION), rows)


async def with_fingerprint(tx: Transaction, tenant: TenantId, digits: str) -> str | None:
    """Return the SHA-256 of the certificate with this SHA-1 or SHA-256, in lower-case hexadecimal; None without one."""
    column = table.c.sha1 if len(digits) == SHA1_DIGITS else table.c.sha256
    statement = select(table.c.sha256).where(table.c.tenant_id == tenant, column == digits)
    return (await tx.execute(statement.limit(1))).scalar_one_or_none()


async def of_device(tx: Transaction, tenant: TenantId, device: DeviceId, limit: int) -> list[DeviceCertificate]:
    """Return the latest certificates of a device by the time of their issue, the latest first."""
    statement = select(table).where(table.c.tenant_id == tenant, table.c.user_name == device_user_name(device))
    rows = await tx.execute(statement.order_by(table.c.not_before.desc(), table.c.sha256).limit(limit))
    return [certificate_of(row) for row in rows]


async def expiring(
    tx: Transaction, tenant: TenantId, until: datetime, after: tuple[datetime, str] | None, limit: int
) -> list[DeviceCertificate]:
    """Return current certificates that end by ``until``, the first to end first, after the one at ``after``."""
    key = (table.c.not_after, table.c.sha256)
    statement = select(table).where(table.c.tenant_id == tenant, table.c.is_current, table.c.not_after <= until)
    if after is not None:
        # the first condition lets the index be used
        statement = statement.where(table.c.not_after >= after[0], tuple_(*key) > _bound(after))
    return [certificate_of(row) for row in await tx.execute(statement.order_by(*key).limit(limit))]


def _bound(after: tuple[datetime, str]) -> Any:
    return tuple_(bindparam("end", after[0], type_=table.c.not_after.type), bindparam("digest", after[1]))


async def counts_ending(tx: Transaction, tenant: TenantId, spans: Sequence[tuple[datetime, datetime]]) -> list[int]:
    """Count the current certificates that end within each of ``spans``: from its first to before its second moment."""
    counts = [
        select(literal(number).label("number"), func.count().label("many")).where(
            table.c.tenant_id == tenant, table.c.is_current, table.c.not_after >= since, table.c.not_after < until
        )
        for number, (since, until) in enumerate(spans)
    ]
    found = {row.number: row.many for row in await tx.execute(union_all(*counts))}  # one way to the engine and back
    return [found[number] for number in range(len(spans))]


def _row(certificate: DeviceCertificate) -> dict[str, Any]:
    return {
        "tenant_id": certificate.tenant,
        "sha256": certificate.sha256,
        "user_name": device_user_name(certificate.device),
        "sha1": certificate.sha1,
        "serial": certificate.serial,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "trusted_fingerprint": certificate.trusted,
        "first_seen_at": certificate.first_seen_at,
        "last_seen_at": certificate.last_seen_at,
        "is_current": certificate.is_current,
    }


def certificate_of(row: Row[*tuple[Any, ...]]) -> DeviceCertificate:
    """Build a certificate of a row that has all columns of the table."""
    return DeviceCertificate(
        tenant=TenantId(row.tenant_id),
        device=device_of_user(row.user_name),
        sha256=row.sha256,
        sha1=Fingerprint(row.sha1),
        serial=row.serial,
        subject=row.subject,
        issuer=row.issuer,
        not_before=row.not_before,
        not_after=row.not_after,
        trusted=Fingerprint(row.trusted_fingerprint) if row.trusted_fingerprint is not None else None,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        is_current=row.is_current,
    )
