"""What becomes of the rows that devices publish, on both engines."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certinel.domain.identifiers import DeviceId, TenantId, device_user_name
from certinel.domain.managed_object import SERIAL, ExternalId, ManagedObject
from certinel.services.device_messages import DeviceMessage, Reply, store
from certinel.smartrest import parser
from certinel.storage import external_ids, managed_objects, measurements
from certinel.storage.engine import Database, Transaction
from certinel.storage.group_commit import GroupCommit
from certinel.storage.managed_objects import ManagedObjectFilter, NewManagedObject
from certinel.storage.measurements import MeasurementFilter
from certinel.storage.page import PageRequest
from certinel.storage.tables import tenant

AT = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)
T1, T2 = TenantId("t1"), TenantId("t2")
ALL = PageRequest(page_size=2000)


@pytest.fixture(autouse=True)
async def tenants(database: Database) -> None:
    async with database.transaction() as tx:
        for name in (T1, T2):
            tx.add(tenant, {"id": name, "domain": None, "status": "ACTIVE", "created_at": AT})


def message(text: str, device: str = "pump", **values: Any) -> DeviceMessage:
    name = DeviceId(device)
    defaults = {"tenant": T1, "user_name": device_user_name(name), "received_at": AT}
    return DeviceMessage(device=name, requests=parser.parse(text.encode()), **(defaults | values))


async def publish(database: Database, *messages: DeviceMessage) -> list[list[str]]:
    async with database.transaction() as tx:
        replies: list[list[Reply]] = await store(tx, messages)
    return [[reply.row() for reply in of_one] for of_one in replies]


async def device_object(database: Database, device: str = "pump", tenant: TenantId = T1) -> ManagedObject | None:
    async with database.reading() as tx:
        found = await external_ids.get(tx, tenant, SERIAL, device)
        return None if found is None else await managed_objects.get(tx, tenant, found.managed_object)


async def measured(database: Database, tenant: TenantId = T1) -> list[tuple[datetime, dict[str, Any]]]:
    async with database.reading() as tx:
        page = await measurements.list_of(tx, tenant, MeasurementFilter(), ALL)
    return [(one.time, dict(one.fragments)) for one in page.items]


async def count_objects(database: Database) -> int | None:
    async with database.reading() as tx:
        page = await managed_objects.list_of(tx, T1, ManagedObjectFilter(), PageRequest(with_total_elements=True))
    return page.total_elements


async def test_100_creates_the_object_of_the_device(database: Database) -> None:
    assert await publish(database, message("100,Pump 7,c8y_Pump")) == [[]]
    found = await device_object(database)
    assert found is not None
    assert (found.name, found.type, found.owner) == ("Pump 7", "c8y_Pump", "device_pump")
    assert found.fragments == {"c8y_IsDevice": {}, "com_cumulocity_model_Agent": {}}
    assert (found.created_at, found.updated_at) == (AT, AT)


async def test_100_without_arguments_takes_the_default_name_and_type(database: Database) -> None:
    assert await publish(database, message("100")) == [[]]
    found = await device_object(database)
    assert found is not None
    assert (found.name, found.type) == ("MQTT Device pump", "c8y_MQTTDevice")


async def test_100_for_an_existing_device_changes_nothing_and_says_so(database: Database) -> None:
    await publish(database, message("100,first,one"))
    assert await publish(database, message("100,second,two")) == [["41,100,Device already existing"]]
    found = await device_object(database)
    assert found is not None
    assert (found.name, found.type) == ("first", "one")


async def test_100_twice_in_one_transaction_creates_one_object(database: Database) -> None:
    replies = await publish(database, message("100,first\n100,second"), message("100,third"))
    assert replies == [["41,100,Device already existing"]] * 2
    assert await count_objects(database) == 1


async def test_211_stores_a_temperature(database: Database) -> None:
    assert await publish(database, message("100\n211,21.5,2020-02-29T12:00:00.5+02:00")) == [[]]
    assert await measured(database) == [
        (
            datetime(2020, 2, 29, 10, 0, 0, 500000, tzinfo=UTC),
            {"c8y_TemperatureMeasurement": {"T": {"value": 21.5, "unit": "C"}}},
        )
    ]


async def test_a_measurement_without_time_has_the_time_of_its_arrival(database: Database) -> None:
    later = AT + timedelta(seconds=1)
    await publish(database, message("200,c8y_Speed,v,25", received_at=later))
    assert await measured(database) == [(later, {"c8y_Speed": {"v": {"value": 25}}})]


async def test_201_stores_all_its_series(database: Database) -> None:
    await publish(database, message("201,kind,,a,x,1,m,a,y,2,,b,x,-3.5e2,s,a,x,4,m"))
    assert [fragments for _, fragments in await measured(database)] == [
        {"a": {"x": {"value": 4, "unit": "m"}, "y": {"value": 2}}, "b": {"x": {"value": -350.0, "unit": "s"}}}
    ]


async def test_the_first_measurement_creates_the_device_with_defaults(database: Database) -> None:
    assert await publish(database, message("211,25\n100,late name")) == [["41,100,Device already existing"]]
    found = await device_object(database)
    assert found is not None
    assert found.name == "MQTT Device pump"
    assert len(await measured(database)) == 1


async def test_rows_that_cannot_be_read_are_answered_and_the_others_stored(database: Database) -> None:
    [replies] = await publish(database, message("999,x\n211,warm\n211,25"))
    assert replies == ["40,999,No static template for this message id", "45,211,Value is not a NUMBER: warm"]
    assert len(await measured(database)) == 1


async def test_rows_that_cannot_be_read_create_no_device(database: Database) -> None:
    await publish(database, message("999\n211,warm"))
    assert await device_object(database) is None


async def test_a_device_whose_object_was_deleted_gets_a_new_one(database: Database) -> None:
    await publish(database, message("100"))
    first = await device_object(database)
    assert first is not None
    async with database.transaction() as tx:
        await managed_objects.remove(tx, T1, first.id)
    assert await publish(database, message("211,25")) == [[]]
    second = await device_object(database)
    assert second is not None
    assert second.id != first.id
    assert len(await measured(database)) == 1


@pytest.mark.parametrize("row", ["100,name", "211,25"])
async def test_an_object_of_another_owner_takes_nothing_from_the_device(database: Database, row: str) -> None:
    new = NewManagedObject(tenant=T1, name="taken", type=None, owner="somebody", created_at=AT, fragments={})
    async with database.transaction() as tx:
        [number] = await managed_objects.create(tx, [new])
        await external_ids.bind(tx, T1, ExternalId(SERIAL, "pump", number))
    [[reply]] = await publish(database, message(row))
    assert reply.startswith("50,100,")
    assert "Error on device creation, message: " in reply
    assert "somebody" not in reply
    assert await measured(database) == []
    assert await count_objects(database) == 1


async def test_devices_of_two_tenants_with_one_name_are_two_devices(database: Database) -> None:
    await publish(database, message("211,1"), message("211,2", tenant=T2))
    assert len(await measured(database)) == len(await measured(database, T2)) == 1
    assert await device_object(database) != await device_object(database, tenant=T2)


async def test_u0000_which_postgresql_keeps_in_no_text_is_refused_on_both_engines(database: Database) -> None:
    rows = ["100,a\0b", "200,f\0,s,1", "200,f,s\0,1", "200,f,s,1,u\0", "201,t\0,,f,s,1", "211,25"]
    [replies] = await publish(database, message("\n".join(rows)))
    assert replies == [f"42,{number},Malformed Request" for number in ("100", "200", "200", "200", "201")]
    assert len(await measured(database)) == 1


@pytest.mark.parametrize("number", ["1e308", "-1e308", "5e-324", "9223372036854775807", "-9223372036854775807", "0.1"])
async def test_every_number_is_kept(database: Database, number: str) -> None:
    await publish(database, message(f"200,f,s,{number}"))
    [(_, fragments)] = await measured(database)
    assert fragments["f"]["s"]["value"] == (float(number) if set(number) & set("e.") else int(number))


async def test_many_devices_at_once_keep_the_order_of_their_own_rows(database: Database) -> None:
    await publish(database, *(message(f"200,f,s,{index}", device=f"device{index % 7}") for index in range(140)))
    async with database.reading() as tx:
        for device in range(7):
            found = await external_ids.get(tx, T1, SERIAL, f"device{device}")
            assert found is not None
            page = await measurements.list_of(tx, T1, MeasurementFilter(source=found.managed_object), ALL)
            values = [one.fragments["f"]["s"]["value"] for one in page.items]
            assert values == list(range(device, 140, 7))


async def test_two_nodes_that_create_the_same_devices_at_once_lose_nothing(database: Database) -> None:
    together = asyncio.Barrier(2)
    is_first_try = [True, True]

    def node(number: int) -> GroupCommit[DeviceMessage, list[Reply]]:
        async def apply(tx: Transaction, batch: Sequence[DeviceMessage]) -> list[list[Reply]]:
            replies = await store(tx, batch)
            if is_first_try[number] and database.engine_name == "postgresql":
                is_first_try[number] = False
                # Both have looked, and neither has found the devices.
                await together.wait()
            return replies

        return GroupCommit(database, apply)

    nodes = [node(0), node(1)]
    runners = [asyncio.create_task(one.run()) for one in nodes]
    replies = await asyncio.gather(
        *(one.submit(message(f"211,{number}", device=f"device{number}")) for one in nodes for number in range(40))
    )
    for one in nodes:
        await one.close()
    await asyncio.gather(*runners)
    assert replies == [[]] * 80
    assert len(await measured(database)) == 80
    assert await count_objects(database) == 40
