"""Reading what devices are and what they measured."""

from urllib.parse import quote

import httpx
import pytest

from integration.api.conftest import BASE_URL, TENANT, Device, Site

OBJECTS = "/inventory/managedObjects"


async def test_device_is_found_by_its_serial(site: Site, device: Device) -> None:
    response = await site.admin.get("/identity/externalIds/c8y_Serial/pump-7")
    assert response.status_code == 200
    assert response.json() == {
        "externalId": "pump-7",
        "type": "c8y_Serial",
        "managedObject": {"id": str(device.number), "self": f"{BASE_URL}{OBJECTS}/{device.number}"},
        "self": f"{BASE_URL}/identity/externalIds/c8y_Serial/pump-7",
    }


async def test_unknown_external_id_has_the_contracts_message(site: Site) -> None:
    response = await site.admin.get("/identity/externalIds/c8y_Serial/X")
    assert response.status_code == 404
    assert (response.json()["error"], response.json()["message"]) == (
        "identity/Not Found",
        "External id not found; external id = ID [type=c8y_Serial, value=X]",
    )


@pytest.mark.parametrize("value", ["urn:a:b", "a/b", "a//b/", "50% full?#", "Grüße", "a+b c", "%2F"])
async def test_external_id_of_any_characters_is_found(site: Site, value: str) -> None:
    number = await site.add_object("admin", value)
    response = await site.admin.get(f"/identity/externalIds/c8y_Serial/{quote(value, safe='')}")
    assert response.status_code == 200
    assert (response.json()["externalId"], response.json()["managedObject"]["id"]) == (value, str(number))
    again = await site.admin.get(response.json()["self"])
    assert again.json() == response.json()


async def test_external_id_with_a_plain_colon_is_found(site: Site) -> None:
    await site.add_object("admin", "urn:a:b")
    assert (await site.admin.get("/identity/externalIds/c8y_Serial/urn:a:b")).status_code == 200


async def test_external_ids_of_an_object_are_listed_without_statistics(site: Site, device: Device) -> None:
    response = await site.admin.get(f"/identity/globalIds/{device.number}/externalIds")
    assert set(response.json()) == {"externalIds", "self"}
    assert [one["externalId"] for one in response.json()["externalIds"]] == ["pump-7"]


async def test_managed_object_has_the_contracts_shape(site: Site, device: Device) -> None:
    address = f"{BASE_URL}{OBJECTS}/{device.number}"
    relations = ("additionParents", "assetParents", "childAdditions", "childAssets", "childDevices", "deviceParents")
    assert (await site.admin.get(f"{OBJECTS}/{device.number}")).json() == {
        "id": str(device.number),
        "self": address,
        "owner": "device_pump-7",
        "name": "MQTT Device pump-7",
        "type": "c8y_MQTTDevice",
        "creationTime": "2026-11-23T09:00:00.000Z",
        "lastUpdated": "2026-11-23T09:00:00.000Z",
        "c8y_IsDevice": {},
        "com_cumulocity_model_Agent": {},
        **{name: {"references": [], "self": f"{address}/{name}"} for name in relations},
    }


async def test_absent_name_and_type_are_left_out(site: Site) -> None:
    number = await site.add_object("admin", "x")
    found = (await site.admin.get(f"{OBJECTS}/{number}")).json()
    assert not {"name", "type"} & set(found)


async def test_fragment_keeps_null_inside_and_takes_no_field_of_the_platform(site: Site) -> None:
    fragments = {"a": {"b": None, "c": [None, 1]}, "self": "evil", "creation_time": 1, "id": "7", "owner": "nobody"}
    number = await site.add_object("admin", "x", fragments)
    found = (await site.admin.get(f"{OBJECTS}/{number}")).json()
    assert found["a"] == {"b": None, "c": [None, 1]}
    assert found["creation_time"] == 1
    assert (found["self"], found["id"], found["owner"]) == (f"{BASE_URL}{OBJECTS}/{number}", str(number), "admin")


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 18, "9" * 40, "1.0", "%20", "٣"])
@pytest.mark.parametrize(
    "path", [OBJECTS + "/{}", "/measurement/measurements/{}", "/identity/globalIds/{}/externalIds"]
)
async def test_number_that_nothing_has_is_not_found(site: Site, path: str, number: str) -> None:
    response = await site.admin.get(path.format(number))
    assert (response.status_code, set(response.json())) == (404, {"error", "message", "info"})


async def listed(client: httpx.AsyncClient, query: str = "") -> list[str]:
    response = await client.get(f"{OBJECTS}?{query}")
    assert response.status_code == 200
    return [one["id"] for one in response.json()["managedObjects"]]


async def test_objects_are_listed_and_filtered(site: Site, device: Device) -> None:
    other = await site.add_object("admin", "x", {"c8y_Group": {}, "text": "find me"})
    pump, x = str(device.number), str(other)
    assert await listed(site.admin) == [pump, x]
    assert await listed(site.admin, "type=c8y_MQTTDevice") == [pump]
    assert await listed(site.admin, "fragmentType=c8y_Group") == [x]
    assert await listed(site.admin, "owner=device_pump-7") == [pump]
    assert await listed(site.admin, "text=find%20me") == [x]
    assert await listed(site.admin, f"ids={x},{pump},99999999999999999999,x") == [pump, x]
    assert await listed(site.admin, "type=nothing") == []


async def test_device_sees_only_what_it_owns(site: Site, device: Device) -> None:
    other = await site.add_object("admin", "x")
    assert await listed(device.client) == [str(device.number)]
    assert await listed(device.client, "owner=admin") == []
    assert (await device.client.get(f"{OBJECTS}/{device.number}")).status_code == 200
    assert (await device.client.get(f"{OBJECTS}/{other}")).status_code == 404
    assert (await device.client.get("/identity/externalIds/c8y_Serial/pump-7")).status_code == 200
    assert (await device.client.get("/identity/externalIds/c8y_Serial/x")).status_code == 404
    assert (await device.client.get(f"/identity/globalIds/{other}/externalIds")).status_code == 404


async def test_other_tenant_sees_nothing(site: Site, device: Device) -> None:
    stranger = await site.stranger()
    assert await listed(stranger) == []
    assert (await stranger.get(f"{OBJECTS}/{device.number}")).status_code == 404
    assert (await stranger.get("/identity/externalIds/c8y_Serial/pump-7")).status_code == 404


async def test_person_without_a_role_is_forbidden(site: Site) -> None:
    nobody = await site.add_person(TENANT, "guest", "no such group")
    for path in (OBJECTS, "/measurement/measurements", "/identity/externalIds/c8y_Serial/x"):
        assert (await nobody.get(path)).status_code == 403


async def test_measurement_has_the_contracts_shape(site: Site, device: Device) -> None:
    page = (await site.admin.get(f"/measurement/measurements?source={device.number}")).json()
    (measurement,) = page["measurements"]
    assert measurement == {
        "id": measurement["id"],
        "self": f"{BASE_URL}/measurement/measurements/{measurement['id']}",
        "source": {"id": str(device.number), "self": f"{BASE_URL}{OBJECTS}/{device.number}"},
        "type": "c8y_Temperature",
        "time": "2026-11-23T09:00:00.000Z",
        "c8y_Temperature": {"T": {"value": 21.5, "unit": "C"}},
    }
    assert (await site.admin.get(measurement["self"])).json() == measurement


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 1),
        ("type=c8y_Temperature", 1),
        ("type=other", 0),
        ("valueFragmentType=c8y_Temperature", 1),
        ("valueFragmentType=c8y_Temperature&valueFragmentSeries=T", 1),
        ("valueFragmentSeries=U", 0),
        ("dateFrom=2026-11-23T09:00:00.000Z&dateTo=2026-11-23T10:00:00%2B01:00", 1),
        ("dateFrom=2026-11-23T09:00:00.001Z", 0),
        ("source=0&revert=true", 0),
        ("source=x", 0),
    ],
)
async def test_measurements_are_filtered(site: Site, device: Device, query: str, count: int) -> None:
    response = await site.admin.get(f"/measurement/measurements?{query}&withTotalElements=true")
    assert (len(response.json()["measurements"]), response.json()["statistics"]["totalElements"]) == (count, count)


@pytest.mark.parametrize(
    "query",
    ["dateFrom=yesterday", "dateFrom=2026-11-23T09:00:00", "dateTo=0001-01-01T00:00:00%2B23:59", "revert=7"],
)
async def test_impossible_filter_is_unprocessable(site: Site, query: str) -> None:
    response = await site.admin.get(f"/measurement/measurements?{query}")
    assert response.status_code == 422
    assert query.partition("=")[0] in response.json()["message"]


async def test_device_sees_only_its_own_measurements(site: Site, device: Device) -> None:
    (own,) = (await device.client.get("/measurement/measurements")).json()["measurements"]
    assert (await device.client.get(own["self"])).status_code == 200
    stranger = await site.stranger()
    assert (await stranger.get(own["self"])).status_code == 404


async def test_resources_are_answered_in_their_vendor_types(site: Site, device: Device) -> None:
    for path, name in (
        (OBJECTS, "managedobjectcollection"),
        (f"{OBJECTS}/{device.number}", "managedobject"),
        ("/identity/externalIds/c8y_Serial/pump-7", "externalid"),
        (f"/identity/globalIds/{device.number}/externalIds", "externalidcollection"),
        ("/measurement/measurements", "measurementcollection"),
    ):
        accept = f"application/vnd.com.nsn.cumulocity.{name}+json"
        response = await site.admin.get(path, headers={"accept": accept})
        assert response.headers["content-type"] == f"{accept};ver=0.9;charset=UTF-8"
