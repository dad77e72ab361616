"""Statements about the list that the platform signs for a tenant: its key and its number."""

from dataclasses import dataclass, field

from sqlalchemy import select, update

from certinel.domain.identifiers import TenantId
from certinel.storage.engine import Transaction
from certinel.storage.tables import revocation_list as table


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredListIssuer:
    """Who signs a tenant's list, and the number of the last one."""

    tenant: TenantId
    certificate: bytes
    private_sealed: bytes = field(repr=False)
    number: int = 0


async def find(tx: Transaction, tenant: TenantId) -> StoredListIssuer | None:
    """Return who signs the list of ``tenant``, unless nobody ever did."""
    row = (await tx.execute(select(table).where(table.c.tenant_id == tenant))).one_or_none()
    if row is None:
        return None
    return StoredListIssuer(
        tenant=tenant, certificate=row.issuer_certificate, private_sealed=row.private_sealed, number=row.number
    )


async def insert_if_absent(tx: Transaction, issuer: StoredListIssuer) -> None:
    """Store who signs a tenant's list, unless somebody does."""
    row = {
        "tenant_id": issuer.tenant,
        "issuer_certificate": issuer.certificate,
        "private_sealed": issuer.private_sealed,
        "number": issuer.number,
    }
    await tx.insert_if_absent(table, row)


async def lock(tx: Transaction, tenant: TenantId) -> None:
    """Let nobody else change what ``tenant`` has revoked before ``tx`` has ended; there must be an issuer."""
    await tx.execute(select(table.c.tenant_id).where(table.c.tenant_id == tenant).with_for_update())


async def next_number(tx: Transaction, tenant: TenantId) -> int:
    """Return the number of the next list; nobody gets it twice, and nobody else gets one before ``tx`` has ended."""
    statement = update(table).where(table.c.tenant_id == tenant).values(number=table.c.number + 1)
    return int((await tx.execute(statement.returning(table.c.number))).scalar_one())
