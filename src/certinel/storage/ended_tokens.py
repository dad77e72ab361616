"""Statements about tokens that were ended before their time."""

from datetime import datetime

from sqlalchemy import delete, select

from certinel.domain.identifiers import TenantId
from certinel.storage.engine import Transaction
from certinel.storage.tables import ended_token as table


async def add(tx: Transaction, tenant: TenantId, token_id: str, expires_at: datetime) -> None:
    """Remember that a token was ended; one that was ended already is no error."""
    await tx.insert_if_absent(table, {"tenant_id": tenant, "token_id": token_id, "expires_at": expires_at})


async def is_ended(tx: Transaction, tenant: TenantId, token_id: str) -> bool:
    """Tell whether the token was ended."""
    statement = select(table.c.token_id).where(table.c.tenant_id == tenant, table.c.token_id == token_id)
    return (await tx.execute(statement)).one_or_none() is not None


async def forget_expired(tx: Transaction, at: datetime) -> None:
    """Forget those that nobody accepts any more by themselves."""
    await tx.execute(delete(table).where(table.c.expires_at <= at))
