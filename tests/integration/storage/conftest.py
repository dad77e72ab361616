"""Tenants to put things into."""

from datetime import UTC, datetime

import pytest

from certinel.domain.identifiers import TenantId
from certinel.storage.engine import Database
from certinel.storage.tables import tenant

AT = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)
"""Some moment; fixtures make everything at it."""


@pytest.fixture
async def two_tenants(database: Database) -> tuple[TenantId, TenantId]:
    """The names of two tenants of the database."""
    names = TenantId("t1"), TenantId("t2")
    async with database.transaction() as tx:
        for name in names:
            tx.add(tenant, {"id": name, "domain": None, "status": "ACTIVE", "created_at": AT})
    return names
