"""Statements about the keys that sign tokens. The private half arrives here sealed."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update

from certinel.storage.engine import Transaction
from certinel.storage.tables import signing_key as table


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSigningKey:
    """A signing key as it is stored."""

    kid: str
    algorithm: str
    public_jwk: dict[str, Any]
    private_sealed: bytes = field(repr=False)
    created_at: datetime
    retired_at: datetime | None = None


async def in_use(tx: Transaction, at: datetime) -> tuple[StoredSigningKey, ...]:
    """Return all keys that are not retired by ``at``, the oldest first."""
    is_in_use = or_(table.c.retired_at.is_(None), table.c.retired_at > at)
    rows = await tx.execute(select(table).where(is_in_use).order_by(table.c.created_at, table.c.kid))
    return tuple(_stored(row) for row in rows)


async def retire_all(tx: Transaction, at: datetime) -> None:
    """Let all keys that have no end yet end at ``at``."""
    await tx.execute(update(table).where(table.c.retired_at.is_(None)).values(retired_at=at))


async def retire(tx: Transaction, kid: str, at: datetime) -> None:
    """Let one key end at ``at``."""
    await tx.execute(update(table).where(table.c.kid == kid).values(retired_at=at))


async def forget_retired(tx: Transaction, at: datetime) -> None:
    """Remove the keys that ended before ``at``."""
    await tx.execute(delete(table).where(table.c.retired_at <= at))


async def add(tx: Transaction, key: StoredSigningKey) -> None:
    """Store a new key."""
    await tx.execute(
        insert(table).values(
            kid=key.kid,
            algorithm=key.algorithm,
            public_jwk=key.public_jwk,
            private_sealed=key.private_sealed,
            created_at=key.created_at,
            retired_at=key.retired_at,
        )
    )


def _stored(row: Row[*tuple[Any, ...]]) -> StoredSigningKey:
    return StoredSigningKey(
        kid=row.kid,
        algorithm=row.algorithm,
        public_jwk=row.public_jwk,
        private_sealed=row.private_sealed,
        created_at=row.created_at,
        retired_at=row.retired_at,
    )
