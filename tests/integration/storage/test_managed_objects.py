"""Statements on managed objects, on both engines."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certinel.domain.identifiers import TenantId
from certinel.domain.managed_object import ExternalId, ManagedObject, ManagedObjectId
from certinel.storage import external_ids, managed_objects, measurements
from certinel.storage.engine import Database
from certinel.storage.managed_objects import ManagedObjectFilter, NewManagedObject
from certinel.storage.measurements import MeasurementFilter
from certinel.storage.page import PageRequest

AT = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)
ALL = PageRequest(page_size=2000)


@pytest.fixture(autouse=True)
def tenant(two_tenants: tuple[TenantId, TenantId]) -> TenantId:
    return two_tenants[0]


def new(name: str, **values: Any) -> NewManagedObject:
    defaults = {"tenant": TenantId("t1"), "type": None, "owner": "admin", "created_at": AT, "fragments": {}}
    return NewManagedObject(name=name, **(defaults | values))


async def names_of(database: Database, **wanted: Any) -> list[str | None]:
    async with database.reading() as tx:
        page = await managed_objects.list_of(tx, TenantId("t1"), ManagedObjectFilter(**wanted), ALL)
    return [one.name for one in page.items]


async def test_what_is_created_can_be_read(database: Database, tenant: TenantId) -> None:
    fragments = {"c8y_IsDevice": {}, "nested": {"list": [1, 2.5, "ü\U0001f600", None, True]}, "": ""}
    async with database.transaction() as tx:
        [number] = await managed_objects.create(tx, [new("pump", type="kind", owner="device_x", fragments=fragments)])
    async with database.reading() as tx:
        assert await managed_objects.get(tx, tenant, number) == ManagedObject(
            id=number,
            tenant=tenant,
            name="pump",
            type="kind",
            owner="device_x",
            created_at=AT,
            updated_at=AT,
            fragments=fragments,
        )


async def test_ids_come_in_the_order_of_the_objects(database: Database, tenant: TenantId) -> None:
    async with database.transaction() as tx:
        numbers = await managed_objects.create(tx, [new(f"object{index}") for index in range(300)])
        found = await managed_objects.get_many(tx, tenant, numbers)
    assert [found[number].name for number in numbers] == [f"object{index}" for index in range(300)]


async def test_an_id_is_never_given_out_twice(database: Database, tenant: TenantId) -> None:
    async with database.transaction() as tx:
        [first] = await managed_objects.create(tx, [new("first")])
        assert await managed_objects.remove(tx, tenant, first)
    async with database.transaction() as tx:
        [second] = await managed_objects.create(tx, [new("second")])
    assert second > first


async def test_another_tenants_object_does_not_exist(
    database: Database, two_tenants: tuple[TenantId, TenantId]
) -> None:
    _, other = two_tenants
    async with database.transaction() as tx:
        [number] = await managed_objects.create(tx, [new("pump")])
        pump = await managed_objects.get(tx, TenantId("t1"), number)
        assert pump is not None
        assert await managed_objects.get(tx, other, number) is None
        assert await managed_objects.get_many(tx, other, [number]) == {}
        assert not await managed_objects.remove(tx, other, number)
        assert not await managed_objects.save(tx, replace(pump, tenant=other))
        assert (await managed_objects.list_of(tx, other, ManagedObjectFilter(), ALL)).items == ()


async def test_saving_changes_everything_but_the_creation(database: Database, tenant: TenantId) -> None:
    async with database.transaction() as tx:
        [number] = await managed_objects.create(tx, [new("pump", fragments={"old": 1})])
        before = await managed_objects.get(tx, tenant, number)
        assert before is not None
        later = AT + timedelta(hours=1)
        after = replace(before, name="valve", type="t", owner="o", updated_at=later, fragments={"fresh": [1]})
        assert await managed_objects.save(tx, after)
        assert await managed_objects.get(tx, tenant, number) == after


async def test_deleting_takes_external_ids_and_measurements_along(database: Database, tenant: TenantId) -> None:
    async with database.transaction() as tx:
        [number] = await managed_objects.create(tx, [new("pump")])
        assert await external_ids.bind(tx, tenant, ExternalId("c8y_Serial", "pump", number))
        measurements.add(tx, tenant, number, "type", AT, AT, {})
    async with database.transaction() as tx:
        assert await managed_objects.remove(tx, tenant, number)
        assert await external_ids.get(tx, tenant, "c8y_Serial", "pump") is None
        assert (await measurements.list_of(tx, tenant, MeasurementFilter(), ALL)).items == ()
        assert not await managed_objects.remove(tx, tenant, number)


async def test_filters_find_what_they_name(database: Database) -> None:
    deep = {"c8y_Hardware": {"serialNumber": "abc", "parts": [{"maker": "ACME"}]}, "odd \"$.'": 1}
    async with database.transaction() as tx:
        numbers = await managed_objects.create(
            tx,
            [
                new("plain"),
                new("typed", type="c8y_MQTTDevice"),
                new("owned", owner="device_x"),
                new("deep", fragments=deep),
                new("null", fragments={"c8y_Hardware": None, "number": 7}),
            ],
        )
    assert await names_of(database) == ["plain", "typed", "owned", "deep", "null"]
    assert await names_of(database, type="c8y_MQTTDevice") == ["typed"]
    assert await names_of(database, owner="device_x") == ["owned"]
    assert await names_of(database, fragment_type="c8y_Hardware") == ["deep", "null"]
    assert await names_of(database, fragment_type="serialNumber") == []
    assert await names_of(database, fragment_type="odd \"$.'") == ["deep"]
    assert await names_of(database, text="ACME") == ["deep"]
    assert await names_of(database, text="abc") == ["deep"]
    assert await names_of(database, text="plain") == ["plain"]
    assert await names_of(database, text="pla") == []
    assert await names_of(database, text="7") == []
    assert await names_of(database, ids=[numbers[4], numbers[0], ManagedObjectId(0)]) == ["plain", "null"]
    assert await names_of(database, ids=[]) == []
    assert await names_of(database, owner="admin", fragment_type="c8y_Hardware", text="abc") == ["deep"]


async def test_totals_are_counted_only_when_asked_for(database: Database, tenant: TenantId) -> None:
    async with database.transaction() as tx:
        await managed_objects.create(tx, [new(f"object{index}") for index in range(12)])
    async with database.reading() as tx:
        everything = ManagedObjectFilter()
        third = await managed_objects.list_of(tx, tenant, everything, PageRequest(3, 5, with_total_pages=True))
        assert [one.name for one in third.items] == ["object10", "object11"]
        assert (third.total_elements, third.total_pages, third.may_have_next) == (12, 3, False)
        second = await managed_objects.list_of(tx, tenant, everything, PageRequest(2, 5))
        assert (second.total_elements, second.total_pages, second.may_have_next) == (None, None, True)
        beyond = await managed_objects.list_of(tx, tenant, everything, PageRequest(10**30, 2000))
        assert (beyond.items, beyond.may_have_next) == ((), False)
