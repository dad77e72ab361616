"""Statements on measurements, on both engines."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certinel.domain.identifiers import TenantId
from certinel.domain.managed_object import ManagedObjectId
from certinel.domain.measurement import Measurement
from certinel.storage import managed_objects, measurements
from certinel.storage.engine import Database
from certinel.storage.errors import RowConflictError
from certinel.storage.managed_objects import NewManagedObject
from certinel.storage.measurements import MeasurementFilter
from certinel.storage.page import PageRequest

AT = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)
ALL = PageRequest(page_size=2000)
T1, T2 = TenantId("t1"), TenantId("t2")


@pytest.fixture
async def sources(database: Database, two_tenants: tuple[TenantId, TenantId]) -> list[ManagedObjectId]:
    """Two objects of tenant t1, of the owners ``device_a`` and ``device_b``."""
    new = [
        NewManagedObject(tenant=T1, name=None, type=None, owner=owner, created_at=AT, fragments={})
        for owner in ("device_a", "device_b")
    ]
    async with database.transaction() as tx:
        return await managed_objects.create(tx, new)


async def types_of(database: Database, page: PageRequest = ALL, **wanted: Any) -> list[str]:
    async with database.reading() as tx:
        return [one.type for one in (await measurements.list_of(tx, T1, MeasurementFilter(**wanted), page)).items]


async def test_what_was_added_can_be_read(database: Database, sources: list[ManagedObjectId]) -> None:
    fragments = {"c8y_Temperature": {"T": {"value": 21.5, "unit": "°C"}, "n": {"value": 2**63 - 1}}}
    time = datetime(2020, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)
    async with database.transaction() as tx:
        measurements.add(tx, T1, sources[0], "kind", time, AT, fragments)
    async with database.reading() as tx:
        [found] = (await measurements.list_of(tx, T1, MeasurementFilter(), ALL)).items
        assert found == Measurement(
            id=found.id, tenant=T1, source=sources[0], type="kind", time=time, created_at=AT, fragments=fragments
        )
        assert await measurements.get(tx, T1, found.id) == found
        assert await measurements.get(tx, T2, found.id) is None
        assert await measurements.get(tx, T1, found.id + 1) is None


@pytest.mark.parametrize("number", [1, 100])
async def test_a_measurement_needs_a_source_of_its_tenant(
    database: Database, sources: list[ManagedObjectId], number: int
) -> None:
    for tenant, source in ((T1, ManagedObjectId(10**6)), (T2, sources[0])):
        with pytest.raises(RowConflictError):  # noqa: PT012 - the error comes at the end of the block
            async with database.transaction() as tx:
                for _ in range(number):
                    measurements.add(tx, tenant, source, "kind", AT, AT, {})


async def test_filters_find_what_they_name(database: Database, sources: list[ManagedObjectId]) -> None:
    a, b = sources
    async with database.transaction() as tx:
        for minute, (source, type_, fragments) in enumerate(
            [
                (a, "first", {"temperature": {"T": {"value": 1}}}),
                (b, "second", {"pressure": {"P": {"value": 1}, "T": {"value": 2}}}),
                (a, "third", {"temperature": {"inner": {"value": 3}}, "text": "T"}),
                (b, "fourth", {'odd "$.': {'series "$.': {"value": 1}}}),
            ]
        ):
            measurements.add(tx, T1, source, type_, AT + timedelta(minutes=minute), AT, fragments)
    assert await types_of(database) == ["first", "second", "third", "fourth"]
    assert await types_of(database, revert=True) == ["fourth", "third", "second", "first"]
    assert await types_of(database, source=a) == ["first", "third"]
    assert await types_of(database, source=a, revert=True) == ["third", "first"]
    assert await types_of(database, owner="device_b") == ["second", "fourth"]
    assert await types_of(database, owner="nobody") == []
    assert await types_of(database, type="third") == ["third"]
    assert await types_of(database, date_from=AT + timedelta(minutes=2)) == ["third", "fourth"]
    assert await types_of(database, date_to=AT + timedelta(minutes=1)) == ["first", "second"]
    assert await types_of(database, value_fragment_type="temperature") == ["first", "third"]
    assert await types_of(database, value_fragment_type="value") == []
    assert await types_of(database, value_fragment_series="T") == ["first", "second"]
    assert await types_of(database, value_fragment_type="pressure", value_fragment_series="T") == ["second"]
    assert await types_of(database, value_fragment_type="temperature", value_fragment_series="value") == []
    odd = {"value_fragment_type": 'odd "$.', "value_fragment_series": 'series "$.'}
    assert await types_of(database, **odd) == ["fourth"]


async def test_pages_follow_the_time_and_not_the_arrival(database: Database, sources: list[ManagedObjectId]) -> None:
    async with database.transaction() as tx:
        for hour in (3, 1, 2, 5, 4):
            measurements.add(tx, T1, sources[0], f"{hour}", AT + timedelta(hours=hour), AT, {})
    assert await types_of(database, PageRequest(1, 2)) == ["1", "2"]
    assert await types_of(database, PageRequest(3, 2)) == ["5"]
    assert await types_of(database, PageRequest(1, 2), revert=True) == ["5", "4"]


async def test_measurements_of_the_same_moment_stay_in_the_order_of_arrival(
    database: Database, sources: list[ManagedObjectId]
) -> None:
    async with database.transaction() as tx:
        for index in range(50):
            measurements.add(tx, T1, sources[0], f"{index}", AT, AT, {})
    assert await types_of(database) == [f"{index}" for index in range(50)]
