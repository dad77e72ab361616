"""Statements on external ids, on both engines."""

from datetime import UTC, datetime

import pytest

from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.managed_object import ExternalId, ManagedObjectId
from certinel.storage import external_ids, managed_objects
from certinel.storage.engine import Database
from certinel.storage.errors import RowConflictError
from certinel.storage.managed_objects import NewManagedObject

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
T1, T2 = TenantId("t1"), TenantId("t2")


@pytest.fixture
async def pump(database: Database, two_tenants: tuple[TenantId, TenantId]) -> ManagedObjectId:
    """An object of tenant t1 that ``device_pump`` owns."""
    new = NewManagedObject(tenant=T1, name="pump", type=None, owner="device_pump", created_at=AT, fragments={})
    async with database.transaction() as tx:
        [number] = await managed_objects.create(tx, [new])
    return number


async def test_a_bound_id_names_its_object(database: Database, pump: ManagedObjectId) -> None:
    bound = ExternalId("c8y_Serial", "pump", pump)
    async with database.transaction() as tx:
        assert await external_ids.bind(tx, T1, bound)
        assert await external_ids.get(tx, T1, "c8y_Serial", "pump") == bound
        assert await external_ids.get(tx, T1, "c8y_Serial", "PUMP") is None
        assert await external_ids.get(tx, T2, "c8y_Serial", "pump") is None


async def test_binding_an_id_twice_changes_nothing_and_says_so(database: Database, pump: ManagedObjectId) -> None:
    bound = ExternalId("c8y_Serial", "pump", pump)
    async with database.transaction() as tx:
        assert await external_ids.bind(tx, T1, bound)
        assert not await external_ids.bind(tx, T1, bound)
        assert await external_ids.list_of(tx, T1, pump) == [bound]


async def test_an_object_has_its_ids_in_order(database: Database, pump: ManagedObjectId) -> None:
    async with database.transaction() as tx:
        for type_, value in (("b", "1"), ("a", "2"), ("a", "1")):
            assert await external_ids.bind(tx, T1, ExternalId(type_, value, pump))
        assert [(one.type, one.value) for one in await external_ids.list_of(tx, T1, pump)] == [
            ("a", "1"),
            ("a", "2"),
            ("b", "1"),
        ]
        assert await external_ids.list_of(tx, T2, pump) == []


async def test_an_id_cannot_name_another_tenants_object(database: Database, pump: ManagedObjectId) -> None:
    with pytest.raises(RowConflictError):
        async with database.transaction() as tx:
            await external_ids.bind(tx, T2, ExternalId("c8y_Serial", "pump", pump))


async def test_a_removed_id_is_free_again(database: Database, pump: ManagedObjectId) -> None:
    async with database.transaction() as tx:
        assert await external_ids.bind(tx, T1, ExternalId("c8y_Serial", "pump", pump))
        assert await external_ids.remove(tx, T1, "c8y_Serial", "pump")
        assert not await external_ids.remove(tx, T1, "c8y_Serial", "pump")
        assert await external_ids.bind(tx, T1, ExternalId("c8y_Serial", "pump", pump))


@pytest.mark.parametrize("others", [0, 1, 2, 3, 700])
async def test_devices_are_found_with_their_owners(database: Database, pump: ManagedObjectId, others: int) -> None:
    async with database.transaction() as tx:
        assert await external_ids.bind(tx, T1, ExternalId("c8y_Serial", "pump", pump))
        assert await external_ids.bind(tx, T1, ExternalId("another_type", "valve", pump))
    devices = [DeviceId(name) for name in ("pump", "valve", *(f"device{index}" for index in range(others)))]
    async with database.transaction() as tx:
        found = await external_ids.objects_of_devices(tx, T1, devices)
        assert found == {"pump": (pump, "device_pump")}
        assert await external_ids.objects_of_devices(tx, T2, devices) == {}
