"""The list of devices on both engines: what finds them, and in which order; what deleting one takes along."""

from datetime import timedelta
from typing import Any

import pytest

from certinel.domain.certificate import Certificate
from certinel.domain.identifiers import DeviceId
from certinel.domain.managed_object import SERIAL, ExternalId
from certinel.domain.role import Principal, Role, UserKind
from certinel.services import devices, users
from certinel.services.devices import DeviceNotFoundError, DeviceQuestion, Place
from certinel.services.platform import Platform
from certinel.storage import device_chains, external_ids, managed_objects
from certinel.storage.devices import DeviceFilter
from certinel.storage.managed_objects import NewManagedObject
from support.certificates import Issued, root_authority
from support.clock import START, MovableClock
from support.fleet import T1, connect, trust

ADMIN = Principal(tenant=T1, user_name="admin", kind=UserKind.PERSON, roles=frozenset(Role))


@pytest.fixture
async def plant(platform: Platform) -> Issued:
    plant = root_authority("Plant CA")
    await trust(platform, plant)
    return plant


async def listed(platform: Platform, *, limit: int = 100, **question: Any) -> list[str]:
    """All devices that are meant, page after page."""
    found: list[str] = []
    place: Place | None = Place()
    async with platform.database.reading() as tx:
        while place is not None:
            page = await devices.list_of(tx, platform, T1, DeviceQuestion(**question), place, limit)
            assert len(page.devices) <= limit
            found += [device.id for device in page.devices]
            place = page.next
    return found


async def named(platform: Platform, device: str, name: str, type_: str = SERIAL) -> None:
    new = NewManagedObject(
        tenant=T1, name=name, type=None, owner=f"device_{device}", created_at=START, fragments={"c8y_IsDevice": {}}
    )
    async with platform.database.transaction() as tx:
        (number,) = await managed_objects.create(tx, [new])
        await external_ids.bind(tx, T1, ExternalId(type_, device, number))


async def registered(platform: Platform, *names: str) -> None:
    async with platform.database.transaction() as tx:
        await users.register_devices(tx, platform.bus, [(T1, DeviceId(name)) for name in names], START)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
async def test_pages_give_every_device_once_in_order(platform: Platform, limit: int) -> None:
    names = [f"pump-{number}" for number in range(7)]
    await registered(platform, *reversed(names))
    assert await listed(platform, limit=limit) == names


async def test_people_are_no_devices(platform: Platform) -> None:
    assert await listed(platform) == []


async def test_device_that_has_connected_shows_its_certificate_and_when_it_was_there(
    platform: Platform, plant: Issued
) -> None:
    await connect(platform, plant.device("pump", serial=0xBEEF))
    async with platform.database.reading() as tx:
        pump = await devices.get(tx, platform, T1, "pump")
    assert pump.certificate is not None
    assert (pump.certificate.serial, pump.last_seen_at, pump.connected_since) == ("beef", START, None)


async def test_device_that_is_connected_shows_since_when(platform: Platform) -> None:
    await registered(platform, "pump")
    platform.presence.arrived(T1, DeviceId("pump"))
    async with platform.database.reading() as tx:
        assert (await devices.get(tx, platform, T1, "pump")).connected_since == START


async def test_object_of_a_device_is_that_of_its_serial_else_any_it_owns(platform: Platform) -> None:
    await registered(platform, "pump", "valve")
    await named(platform, "pump", "Board", type_="c8y_Board")
    await named(platform, "pump", "Pump in hall 3")
    await named(platform, "valve", "Valve", type_="c8y_Imei")
    async with platform.database.reading() as tx:
        pump, valve = [await devices.get(tx, platform, T1, name) for name in ("pump", "valve")]
    assert pump.object is not None
    assert valve.object is not None
    assert (pump.object.name, valve.object.name) == ("Pump in hall 3", "Valve")


@pytest.mark.parametrize(
    "search", ["pump", "PUMP", "pump-a", "Cooling", "cooling w", "beef", "BE:EF", "0x00beef"], ids=repr
)
async def test_search_finds_by_id_name_and_serial_number(platform: Platform, plant: Issued, search: str) -> None:
    await connect(platform, plant.device("pump-a", serial=0xBEEF), plant.device("valve", serial=0xBEE))
    await named(platform, "pump-a", "Cooling water")
    await named(platform, "valve", "Air")
    assert await listed(platform, search=search) == ["pump-a"]


async def test_search_finds_by_either_fingerprint_and_its_beginning(platform: Platform, plant: Issued) -> None:
    pump = plant.device("pump")
    await connect(platform, pump, plant.device("valve"))
    leaf = Certificate.parse(pump.der)
    for search in (leaf.fingerprint, leaf.sha256.hex(), leaf.sha256.hex().upper(), leaf.fingerprint[:8]):
        assert await listed(platform, search=search) == ["pump"]
    assert await listed(platform, search=leaf.fingerprint[:7]) == []


async def test_search_gives_ids_before_names_and_nobody_twice_on_pages_of_any_size(platform: Platform) -> None:
    await registered(platform, "ab-2", "ab-1", "x", "y")
    await named(platform, "ab-1", "ab-1")
    await named(platform, "y", "ab first")
    await named(platform, "x", "ab second")
    for limit in range(1, 6):
        assert await listed(platform, search="ab", limit=limit) == ["ab-1", "ab-2", "y", "x"]


@pytest.mark.parametrize("search", ["%", "_", "pump_", "\\", "\0", "p\nq", "a" * 201], ids=repr)
async def test_search_means_what_it_says(platform: Platform, search: str) -> None:
    await registered(platform, "pump-7")
    assert await listed(platform, search=search) == []


async def test_connected_devices_are_told_from_others(platform: Platform) -> None:
    names = [f"pump-{number}" for number in range(6)]
    await registered(platform, *names)
    for name in names[::2]:
        platform.presence.arrived(T1, DeviceId(name))
    for limit in (1, 2, 10):
        assert await listed(platform, limit=limit, is_connected=True) == names[::2]
        assert await listed(platform, limit=limit, is_connected=False) == names[1::2]


async def test_disabled_devices_are_found(platform: Platform) -> None:
    await registered(platform, "pump", "valve")
    async with platform.database.transaction() as tx:
        await users.set_enabled(tx, platform, T1, "device_valve", is_enabled=False)
    assert await listed(platform, stored=DeviceFilter(is_enabled=False)) == ["valve"]
    assert await listed(platform, stored=DeviceFilter(is_enabled=True)) == ["pump"]


async def test_only_the_current_certificate_expires(platform: Platform, plant: Issued, clock: MovableClock) -> None:
    soon = (START - timedelta(days=300), START + timedelta(days=20))
    await connect(platform, plant.device("pump", valid=soon), plant.device("valve", valid=soon))
    await connect(platform, plant.device("valve"))
    assert await listed(platform, stored=DeviceFilter(expires_by=START + timedelta(days=20))) == ["pump"]
    assert await listed(platform, stored=DeviceFilter(expires_by=START + timedelta(days=19))) == []


async def test_devices_of_a_trusted_certificate_are_found(platform: Platform, plant: Issued) -> None:
    hall = root_authority("Hall CA")
    trusted = await trust(platform, hall)
    await connect(platform, plant.device("pump"), hall.device("valve"))
    assert await listed(platform, stored=DeviceFilter(trusted=trusted.fingerprint)) == ["valve"]


async def test_device_of_another_tenant_is_not_found(platform: Platform) -> None:
    async with platform.database.reading() as tx:
        with pytest.raises(DeviceNotFoundError, match="There is no device with id = pump"):
            await devices.get(tx, platform, T1, "pump")


async def test_deleted_device_takes_its_user_its_object_and_its_certificates_along(
    platform: Platform, plant: Issued
) -> None:
    (admission,) = await connect(platform, plant.device("pump"))
    await named(platform, "pump", "Pump")
    async with platform.database.transaction() as tx:
        await devices.delete(tx, platform, T1, "pump", ADMIN)
    async with platform.database.reading() as tx:
        assert await devices.certificates_of(tx, T1, DeviceId("pump")) == []
        assert await device_chains.find(tx, T1, admission.path[0].sha256) is None
        assert await external_ids.get(tx, T1, SERIAL, "pump") is None
    assert await listed(platform) == []


async def test_deleted_device_that_registers_itself_again_is_shown_with_its_certificate(
    platform: Platform, plant: Issued
) -> None:
    pump = plant.device("pump")
    await connect(platform, pump)
    async with platform.database.transaction() as tx:
        await devices.delete(tx, platform, T1, "pump", ADMIN)
    await connect(platform, pump)
    async with platform.database.reading() as tx:
        assert (await devices.get(tx, platform, T1, "pump")).certificate is not None


async def test_last_five_certificates_are_provisioned_by_the_time_of_their_issue(
    platform: Platform, plant: Issued
) -> None:
    for serial in range(1, 8):
        await connect(
            platform,
            plant.device("pump", serial=serial, valid=(START - timedelta(days=serial), START + timedelta(days=90))),
        )
    async with platform.database.reading() as tx:
        provisioned = await devices.provisioned_certificates(tx, T1, DeviceId("pump"))
    assert [one.serial for one in provisioned] == ["1", "2", "3", "4", "5"]
