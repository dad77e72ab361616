"""Transactions, on both engines."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, insert, select

from certinel.storage.engine import Database, Transaction
from certinel.storage.errors import ReadOnlyStorageError, RowConflictError, UnacceptableValueError
from certinel.storage.tables import managed_object, tenant, tenant_option
from support.engines import Engines

AT = datetime(2026, 11, 23, 12, 30, 0, 123456, tzinfo=UTC)


def row(name: str) -> dict[str, object]:
    return {"id": name, "domain": None, "status": "ACTIVE", "created_at": AT}


async def count_tenants(tx: Transaction) -> int:
    number: int = (await tx.execute(select(func.count()).select_from(tenant))).scalar_one()
    return number


async def test_what_was_committed_can_be_read(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(insert(tenant).values(row("t1")))
    async with database.reading() as tx:
        assert (await tx.execute(select(tenant.c.id, tenant.c.created_at))).all() == [("t1", AT)]


async def test_an_error_in_the_block_leaves_nothing(database: Database) -> None:
    told: list[str] = []
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what is tested
        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(row("t1")))
            tx.add(tenant, row("t2"))
            tx.after_commit(told.append, "committed")
            _ = 1 / 0
    async with database.reading() as tx:
        assert await count_tenants(tx) == 0
    assert told == []


async def test_after_commit_runs_when_others_can_read_the_change(database: Database) -> None:
    seen: list[int] = []

    async def look() -> None:
        async with database.reading() as tx:
            seen.append(await count_tenants(tx))

    async with database.transaction() as tx:
        await tx.execute(insert(tenant).values(row("t1")))
        tx.after_commit(look)
        tx.after_commit(seen.append, 7)
        assert seen == []
    assert seen == [1, 7]


async def test_an_error_after_the_commit_reaches_the_caller_and_the_rest_is_still_called(database: Database) -> None:
    told: list[str] = []

    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):  # noqa: PT012 - as above
        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(row("t1")))
            tx.after_commit(fail)
            tx.after_commit(told.append, "second")
    assert told == ["second"]
    async with database.reading() as tx:
        assert await count_tenants(tx) == 1


async def test_what_runs_after_the_commit_may_open_a_transaction(database: Database) -> None:
    async def write() -> None:
        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(row("t2")))

    async with database.transaction() as tx:
        await tx.execute(insert(tenant).values(row("t1")))
        tx.after_commit(write)
    async with database.reading() as tx:
        assert await count_tenants(tx) == 2


async def test_a_task_cancelled_after_its_commit_still_tells(database: Database) -> None:
    told, entered, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def tell() -> None:
        entered.set()
        await go_on.wait()
        told.set()

    async def write() -> None:
        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(row("t1")))
            tx.after_commit(tell)

    task = asyncio.create_task(write())
    await entered.wait()
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told.is_set()


async def test_a_cancelled_block_leaves_nothing_and_frees_the_database(database: Database) -> None:
    entered = asyncio.Event()

    async def write() -> None:
        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(row("t1")))
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.transaction() as tx:
        assert await count_tenants(tx) == 0


async def test_tasks_cancelled_at_any_moment_leave_a_whole_database(database: Database) -> None:
    async def write(index: int) -> None:
        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(row(f"t{index}")))
            tx.add(tenant_option, {"tenant_id": f"t{index}", "category": "a", "key": "b", "value": "c"})

    finished = set()
    for steps in range(60):
        task = asyncio.create_task(write(steps))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        if not (await asyncio.gather(task, return_exceptions=True))[0]:
            finished.add(f"t{steps}")
    await write(1000)
    async with database.reading() as tx:
        stored = set((await tx.execute(select(tenant.c.id))).scalars())
        options = set((await tx.execute(select(tenant_option.c.tenant_id))).scalars())
    assert finished | {"t1000"} <= stored == options


@pytest.mark.parametrize("number", [1, 23, 24, 300])
async def test_added_rows_are_stored_at_commit(database: Database, number: int) -> None:
    async with database.transaction() as tx:
        for index in range(number):
            tx.add(tenant, row(f"t{index}"))
    async with database.reading() as tx:
        assert await count_tenants(tx) == number


@pytest.mark.parametrize("number", [1, 300])
async def test_an_added_row_that_conflicts_undoes_the_transaction(database: Database, number: int) -> None:
    async with database.transaction() as tx:
        await tx.execute(insert(tenant).values(row("t0")))
    with pytest.raises(RowConflictError):  # noqa: PT012 - as above
        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(row("other")))
            for index in range(number):
                tx.add(tenant, row(f"t{index}"))
    async with database.reading() as tx:
        assert await count_tenants(tx) == 1


async def test_the_same_key_twice_is_a_conflict(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(insert(tenant).values(row("t1")))
    with pytest.raises(RowConflictError):
        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(row("t1")))


async def test_a_reference_to_nothing_is_a_conflict(database: Database) -> None:
    with pytest.raises(RowConflictError):
        async with database.transaction() as tx:
            tx.add(tenant_option, {"tenant_id": "nobody", "category": "a", "key": "b", "value": "c"})


async def test_insert_if_absent_tells_whether_it_inserted(database: Database) -> None:
    async with database.transaction() as tx:
        assert await tx.insert_if_absent(tenant, row("t1"))
        assert not await tx.insert_if_absent(tenant, row("t1"))
        assert await count_tenants(tx) == 1


async def test_upsert_inserts_and_then_changes(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(insert(tenant).values(row("t1")))
        for value in ("first", "second"):
            await tx.upsert(tenant_option, {"tenant_id": "t1", "category": "a", "key": "b", "value": value})
        assert (await tx.execute(select(tenant_option.c.value))).scalars().all() == ["second"]


async def test_reading_cannot_write(database: Database) -> None:
    with pytest.raises(ReadOnlyStorageError):
        async with database.reading() as tx:
            await tx.execute(insert(tenant).values(row("t1")))


async def test_reading_sees_one_state_while_others_write(database: Database) -> None:
    async with database.reading() as reader:
        assert await count_tenants(reader) == 0
        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(row("t1")))
        assert await count_tenants(reader) == 0


async def test_reading_does_not_wait_for_a_writer(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(insert(tenant).values(row("t1")))
        async with database.reading() as reader:
            assert await count_tenants(reader) == 0


async def test_many_writers_at_once_lose_nothing(database: Database) -> None:
    async def write(index: int) -> None:
        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(row(f"t{index}")))

    async with asyncio.TaskGroup() as tasks:
        for index in range(40):
            tasks.create_task(write(index))
    async with database.reading() as tx:
        assert await count_tenants(tx) == 40


async def test_a_moment_without_time_zone_is_refused(database: Database) -> None:
    naive = AT.replace(tzinfo=None)
    with pytest.raises(Exception, match="needs a time zone"):
        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(row("t1") | {"created_at": naive}))


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**30])
async def test_a_number_beyond_64_bits_is_refused(database: Database, value: int) -> None:
    with pytest.raises(UnacceptableValueError):
        async with database.reading() as tx:
            await tx.execute(select(managed_object.c.id).where(managed_object.c.id == value))


async def test_a_text_that_is_no_unicode_is_refused(database: Database) -> None:
    with pytest.raises(UnacceptableValueError):
        async with database.reading() as tx:
            await tx.execute(select(tenant.c.id).where(tenant.c.id == "\ud800"))


@pytest.mark.parametrize("number", [1, 100])
async def test_a_text_with_u0000_is_refused_by_postgresql(engines: Engines, number: int) -> None:
    async with engines.fresh("postgresql") as database:
        with pytest.raises(UnacceptableValueError):  # noqa: PT012 - as above
            async with database.transaction() as tx:
                for index in range(number):
                    tx.add(tenant, row(f"t{index}\0"))
