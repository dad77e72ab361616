"""Connection attempts on both engines: stored together, counted, found, pruned."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from certinel.domain.admission import ConnectAttempt
from certinel.domain.connection_attempt import ADMITTED, ConnectionAttempt, Origin, Outcome, Sighting
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.services import connection_attempts
from certinel.services.connection_attempts import PRUNE_EVERY, RETENTION, ConnectionAttemptNotFoundError
from certinel.services.platform import Platform
from certinel.storage import connection_attempts as stored_attempts
from certinel.storage.connection_attempts import AttemptFilter
from certinel.storage.errors import StorageError
from certinel.storage.page import PageRequest
from support.certificates import Issued, root_authority
from support.clock import START, MovableClock

T1 = TenantId("t1000")
EVERYTHING = PageRequest(1, 2000)


@pytest.fixture(scope="module")
def pump() -> Issued:
    return root_authority("Plant CA").device("pump")


def sighting(device: str = "pump", code: Code = Code.TRUST_DISABLED, tenant: TenantId = T1) -> Sighting:
    attempt = ConnectAttempt((), device)
    return Sighting(tenant, code, Refusal(code, {"name": "plant"}, tenant=tenant), attempt, Origin("192.0.2.1"))


async def listed(
    platform: Platform,
    wanted: AttemptFilter = AttemptFilter(),  # noqa: B008
    tenant: TenantId = T1,
) -> list[ConnectionAttempt]:
    async with platform.database.reading() as tx:
        return list((await connection_attempts.list_of(tx, tenant, wanted, EVERYTHING)).items)


async def devices(platform: Platform, wanted: AttemptFilter) -> list[str | None]:
    return [attempt.device for attempt in await listed(platform, wanted)]


async def recorded(platform: Platform, *sightings: Sighting) -> None:
    for one in sightings:
        platform.connection_attempts.record(one, is_owned=True)
    await platform.connection_attempts.flush()


async def test_attempt_is_read_as_it_was_recorded(platform: Platform, pump: Issued) -> None:
    attempt = ConnectAttempt(pump.chain_der, "d:pump")
    refusal = Refusal(Code.TRUST_DISABLED, {"name": "plant"}, tenant=T1)
    origin = Origin("192.0.2.1", "TLSv1.2", "V3_1_1")
    await recorded(platform, Sighting(T1, refusal.code, refusal, attempt, origin))
    (read,) = await listed(platform)
    assert (read.code, read.count, read.first_at, read.last_at) == ("trust/disabled", 1, START, START)
    assert (read.client_id, read.device, read.address) == ("d:pump", "pump", "192.0.2.1")
    assert (read.tls_version, read.mqtt_version) == ("TLSv1.2", "V3_1_1")
    assert (read.sentence, read.facts) == (refusal.sentence, {"name": "plant"})
    assert [certificate.subject for certificate in read.chain] == ["CN=pump, O=Example", "CN=Plant CA, O=Example"]
    assert read.chain[0].not_after == pump.certificate.not_valid_after_utc
    async with platform.database.reading() as tx:
        assert await connection_attempts.get(tx, T1, read.id) == read


async def test_identical_attempts_are_counted_before_and_after_they_are_stored(
    platform: Platform, clock: MovableClock
) -> None:
    await recorded(platform, sighting(), sighting())
    clock.move(timedelta(minutes=5))
    await recorded(platform, sighting())
    (read,) = await listed(platform)
    assert (read.count, read.first_at, read.last_at) == (3, START, START + timedelta(minutes=5))


async def test_attempt_after_an_hour_is_another_entry(platform: Platform, clock: MovableClock) -> None:
    await recorded(platform, sighting())
    clock.move(timedelta(hours=1))
    await recorded(platform, sighting())
    assert [attempt.count for attempt in await listed(platform)] == [1, 1]


async def test_attempts_during_a_flush_are_for_the_next_one(platform: Platform) -> None:
    platform.connection_attempts.record(sighting(), is_owned=True)
    flush = asyncio.create_task(platform.connection_attempts.flush())
    for _ in range(100):
        platform.connection_attempts.record(sighting(), is_owned=True)
        await asyncio.sleep(0)
    await flush
    await platform.connection_attempts.flush()
    (read,) = await listed(platform)
    assert read.count == 101


async def test_running_recorder_stores_by_itself(platform: Platform) -> None:
    running = asyncio.create_task(platform.connection_attempts.run())
    platform.connection_attempts.record(sighting(), is_owned=True)
    async with asyncio.timeout(30):
        while not await listed(platform):
            pass
    await platform.connection_attempts.close()
    await running


async def test_closing_stores_what_is_left(platform: Platform) -> None:
    running = asyncio.create_task(platform.connection_attempts.run())
    platform.connection_attempts.record(sighting(), is_owned=True)
    await platform.connection_attempts.close()
    await running
    assert len(await listed(platform)) == 1


async def test_many_attempts_are_all_stored(platform: Platform) -> None:
    await recorded(platform, *(sighting(f"pump-{number}") for number in range(450)))
    assert len(await listed(platform)) == 450


async def test_attempt_of_a_tenant_that_is_gone_is_dropped(platform: Platform) -> None:
    await recorded(platform, sighting(tenant=TenantId("gone")), sighting())
    assert len(await listed(platform)) == 1


async def test_database_that_fails_loses_nothing(platform: Platform) -> None:
    async with platform.database.transaction() as tx:
        await tx.execute(text("ALTER TABLE connection_attempt RENAME TO away"))
    with capture_logs() as lines:
        await recorded(platform, sighting(), sighting())
    assert [line["event"] for line in lines] == ["connection_attempts.not_stored"]
    async with platform.database.transaction() as tx:
        await tx.execute(text("ALTER TABLE away RENAME TO connection_attempt"))
    await recorded(platform, sighting())
    (read,) = await listed(platform)
    assert read.count == 3


async def test_attempt_of_another_tenant_is_not_found(platform: Platform) -> None:
    await recorded(platform, sighting())
    (read,) = await listed(platform)
    assert await listed(platform, tenant=MANAGEMENT_TENANT) == []
    async with platform.database.reading() as tx:
        with pytest.raises(ConnectionAttemptNotFoundError):
            await connection_attempts.get(tx, MANAGEMENT_TENANT, read.id)


# ---- finding


async def test_latest_comes_first_also_when_it_began_earlier(platform: Platform, clock: MovableClock) -> None:
    for device in ("one", "two", "one"):
        await recorded(platform, sighting(device))
        clock.move(timedelta(minutes=1))
    assert await devices(platform, AttemptFilter()) == ["one", "two"]


async def test_filters_by_code_outcome_and_device(platform: Platform) -> None:
    admitted = Sighting(T1, ADMITTED, None, ConnectAttempt((), "three"), Origin("192.0.2.1"))
    await recorded(platform, sighting("one"), sighting("two", Code.TRUST_DELETED), admitted)
    assert await devices(platform, AttemptFilter(code="trust/deleted")) == ["two"]
    assert await devices(platform, AttemptFilter(outcome=Outcome.ADMITTED)) == ["three"]
    assert sorted(map(str, await devices(platform, AttemptFilter(outcome=Outcome.REFUSED)))) == ["one", "two"]
    assert await devices(platform, AttemptFilter(device="one")) == ["one"]
    assert await devices(platform, AttemptFilter(device="one", code="trust/deleted")) == []


async def test_filters_by_either_fingerprint(platform: Platform, pump: Issued) -> None:
    own = Sighting(T1, ADMITTED, None, ConnectAttempt(pump.chain_der, "pump"), Origin("192.0.2.1"))
    await recorded(platform, own, sighting("other"))
    (read,) = await listed(platform, AttemptFilter(device="pump"))
    assert read.leaf is not None
    for fingerprint in (read.leaf.sha1, read.leaf.sha256):
        assert await devices(platform, AttemptFilter(fingerprint=fingerprint)) == ["pump"]
    assert await devices(platform, AttemptFilter(fingerprint="0" * 40)) == []


async def test_filters_by_time_find_what_went_on_then(platform: Platform, clock: MovableClock) -> None:
    await recorded(platform, sighting())
    clock.move(timedelta(minutes=10))
    await recorded(platform, sighting())

    async def found(date_from: datetime | None = None, date_to: datetime | None = None) -> int:
        return len(await listed(platform, AttemptFilter(date_from=date_from, date_to=date_to)))

    assert await found(START + timedelta(minutes=5), START + timedelta(minutes=6)) == 1
    assert await found(START + timedelta(minutes=11)) == 0
    assert await found(None, START - timedelta(seconds=1)) == 0


# ---- what is not kept


async def fill(platform: Platform, count: int, last_at: datetime, code: str = "trust/disabled") -> None:
    """Store ``count`` attempts, each a second later than the one before, the last one at ``last_at``."""
    base = ConnectionAttempt(tenant=T1, code=code, first_at=last_at, last_at=last_at, count=1)
    async with platform.database.transaction() as tx:
        for number in range(count):
            at = last_at - timedelta(seconds=count - 1 - number)
            row = replace(base, id=hash((code, number)) & (2**62 - 1), first_at=at, last_at=at, device=f"{number}")
            stored_attempts.add(tx, row)


async def count_of(platform: Platform, code: str | None = None) -> int:
    async with platform.database.reading() as tx:
        request = PageRequest(1, 1, with_total_elements=True)
        return (await connection_attempts.list_of(tx, T1, AttemptFilter(code=code), request)).total_elements or 0


async def test_old_attempts_are_removed(platform: Platform, clock: MovableClock) -> None:
    await fill(platform, 3, START - RETENTION)
    clock.move(PRUNE_EVERY)
    await recorded(platform, sighting("new"))
    assert await devices(platform, AttemptFilter()) == ["new"]


async def test_attempts_beyond_the_limit_are_removed_the_oldest_first(platform: Platform) -> None:
    await fill(platform, 30, START - timedelta(minutes=1))
    async with platform.database.reading() as tx:
        superfluous = await stored_attempts.beyond(tx, T1, 20, 100)
    async with platform.database.transaction() as tx:
        await stored_attempts.remove(tx, superfluous)
    assert await devices(platform, AttemptFilter()) == [str(number) for number in range(29, 9, -1)]


async def test_accepted_attempts_make_room_for_refused_ones(platform: Platform) -> None:
    await fill(platform, 5, START - timedelta(hours=1))
    await fill(platform, 10, START, ADMITTED)
    async with platform.database.reading() as tx:
        superfluous = await stored_attempts.beyond(tx, T1, 6, 100, code=ADMITTED)
    async with platform.database.transaction() as tx:
        await stored_attempts.remove(tx, superfluous)
    assert (await count_of(platform, ADMITTED), await count_of(platform)) == (6, 11)


async def test_unreachable_database_does_not_end_the_recorder(platform: Platform) -> None:
    await platform.database.close()
    try:
        platform.connection_attempts.record(sighting(), is_owned=True)
        await platform.connection_attempts.flush()
    except StorageError:
        pytest.fail("a flush must not raise")


async def test_nothing_is_stored_before_a_flush(platform: Platform) -> None:
    """Recording touches memory only; what that costs is measured by ``python -m bench recording``."""
    for number in range(1_000):
        platform.connection_attempts.record(sighting(f"pump-{number}"), is_owned=True)
        await asyncio.sleep(0)
    assert await listed(platform) == []
    await platform.connection_attempts.flush()
    assert len(await listed(platform)) == 1_000


async def test_cas_whose_upload_would_help_are_kept_with_the_attempt(platform: Platform) -> None:
    hall = root_authority("Plant CA").authority("Hall 3")
    presented = hall.device("pump").chain_der
    attempt = ConnectAttempt(presented, "pump")
    for code in (Code.CHAIN_TOO_LONG, Code.TRUST_DISABLED):
        await recorded(platform, Sighting(T1, code, Refusal(code, tenant=T1), attempt, Origin("192.0.2.1")))
    kept = {one.code: [certificate.der for certificate in one.chain] for one in await listed(platform)}
    assert kept == {"chain/too-long": [None, *presented[1:]], "trust/disabled": [None, None, None]}
