"""Stores through a group commit without end, and prints what was acknowledged: to be killed at any moment."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import insert

from certinel.storage.engine import Database, Transaction
from certinel.storage.group_commit import GroupCommit
from certinel.storage.tables import tenant, tenant_option


async def apply(tx: Transaction, keys: Sequence[str]) -> Sequence[str]:
    for key in keys:
        tx.add(tenant_option, {"tenant_id": "t1", "category": "", "key": key, "value": ""})
    return keys


async def main(url: str) -> None:
    database = await Database.open(url)
    async with database.transaction() as tx:
        at = datetime(2026, 11, 23, tzinfo=UTC)
        await tx.execute(insert(tenant).values(id="t1", domain=None, status="ACTIVE", created_at=at))
    commit = GroupCommit(database, apply)

    async def submit_for_ever(submitter: int) -> None:
        number = 0
        while True:
            print(await commit.submit(f"{submitter}/{number}"), flush=True)  # noqa: T201 - that is its purpose
            number += 1

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(commit.run())
        for submitter in range(20):
            tasks.create_task(submit_for_ever(submitter))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
