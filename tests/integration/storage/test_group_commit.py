"""Sharing commits, on both engines."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select

from certinel.storage.engine import Database, EngineName, Transaction
from certinel.storage.errors import StorageFullError
from certinel.storage.group_commit import GroupCommit, GroupCommitClosedError
from certinel.storage.tables import tenant, tenant_option
from support.engines import Engines

AT = datetime(2026, 11, 23, tzinfo=UTC)


class BadWorkError(Exception):
    """What a bad work raises."""


class Writer:
    """Stores words as tenant options; ``bad`` ones raise, ``wrong`` ones break a constraint at commit."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.entered = asyncio.Event()

    async def apply(self, tx: Transaction, words: Sequence[str]) -> list[str]:
        self.batches.append(list(words))
        self.entered.set()
        await self.go_on.wait()
        for word in words:
            if word.startswith("bad"):
                raise BadWorkError
            owner = "nobody" if word.startswith("wrong") else "t1"
            tx.add(tenant_option, {"tenant_id": owner, "category": "words", "key": word, "value": word * 100})
        return [word.upper() for word in words]


async def stored(database: Database) -> list[str]:
    async with database.reading() as tx:
        rows = await tx.execute(select(tenant_option.c.key).order_by(tenant_option.c.key))
        return list(rows.scalars())


@asynccontextmanager
async def running(commit: GroupCommit[str, str]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(commit.run())
        try:
            yield
        finally:
            await commit.close()


@pytest.fixture
async def database(engine_name: EngineName, engines: Engines) -> AsyncIterator[Database]:
    async with engines.fresh(engine_name) as database:
        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(id="t1", domain=None, status="ACTIVE", created_at=AT))
        yield database


@pytest.fixture
async def writer() -> Writer:
    return Writer()


async def until(is_true: Callable[[], bool]) -> None:
    """Let other tasks run until they have made something true."""
    async with asyncio.timeout(10):
        while not is_true():  # noqa: ASYNC110 - this is no waiting for time to pass
            await asyncio.sleep(0)


async def test_the_result_comes_when_others_can_read_the_work(database: Database, writer: Writer) -> None:
    commit = GroupCommit(database, writer.apply)
    async with running(commit):
        assert await commit.submit("one") == "ONE"
        assert await stored(database) == ["one"]


async def test_what_comes_during_a_commit_shares_the_next_one(database: Database, writer: Writer) -> None:
    commit = GroupCommit(database, writer.apply)
    writer.go_on.clear()
    async with running(commit), asyncio.TaskGroup() as tasks:
        tasks.create_task(commit.submit("first"))
        await writer.entered.wait()
        for number in range(5):
            tasks.create_task(commit.submit(f"word{number}"))
        await asyncio.sleep(0)
        writer.go_on.set()
    assert writer.batches == [["first"], [f"word{number}" for number in range(5)]]


async def test_no_batch_is_larger_than_allowed(database: Database, writer: Writer) -> None:
    commit = GroupCommit(database, writer.apply, max_batch=4)
    async with running(commit), asyncio.TaskGroup() as tasks:
        for number in range(10):
            tasks.create_task(commit.submit(f"word{number}"))
    assert [len(batch) for batch in writer.batches] == [4, 4, 2]


async def test_works_are_applied_in_the_order_of_submission(database: Database, writer: Writer) -> None:
    words = [f"word{number:03}" for number in range(100)]
    commit = GroupCommit(database, writer.apply, max_batch=7, max_queued=20)
    async with running(commit), asyncio.TaskGroup() as tasks:
        for word in words:
            tasks.create_task(commit.submit(word))
    assert [word for batch in writer.batches for word in batch] == words


@pytest.mark.parametrize(("bad", "error"), [("bad", BadWorkError), ("wrong", Exception)])
async def test_a_bad_work_fails_alone(database: Database, writer: Writer, bad: str, error: type[Exception]) -> None:
    words = [f"word{number:02}" for number in range(30)]
    commit = GroupCommit(database, writer.apply)
    async with running(commit):
        results = await asyncio.gather(
            *(commit.submit(word) for word in [*words[:11], bad, *words[11:]]), return_exceptions=True
        )
    assert isinstance(results.pop(11), error)
    assert results == [word.upper() for word in words]
    assert await stored(database) == words


async def test_one_bad_work_among_many_costs_few_transactions(database: Database, writer: Writer) -> None:
    commit = GroupCommit(database, writer.apply)
    async with running(commit):
        await asyncio.gather(*(commit.submit(f"word{n}" if n else "bad") for n in range(256)), return_exceptions=True)
    assert len(writer.batches) <= 2 * 8 + 1


async def test_submitters_wait_while_the_queue_is_full(database: Database, writer: Writer) -> None:
    commit = GroupCommit(database, writer.apply, max_batch=2, max_queued=3)
    writer.go_on.clear()
    async with running(commit):
        tasks = [asyncio.create_task(commit.submit(f"word{number}")) for number in range(10)]
        await writer.entered.wait()
        assert commit.queued <= 3
        writer.go_on.set()
        await asyncio.gather(*tasks)
    assert len(await stored(database)) == 10


async def test_a_cancelled_submitter_harms_nobody(database: Database, writer: Writer) -> None:
    commit = GroupCommit(database, writer.apply, max_queued=4)
    writer.go_on.clear()
    async with running(commit):
        # Some are in the queue by then and some still wait for room.
        tasks = [asyncio.create_task(commit.submit(f"word{number}")) for number in range(8)]
        await writer.entered.wait()
        for task in tasks[1::2]:
            task.cancel()
        writer.go_on.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert await commit.submit("later") == "LATER"
    assert results[::2] == ["WORD0", "WORD2", "WORD4", "WORD6"]
    assert {"later", "word0", "word2", "word4", "word6"} <= set(await stored(database))


async def test_closing_stores_what_was_taken_and_refuses_the_rest(database: Database, writer: Writer) -> None:
    commit = GroupCommit(database, writer.apply, max_batch=2)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(commit.run())
        submitted = [tasks.create_task(commit.submit(f"word{number}")) for number in range(6)]
        await until(lambda: commit.queued == 6)
        await commit.close()
        with pytest.raises(GroupCommitClosedError):
            await commit.submit("late")
    assert [task.result() for task in submitted] == [f"WORD{number}" for number in range(6)]
    assert len(await stored(database)) == 6


async def test_when_the_runner_is_cancelled_everybody_waiting_is_told(database: Database, writer: Writer) -> None:
    commit = GroupCommit(database, writer.apply, max_batch=1, max_queued=2)
    writer.go_on.clear()
    runner = asyncio.create_task(commit.run())
    tasks = [asyncio.create_task(commit.submit(f"word{number}")) for number in range(5)]
    await writer.entered.wait()
    runner.cancel()
    results = await asyncio.gather(*tasks, runner, return_exceptions=True)
    assert [type(result) for result in results] == [GroupCommitClosedError] * 5 + [asyncio.CancelledError]
    assert await stored(database) == []


async def test_a_work_that_comes_alone_does_not_wait_for_others(database: Database, writer: Writer) -> None:
    commit = GroupCommit(database, writer.apply, gathering_time=timedelta(hours=1))
    async with running(commit), asyncio.timeout(30):
        for number in range(3):
            await commit.submit(f"word{number}")


async def test_under_load_works_gather_until_a_batch_is_full(database: Database, writer: Writer) -> None:
    commit = GroupCommit(database, writer.apply, max_batch=4, gathering_time=timedelta(hours=1))
    async with running(commit), asyncio.timeout(30):
        await asyncio.gather(*(commit.submit(f"word{number}") for number in range(4)))
        late = [asyncio.create_task(commit.submit(f"late{number}")) for number in range(3)]
        await until(lambda: commit.queued == 3)
        assert writer.batches == [[f"word{number}" for number in range(4)]]
        await asyncio.gather(commit.submit("last"), *late)
    assert len(writer.batches) == 2


async def test_a_full_disk_fails_everybody_and_later_work_is_tried_again(
    engines: Engines, writer: Writer, tmp_path: Path
) -> None:
    async with engines.fresh("sqlite") as database:
        limit = 2**30

        @event.listens_for(database._writers.sync_engine, "begin")
        def _limit(connection: object) -> None:
            connection.connection.cursor().execute(f"PRAGMA max_page_count={limit}")  # type: ignore[attr-defined]

        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(id="t1", domain=None, status="ACTIVE", created_at=AT))
        commit = GroupCommit(database, writer.apply)
        async with running(commit):
            limit = 1
            full = await asyncio.gather(*(commit.submit(f"word{n}" * 50) for n in range(50)), return_exceptions=True)
            assert {type(result) for result in full} == {StorageFullError}
            assert await stored(database) == []
            limit = 2**30
            assert await commit.submit("again") == "AGAIN"
        assert await stored(database) == ["again"]


async def test_what_was_acknowledged_survives_a_kill(engines: Engines) -> None:
    async with engines.fresh_url("sqlite") as url:
        program = Path(__file__).parents[2] / "support" / "endless_writer.py"
        environment = {"PYTHONPATH": ":".join(sys.path)}
        writer = await asyncio.create_subprocess_exec(
            sys.executable, program, url, stdout=asyncio.subprocess.PIPE, env=environment
        )
        assert writer.stdout is not None
        try:
            acknowledged = [await writer.stdout.readuntil() for _ in range(400)]
        finally:
            writer.kill()
            rest = await writer.stdout.read()
            await writer.wait()
        acknowledged += [line for line in rest.splitlines(keepends=True) if line.endswith(b"\n")]
        database = await Database.open(url)
        try:
            assert {line.decode().strip() for line in acknowledged} <= set(await stored(database))
        finally:
            await database.close()
