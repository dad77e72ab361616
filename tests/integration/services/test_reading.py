"""Who may read which managed objects, external ids and measurements, on both engines."""

from datetime import UTC, datetime

import pytest

from certinel.domain.identifiers import TenantId
from certinel.domain.managed_object import SERIAL, ExternalId, ManagedObjectId
from certinel.domain.role import ADMINS, DEVICES, READERS, Principal, UserKind, roles_of
from certinel.services import identity, inventory
from certinel.services import measurements as measurement_service
from certinel.services.identity import ExternalIdNotFoundError
from certinel.services.inventory import ManagedObjectNotFoundError
from certinel.services.measurements import MeasurementNotFoundError
from certinel.storage import external_ids, managed_objects, measurements
from certinel.storage.engine import Database
from certinel.storage.managed_objects import ManagedObjectFilter, NewManagedObject
from certinel.storage.measurements import MeasurementFilter
from certinel.storage.page import PageRequest
from certinel.storage.tables import tenant

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
T1, T2 = TenantId("t1"), TenantId("t2")
PAGE = PageRequest(page_size=100, with_total_elements=True)


def caller(name: str, group: str, tenant: TenantId = T1) -> Principal:
    kind = UserKind.DEVICE if group == DEVICES else UserKind.PERSON
    return Principal(tenant, name, kind, roles_of(frozenset({group})))


ADMIN, READER = caller("admin", ADMINS), caller("reader", READERS)
A, B = caller("device_a", DEVICES), caller("device_b", DEVICES)
STRANGER = caller("admin", ADMINS, T2)
ALLOWED = pytest.mark.parametrize("who", [ADMIN, READER, A], ids=["administrator", "reader", "owner"])
NOT_ALLOWED = pytest.mark.parametrize("who", [B, STRANGER], ids=["another device", "administrator of another tenant"])


@pytest.fixture
async def objects(database: Database) -> list[ManagedObjectId]:
    """An object of device a and one of device b, each with an external id and a measurement."""
    names = ("a", "b")
    async with database.transaction() as tx:
        for one in (T1, T2):
            tx.add(tenant, {"id": one, "domain": None, "status": "ACTIVE", "created_at": AT})
    new = [
        NewManagedObject(tenant=T1, name=name, type=None, owner=f"device_{name}", created_at=AT, fragments={})
        for name in names
    ]
    async with database.transaction() as tx:
        numbers = await managed_objects.create(tx, new)
        for name, number in zip(names, numbers, strict=True):
            external_ids.add(tx, T1, ExternalId(SERIAL, name, number))
            measurements.add(tx, T1, number, name, AT, AT, {})
    return numbers


@ALLOWED
async def test_those_who_may_see_an_object_find_it_by_number_and_by_name(
    database: Database, objects: list[ManagedObjectId], who: Principal
) -> None:
    async with database.reading() as tx:
        assert (await inventory.get(tx, who, objects[0])).name == "a"
        assert (await identity.get(tx, who, SERIAL, "a")).managed_object == objects[0]
        assert await identity.list_of(tx, who, objects[0]) == [ExternalId(SERIAL, "a", objects[0])]
        [measured] = (await measurement_service.list_of(tx, who, MeasurementFilter(source=objects[0]), PAGE)).items
        assert await measurement_service.get(tx, who, measured.id) == measured


@NOT_ALLOWED
async def test_for_others_the_object_does_not_exist(
    database: Database, objects: list[ManagedObjectId], who: Principal
) -> None:
    async with database.reading() as tx:
        [measured] = (await measurements.list_of(tx, T1, MeasurementFilter(source=objects[0]), PAGE)).items
        with pytest.raises(ManagedObjectNotFoundError):
            await inventory.get(tx, who, objects[0])
        with pytest.raises(ExternalIdNotFoundError, match=r"External id not found; external id = ID \["):
            await identity.get(tx, who, SERIAL, "a")
        with pytest.raises(ManagedObjectNotFoundError):
            await identity.list_of(tx, who, objects[0])
        with pytest.raises(MeasurementNotFoundError):
            await measurement_service.get(tx, who, measured.id)
        page = await measurement_service.list_of(tx, who, MeasurementFilter(source=objects[0]), PAGE)
        assert (page.items, page.total_elements) == ((), 0)


@pytest.mark.parametrize(
    ("who", "names"), [(ADMIN, ["a", "b"]), (READER, ["a", "b"]), (A, ["a"]), (B, ["b"]), (STRANGER, [])]
)
async def test_lists_hold_what_the_caller_may_see(
    database: Database, objects: list[ManagedObjectId], who: Principal, names: list[str]
) -> None:
    async with database.reading() as tx:
        found = await inventory.list_of(tx, who, ManagedObjectFilter(), PAGE)
        assert ([one.name for one in found.items], found.total_elements) == (names, len(names))
        measured = await measurement_service.list_of(tx, who, MeasurementFilter(), PAGE)
        assert [one.type for one in measured.items] == names


async def test_a_device_that_asks_for_objects_of_others_gets_none(
    database: Database, objects: list[ManagedObjectId]
) -> None:
    async with database.reading() as tx:
        page = await inventory.list_of(tx, A, ManagedObjectFilter(owner="device_b"), PAGE)
        assert (page.items, page.total_elements) == ((), 0)
        page = await inventory.list_of(tx, A, ManagedObjectFilter(owner="device_a"), PAGE)
        assert page.total_elements == 1


async def test_what_is_not_there_is_not_found(database: Database, objects: list[ManagedObjectId]) -> None:
    nothing = ManagedObjectId(2**63 - 1)
    async with database.reading() as tx:
        with pytest.raises(ManagedObjectNotFoundError):
            await inventory.get(tx, ADMIN, nothing)
        with pytest.raises(ManagedObjectNotFoundError):
            await identity.list_of(tx, ADMIN, nothing)
        with pytest.raises(ExternalIdNotFoundError):
            await identity.get(tx, ADMIN, SERIAL, "nothing")
        with pytest.raises(MeasurementNotFoundError):
            await measurement_service.get(tx, ADMIN, nothing)
