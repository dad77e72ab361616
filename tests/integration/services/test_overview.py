"""What a tenant sees first, on both engines."""

from datetime import UTC, datetime, timedelta

from certinel.domain.admission import ConnectAttempt
from certinel.domain.connection_attempt import Origin, Sighting
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.services import expiries, overview, possession
from certinel.services.connection_attempts import PRUNE_EVERY, RETENTION
from certinel.services.overview import AttemptCounts, Span, SpanOfAttempts
from certinel.services.platform import Platform
from support.certificates import root_authority
from support.clock import START, MovableClock
from support.fleet import T1, connect, trust

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def refuse(platform: Platform, code: Code, times: int, tenant: TenantId = T1) -> None:
    for _ in range(times):
        refusal = Refusal(code, {"name": "plant", "subject": "CN=x", "date": "today"}, tenant=tenant)
        sighting = Sighting(tenant, code, refusal, ConnectAttempt((), "pump"), Origin("192.0.2.1"))
        platform.connection_attempts.record(sighting, is_owned=True)
    await platform.connection_attempts.flush()


async def counts(platform: Platform, span: Span, count: int, tenant: TenantId = T1) -> AttemptCounts:
    async with platform.database.reading() as tx:
        return await overview.attempts_of(tx, tenant, span, count, platform.clock.now())


async def test_attempts_are_counted_by_hour_without_gaps(platform: Platform, clock: MovableClock) -> None:
    plant = root_authority("Plant CA")
    await trust(platform, plant)
    await connect(platform, plant.device("pump"))
    await refuse(platform, Code.TRUST_DISABLED, 3)
    clock.move(2 * HOUR + timedelta(minutes=30))
    await refuse(platform, Code.DEVICE_DISABLED, 2)
    counted = await counts(platform, Span.HOUR, 4)
    assert counted.spans == (
        SpanOfAttempts(START - HOUR, 0, 0),
        SpanOfAttempts(START, 1, 3),
        SpanOfAttempts(START + HOUR, 0, 0),
        SpanOfAttempts(START + 2 * HOUR, 0, 2),
    )
    assert counted.refusals == (("trust/disabled", 3), ("device/disabled", 2))


async def test_attempts_are_counted_by_day(platform: Platform, clock: MovableClock) -> None:
    await refuse(platform, Code.TRUST_DISABLED, 1)
    clock.move(DAY)
    await refuse(platform, Code.TRUST_DISABLED, 2)
    day = datetime(2026, 11, 23, tzinfo=UTC)
    assert (await counts(platform, Span.DAY, 2)).spans == (SpanOfAttempts(day, 0, 1), SpanOfAttempts(day + DAY, 0, 2))


async def test_what_is_counted_later_is_added(platform: Platform) -> None:
    for _ in range(3):
        await refuse(platform, Code.TRUST_DISABLED, 2)
    assert (await counts(platform, Span.HOUR, 1)).refusals == (("trust/disabled", 6),)


async def test_tenants_are_counted_apart(platform: Platform) -> None:
    await refuse(platform, Code.TRUST_DISABLED, 2)
    assert (await counts(platform, Span.HOUR, 1, TenantId("management"))).refusals == ()


async def test_counts_are_kept_as_long_as_attempts(platform: Platform, clock: MovableClock) -> None:
    await refuse(platform, Code.TRUST_DISABLED, 1)
    clock.move(RETENTION + PRUNE_EVERY + HOUR)
    await refuse(platform, Code.DEVICE_DISABLED, 1)
    assert (await counts(platform, Span.DAY, 40)).refusals == (("device/disabled", 1),)


async def test_state_counts_devices_connections_and_lacking_proofs(platform: Platform) -> None:
    plant, hall = root_authority("Plant CA"), root_authority("Hall CA")
    await trust(platform, plant)
    proven = await trust(platform, hall)
    async with platform.database.transaction() as tx:
        await possession.confirm(tx, platform, T1, proven.fingerprint)
    await connect(platform, plant.device("pump"), plant.device("valve"))
    platform.presence.arrived(T1, DeviceId("pump"))
    state = overview.state_of(platform, T1)
    assert (state.devices, state.connected, state.trusted_certificates, len(state.lacking_proof)) == (2, 1, 2, 1)


async def test_expiries_are_counted_by_month(platform: Platform) -> None:
    plant = root_authority("Plant CA", valid=(START - DAY, datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC)))
    await trust(platform, plant)
    ends = [datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)]
    await connect(platform, *(plant.device(f"pump-{n}", valid=(START - DAY, end)) for n, end in enumerate(ends)))
    async with platform.database.reading() as tx:
        months = await expiries.by_month(tx, platform, T1, START, 3)
    assert [(one.begins.month, one.device_certificates, one.trusted_certificates) for one in months] == [
        (11, 0, 0),
        (12, 2, 0),
        (1, 0, 1),
    ]


async def test_certificates_that_end_soon_come_in_the_order_of_their_end(platform: Platform) -> None:
    plant = root_authority("Plant CA")
    await trust(platform, plant)
    ends = [30, 10, 20, 100]
    await connect(platform, *(plant.device(f"pump-{days}", valid=(START - DAY, START + days * DAY)) for days in ends))
    found: list[str] = []
    after = None
    async with platform.database.reading() as tx:
        while page := await expiries.of_devices(tx, T1, START + 30 * DAY, after, 2):
            found += [one.device for one in page]
            after = (page[-1].not_after, page[-1].sha256)
    assert found == ["pump-10", "pump-20", "pump-30"]


async def test_trusted_certificates_that_end_soon_are_found(platform: Platform) -> None:
    ending = root_authority("Old CA", valid=(START - DAY, START + 10 * DAY))
    trusted = await trust(platform, ending)
    await trust(platform, root_authority("Plant CA"))
    assert [one.id for one in expiries.of_trusted(platform, T1, START + 10 * DAY)] == [trusted.id]
    assert expiries.of_trusted(platform, T1, START + 9 * DAY) == []
