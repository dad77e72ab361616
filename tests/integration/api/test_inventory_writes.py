"""Making, changing and removing managed objects, their relations, external ids and measurements, on both engines."""

from typing import Any

import httpx
import pytest

from certinel.domain.trust_store import DeviceUserState
from integration.api.conftest import BASE_URL, DEVICE_IN_CHAIN, ON_ONE_ENGINE, TENANT, Device, Site

OBJECTS = "/inventory/managedObjects"
MEASUREMENTS = "/measurement/measurements"


async def made(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    response = await client.post(OBJECTS, json=body, headers={"accept": "application/json"})
    assert response.status_code == 201, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def listed(client: httpx.AsyncClient, path: str) -> list[str]:
    response = await client.get(path)
    assert response.status_code == 200, response.text
    return [one["managedObject"]["id"] for one in response.json()["references"]]


async def family(site: Site) -> tuple[str, str, str]:
    """A group with a device in it that has a child device."""
    group, device, child = [(await made(site.admin, name=name))["id"] for name in ("group", "device", "child")]
    for path, number in ((f"{group}/childAssets", device), (f"{device}/childDevices", child)):
        answer = await site.admin.post(f"{OBJECTS}/{path}", json={"managedObject": {"id": number}})
        assert answer.status_code == 201
    return group, device, child


async def test_object_is_made_with_its_fragments_and_belongs_to_the_caller(site: Site) -> None:
    response = await site.admin.post(OBJECTS, json={"name": "Hall", "type": "room", "area": {"value": 7, "unit": None}})
    made = response.json()
    assert response.headers["location"] == made["self"] == f"{BASE_URL}{OBJECTS}/{made['id']}"
    assert (made["name"], made["type"], made["owner"]) == ("Hall", "room", "admin")
    assert made["area"] == {"value": 7, "unit": None}
    assert (await site.admin.get(made["self"])).json() == made


async def test_without_accept_the_answer_to_a_write_has_no_body(site: Site) -> None:
    request = site.admin.build_request("POST", OBJECTS, json={"name": "x"})
    del request.headers["accept"]
    response = await site.admin.send(request)
    assert (response.status_code, response.content) == (201, b"")


async def test_device_makes_objects_of_its_own_only(site: Site, device: Device) -> None:
    own = await made(device.client, name="sensor", owner="admin")
    assert own["owner"] == device.user_name
    other = (await made(site.admin, name="hall"))["id"]
    for method, path in (("PUT", other), ("DELETE", other), ("POST", f"{other}/childDevices")):
        response = await device.client.request(method, f"{OBJECTS}/{path}", json={"managedObject": {"id": own["id"]}})
        assert response.status_code == 404, (method, path)
    assert (await device.client.delete(f"{OBJECTS}/{own['id']}")).status_code == 204


async def test_administrator_may_name_another_owner_who_exists(site: Site, device: Device) -> None:
    assert (await made(site.admin, name="x", owner=device.user_name))["owner"] == device.user_name
    response = await site.admin.post(OBJECTS, json={"owner": "nobody"})
    assert (response.status_code, "nobody" in response.json()["message"]) == (422, True)


async def test_update_changes_what_it_names_and_null_removes(site: Site) -> None:
    before = await made(site.admin, name="a", type="t", kept={"x": 1}, gone={"y": 2})
    response = await site.admin.put(
        f"{OBJECTS}/{before['id']}", json={"name": "b", "type": None, "gone": None, "new": []}
    )
    after = (await site.admin.get(before["self"])).json()
    assert response.json() == after
    assert (after["name"], after["kept"], after["new"]) == ("b", {"x": 1}, [])
    assert not {"gone", "type"} & set(after)


async def test_object_that_is_sent_back_as_it_was_read_is_not_changed(site: Site) -> None:
    before = await made(site.admin, name="a", kept={"x": 1})
    assert (await site.admin.put(before["self"], json=before)).json() == before


@pytest.mark.parametrize(
    "body", [{"name": 7}, {"type": ["x"]}, {"name": "x" * 1025}, {str(n): 1 for n in range(1001)}, []]
)
async def test_object_that_cannot_be_is_refused(site: Site, body: Any) -> None:
    assert (await site.admin.post(OBJECTS, json=body)).status_code == 422


async def test_object_goes_with_external_ids_and_measurements(site: Site, device: Device) -> None:
    assert (await site.admin.delete(f"{OBJECTS}/{device.number}?cascade=False")).status_code == 204
    assert (await site.admin.get("/identity/externalIds/c8y_Serial/pump-7")).status_code == 404
    assert (await site.admin.get(MEASUREMENTS)).json()["measurements"] == []
    assert (await site.admin.delete(f"{OBJECTS}/{device.number}")).status_code == 404


async def test_device_user_goes_with_its_object_when_asked_for(site: Site, device: Device) -> None:
    assert (await site.admin.delete(f"{OBJECTS}/{device.number}?withDeviceUser=True")).status_code == 204
    assert (await site.admin.get(f"/user/{TENANT}/users/{device.user_name}")).status_code == 404
    assert site.platform.trust.device_user(TENANT, DEVICE_IN_CHAIN) is DeviceUserState.UNKNOWN
    assert (await device.client.get("/user/currentUser")).status_code == 401


async def test_device_cannot_remove_its_own_user(site: Site, device: Device) -> None:
    assert (await device.client.delete(f"{OBJECTS}/{device.number}?withDeviceUser=true")).status_code == 403
    assert (await device.client.get(f"{OBJECTS}/{device.number}")).status_code == 200


async def test_relations_are_listed_and_shown_with_the_object(site: Site) -> None:
    group, device, child = await family(site)
    assert await listed(site.admin, f"{OBJECTS}/{group}/childAssets") == [device]
    shown = (await site.admin.get(f"{OBJECTS}/{device}?withParents=true")).json()
    named = {"id": child, "name": "child", "self": f"{BASE_URL}{OBJECTS}/{child}"}
    self = f"{BASE_URL}{OBJECTS}/{device}/childDevices"
    assert shown["childDevices"] == {"self": self, "references": [{"managedObject": named, "self": f"{self}/{child}"}]}
    assert [one["managedObject"]["id"] for one in shown["assetParents"]["references"]] == [group]
    listing = (await site.admin.get(f"{OBJECTS}?ids={group},{device}&withChildren=true")).json()["managedObjects"]
    assert [len(one["childAssets"]["references"]) for one in listing] == [1, 0]
    listing = (await site.admin.get(f"{OBJECTS}?ids={group}&withChildren=false")).json()["managedObjects"]
    assert listing[0]["childAssets"]["references"] == []


async def test_child_is_read_and_taken_out_by_its_number(site: Site) -> None:
    group, device, child = await family(site)
    assert (await site.admin.get(f"{OBJECTS}/{group}/childAssets/{device}")).json()["managedObject"]["id"] == device
    for path in (f"{group}/childAssets/{child}", f"{group}/childDevices/{device}"):
        assert (await site.admin.get(f"{OBJECTS}/{path}")).status_code == 404
    codes = [(await site.admin.delete(f"{OBJECTS}/{group}/childAssets/{device}")).status_code for _ in range(2)]
    assert codes == [204, 404]
    assert (await site.admin.get(f"{OBJECTS}/{device}")).status_code == 200


async def test_children_are_added_and_taken_out_several_at_once(site: Site) -> None:
    group, one, two = [(await made(site.admin))["id"] for _ in range(3)]
    body = {"references": [{"managedObject": {"id": number}} for number in (one, two)]}
    answer = await site.admin.post(f"{OBJECTS}/{group}/childAssets", json=body)
    assert [reference["managedObject"]["id"] for reference in answer.json()["references"]] == [one, two]
    assert (await site.admin.request("DELETE", f"{OBJECTS}/{group}/childAssets", json=body)).status_code == 204
    assert await listed(site.admin, f"{OBJECTS}/{group}/childAssets") == []


async def test_new_object_is_made_as_a_child(site: Site, device: Device) -> None:
    response = await device.client.post(f"{OBJECTS}/{device.number}/childDevices", json={"name": "sensor"})
    number = response.json()["managedObject"]["id"]
    assert (await device.client.get(f"{OBJECTS}/{number}")).json()["owner"] == device.user_name
    assert await listed(device.client, f"{OBJECTS}/{device.number}/childDevices") == [number]


async def test_object_does_not_belong_to_itself(site: Site) -> None:
    number = (await made(site.admin))["id"]
    response = await site.admin.post(f"{OBJECTS}/{number}/childDevices", json={"managedObject": {"id": number}})
    assert response.status_code == 422


@pytest.mark.parametrize("child", ["0", "x", ""])
async def test_child_that_does_not_exist_is_not_found(site: Site, child: str) -> None:
    number = (await made(site.admin))["id"]
    response = await site.admin.post(f"{OBJECTS}/{number}/childDevices", json={"managedObject": {"id": child}})
    assert response.status_code == 404


@pytest.mark.parametrize(
    ("query", "left"), [("", {"device", "child"}), ("cascade=true", set()), ("forceCascade=True", set())]
)
async def test_what_belongs_to_an_object_goes_with_it_when_asked_for(site: Site, query: str, left: set[str]) -> None:
    group, _, child = await family(site)
    await site.admin.post(f"{OBJECTS}/{child}/childAssets", json={"managedObject": {"id": group}})  # a circle
    assert (await site.admin.delete(f"{OBJECTS}/{group}?{query}")).status_code == 204
    assert {one["name"] for one in (await site.admin.get(OBJECTS)).json()["managedObjects"]} == left


async def test_external_id_is_given_and_taken(site: Site) -> None:
    number = (await made(site.admin))["id"]
    path = f"/identity/globalIds/{number}/externalIds"
    response = await site.admin.post(path, json={"type": "imei", "externalId": "3520/99"})
    assert response.status_code == 201
    assert response.json() == (await site.admin.get(response.headers["location"])).json()
    again = await site.admin.post(path, json={"type": "imei", "externalId": "3520/99"})
    assert (again.status_code, again.json()["error"]) == (409, "identity/Duplicate Data")
    assert [(await site.admin.delete(response.headers["location"])).status_code for _ in range(2)] == [204, 404]


async def test_device_names_its_own_objects_but_not_with_the_serial_of_another_device(
    site: Site, device: Device
) -> None:
    await site.admin.post(
        "/devicecontrol/bulkNewDeviceRequests", files={"file": b"ID,AUTH_TYPE\npump-8,CERTIFICATES\n"}
    )
    await site.admin.delete("/identity/externalIds/c8y_Serial/pump-8")
    path = f"/identity/globalIds/{device.number}/externalIds"
    for name, status in (("pump-8", 409), ("pump-7:child", 201)):
        response = await device.client.post(path, json={"type": "c8y_Serial", "externalId": name})
        assert response.status_code == status, name
    other = (await made(site.admin))["id"]
    response = await device.client.post(
        f"/identity/globalIds/{other}/externalIds", json={"type": "a", "externalId": "b"}
    )
    assert response.status_code == 404


@pytest.mark.parametrize(
    "body", [{"type": "", "externalId": "x"}, {"type": "x", "externalId": "y" * 1025}, {"type": "x"}]
)
async def test_external_id_that_cannot_be_is_refused(site: Site, body: dict[str, str]) -> None:
    number = (await made(site.admin))["id"]
    assert (await site.admin.post(f"/identity/globalIds/{number}/externalIds", json=body)).status_code == 422


def measurement(source: object, value: float = 7.5) -> dict[str, Any]:
    series = {"T": {"value": value, "unit": "C"}}
    return {"source": {"id": source}, "type": "t", "time": "2026-11-23T10:00:00+01:00", "c8y_Temperature": series}


async def test_measurement_is_stored(site: Site, device: Device) -> None:
    response = await device.client.post(MEASUREMENTS, json=measurement(str(device.number)))
    assert response.status_code == 201
    stored = (await site.admin.get(response.headers["location"])).json()
    assert stored == response.json()
    assert (stored["time"], stored["c8y_Temperature"]["T"]["value"]) == ("2026-11-23T09:00:00.000Z", 7.5)


async def test_measurements_are_stored_all_or_none(site: Site, device: Device) -> None:
    good = [measurement(device.number, value) for value in (1, 2)]
    response = await site.admin.post(MEASUREMENTS, json={"measurements": good})
    assert [one["c8y_Temperature"]["T"]["value"] for one in response.json()["measurements"]] == [1, 2]
    response = await site.admin.post(MEASUREMENTS, json={"measurements": [*good, measurement("0")]})
    assert response.status_code == 404
    page = (await site.admin.get(f"{MEASUREMENTS}?type=t&withTotalElements=true")).json()
    assert page["statistics"]["totalElements"] == 2


async def test_device_measures_nothing_for_others(site: Site, device: Device) -> None:
    other = (await made(site.admin))["id"]
    assert (await device.client.post(MEASUREMENTS, json=measurement(other))).status_code == 404


@pytest.mark.parametrize("missing", ["source", "type", "time"])
async def test_measurement_without_what_it_needs_is_refused(site: Site, device: Device, missing: str) -> None:
    body = {name: value for name, value in measurement(device.number).items() if name != missing}
    for sent in (body, {"measurements": [body]}):
        response = await site.admin.post(MEASUREMENTS, json=sent)
        assert (response.status_code, missing in response.json()["message"]) == (422, True)


@ON_ONE_ENGINE
async def test_reader_writes_nothing_and_other_tenants_find_nothing(site: Site, device: Device) -> None:
    reader, stranger = await site.reader(), await site.stranger()
    body = {"managedObject": {"id": str(device.number)}}
    for method, path in (
        ("PUT", f"{OBJECTS}/{device.number}"),
        ("DELETE", f"{OBJECTS}/{device.number}"),
        ("POST", f"{OBJECTS}/{device.number}/childDevices"),
        ("DELETE", "/identity/externalIds/c8y_Serial/pump-7"),
    ):
        assert (await reader.request(method, path, json=body)).status_code == 403
        assert (await stranger.request(method, path, json=body)).status_code == 404


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("$filter=has(c8y_IsDevice)", ["Pump 1", "Pump 2"]),
        ("$filter=(has(c8y_IsDevice) and name eq 'Pump*') $orderby=name desc", ["Pump 2", "Pump 1"]),
        ("$filter=name eq 'pump*'", []),
        ("$filter=name eq '[?%_]*'", ["[?%_] odd"]),
        ("$filter=not(has(c8y_IsDevice))", ["Hall", "[?%_] odd"]),
        ("$filter=bygroupid({hall})", ["Pump 1"]),
        ("$filter=c8y_Hardware.serialNumber eq 'A7' or type eq hall", ["Hall", "Pump 2"]),
        ("$filter=has(c8y_Hardware.model)", []),
        ("$filter=type ne hall", ["Pump 1", "Pump 2", "[?%_] odd"]),
        ("$filter=creationTime lt '2026-11-23T09:00:00Z'", []),
        ("$filter=lastUpdated ge '2026-11-23T10:00:00+01:00' and owner eq 'admin' and type eq hall", ["Hall"]),
    ],
)
async def test_objects_are_found_by_query(site: Site, query: str, names: list[str]) -> None:
    hall = (await made(site.admin, name="Hall", type="hall"))["id"]
    pump = (await made(site.admin, name="Pump 1", c8y_IsDevice={}))["id"]
    await made(site.admin, name="Pump 2", c8y_IsDevice={}, c8y_Hardware={"serialNumber": "A7"})
    await made(site.admin, name="[?%_] odd")
    await site.admin.post(f"{OBJECTS}/{hall}/childAssets", json={"managedObject": {"id": pump}})
    response = await site.admin.get(OBJECTS, params={"query": query.replace("{hall}", hall)})
    assert response.status_code == 200, response.text
    assert [one["name"] for one in response.json()["managedObjects"]] == names


async def test_query_with_q_finds_devices_only(site: Site) -> None:
    await made(site.admin, name="Pump hall")
    await made(site.admin, name="Pump 1", c8y_IsDevice={})
    found = (await site.admin.get(OBJECTS, params={"q": "$filter=name eq 'Pump*'"})).json()["managedObjects"]
    assert [one["name"] for one in found] == ["Pump 1"]


@pytest.mark.parametrize("query", ["$filter=(", "$filter=creationTime gt yesterday"])
async def test_query_that_cannot_be_understood_is_refused(site: Site, query: str) -> None:
    response = await site.admin.get(OBJECTS, params={"query": query})
    assert (response.status_code, "The query has" in response.json()["message"]) == (422, True)


async def test_device_finds_only_its_own_whatever_it_asks(site: Site, device: Device) -> None:
    await made(site.admin, name="Hall", c8y_IsDevice={})
    found = (await device.client.get(OBJECTS, params={"query": "$filter=has(c8y_IsDevice) or owner eq 'admin'"})).json()
    assert [one["id"] for one in found["managedObjects"]] == [str(device.number)]
