"""What is kept of the certificates that devices connect with, on both engines."""

import asyncio
from datetime import timedelta

from certinel.domain.device import DeviceCertificate
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.services import devices
from certinel.services.device_sightings import DeviceSightings
from certinel.services.platform import Platform
from certinel.storage import device_chains, users
from support.certificates import Issued, root_authority
from support.clock import START, MovableClock
from support.fleet import T1, admit, connect, trust

PUMP = DeviceId("pump")


async def certificates(platform: Platform, device: DeviceId = PUMP) -> list[DeviceCertificate]:
    async with platform.database.reading() as tx:
        return await devices.certificates_of(tx, T1, device)


async def plant_of(platform: Platform) -> Issued:
    plant = root_authority("Plant CA")
    await trust(platform, plant)
    return plant


async def test_first_connect_leaves_the_facts_of_the_certificate(platform: Platform) -> None:
    plant = await plant_of(platform)
    pump = plant.device("pump", serial=0xBEEF)
    (admission,) = await connect(platform, pump)
    assert await certificates(platform) == [
        DeviceCertificate(
            tenant=T1,
            device=PUMP,
            sha256=admission.path[0].sha256.hex(),
            sha1=admission.path[0].fingerprint,
            serial="beef",
            subject="CN=pump, O=Example",
            issuer="CN=Plant CA, O=Example",
            not_before=pump.certificate.not_valid_before_utc,
            not_after=pump.certificate.not_valid_after_utc,
            trusted=admission.trusted.fingerprint,
            first_seen_at=START,
            last_seen_at=START,
        )
    ]


async def test_first_connect_leaves_the_chain(platform: Platform) -> None:
    pump = (await plant_of(platform)).device("pump")
    (admission,) = await connect(platform, pump)
    async with platform.database.reading() as tx:
        assert await device_chains.find(tx, T1, admission.path[0].sha256) == pump.chain_der


async def test_later_connect_changes_only_when_it_was_there_last(platform: Platform, clock: MovableClock) -> None:
    pump = (await plant_of(platform)).device("pump")
    await connect(platform, pump)
    clock.move(timedelta(minutes=5))
    await connect(platform, pump)
    (kept,) = await certificates(platform)
    assert (kept.first_seen_at, kept.last_seen_at) == (START, START + timedelta(minutes=5))


async def test_another_certificate_takes_the_place_of_the_current_one_and_back(platform: Platform) -> None:
    plant = await plant_of(platform)
    old, new = plant.device("pump", serial=1), plant.device("pump", serial=2)
    for device, current in ((old, "1"), (new, "2"), (old, "1")):
        await connect(platform, device)
        assert [one.serial for one in await certificates(platform) if one.is_current] == [current]
    assert len(await certificates(platform)) == 2


async def test_trusted_certificate_that_admitted_is_that_of_the_last_time(platform: Platform) -> None:
    plant = await plant_of(platform)
    await connect(platform, plant.device("pump"))
    renewed = await trust(platform, plant.renewed(), name="renewed")
    (kept,) = await certificates(platform)
    assert kept.trusted != renewed.fingerprint


async def test_nodes_of_one_database_keep_one_row_of_a_certificate(platform: Platform, clock: MovableClock) -> None:
    pump = (await plant_of(platform)).device("pump")
    (admission,) = await connect(platform, pump)
    other = DeviceSightings(platform.database, clock)
    clock.move(timedelta(minutes=5))
    other.note(admission, pump.chain_der)
    await other.flush()
    (kept,) = await certificates(platform)
    assert kept.last_seen_at == START + timedelta(minutes=5)


async def test_device_that_was_deleted_meanwhile_is_not_brought_back(platform: Platform) -> None:
    pump = (await plant_of(platform)).device("pump")
    await admit(platform, pump, "pump")
    async with platform.database.transaction() as tx:
        await users.remove(tx, T1, "device_pump")
    await platform.device_sightings.flush()
    assert await certificates(platform) == []


async def test_many_devices_are_all_kept(platform: Platform) -> None:
    plant = await plant_of(platform)
    names = [f"pump-{number:03}" for number in range(250)]
    await connect(platform, *(plant.device(name) for name in names))
    async with platform.database.reading() as tx:
        question, place = devices.DeviceQuestion(), devices.Place()
        found = await devices.list_of(tx, platform, T1, question, place, 1000)
    assert [one.id for one in found.devices if one.certificate is not None] == names


async def test_running_task_stores_by_itself_and_closing_stores_what_is_left(platform: Platform) -> None:
    plant = await plant_of(platform)
    running = asyncio.create_task(platform.device_sightings.run())
    await admit(platform, plant.device("pump"), "pump")
    async with asyncio.timeout(30):
        while not await certificates(platform):
            pass
    await admit(platform, plant.device("valve"), "valve")
    await platform.device_sightings.close()
    await running
    assert len(await certificates(platform, DeviceId("valve"))) == 1


async def test_tenants_do_not_see_each_others_certificates(platform: Platform) -> None:
    await connect(platform, (await plant_of(platform)).device("pump"))
    async with platform.database.reading() as tx:
        assert await devices.certificates_of(tx, TenantId("management"), PUMP) == []
