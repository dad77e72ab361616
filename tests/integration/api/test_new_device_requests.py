"""Registering single devices over REST, from the request to the device's own calls, on both engines."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from certinel.domain.new_device_request import MAX_WRONG_TOKENS
from certinel.services.login_attempts import POLLS_PER_DEVICE
from integration.api.conftest import BASE_URL, ON_ONE_ENGINE, OTHER_TENANT, TENANT, Device, Site

REQUESTS = "/devicecontrol/newDeviceRequests"
CREDENTIALS = "/devicecontrol/deviceCredentials"
POLICY = "/tenant/options/device-registration/security-token.policy"


async def expect(client: httpx.AsyncClient, device: str = "meter-1", **more: Any) -> dict[str, Any]:
    response = await client.post(REQUESTS, json={"id": device, **more})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def accept(client: httpx.AsyncClient, device: str = "meter-1", **more: str) -> httpx.Response:
    return await client.put(f"{REQUESTS}/{device}", json={"status": "ACCEPTED", **more})


async def poll(bootstrap: httpx.AsyncClient, device: str = "meter-1", **more: str) -> httpx.Response:
    return await bootstrap.post(CREDENTIALS, json={"id": device, **more})


async def accepted(site: Site, device: str = "meter-1", **more: Any) -> httpx.AsyncClient:
    """Expect a device, let it ask, accept it."""
    bootstrap = await site.bootstrap()
    await expect(site.admin, device, **more)
    assert (await poll(bootstrap, device)).status_code == 404
    assert (await accept(site.admin, device)).status_code == 200
    return bootstrap


async def test_device_gets_credentials_and_calls_with_them(site: Site) -> None:
    bootstrap = await accepted(site)
    response = await poll(bootstrap)
    given = response.json()
    assert response.status_code == 201
    assert {name: value for name, value in given.items() if name != "password"} == {
        "id": "meter-1",
        "self": f"{BASE_URL}{CREDENTIALS}/meter-1",
        "tenantId": TENANT,
        "username": "device_meter-1",
    }
    own = site.person(f"{TENANT}/device_meter-1", given["password"])
    assert (await own.get("/user/currentUser")).json()["userName"] == "device_meter-1"
    assert (await own.get(REQUESTS)).status_code == 403


async def test_request_has_the_contracts_shape_in_every_state(site: Site) -> None:
    made = await expect(site.admin, type="meter")
    assert made == {
        "id": "meter-1",
        "self": f"{BASE_URL}{REQUESTS}/meter-1",
        "status": "WAITING_FOR_CONNECTION",
        "tenantId": TENANT,
        "owner": "admin",
        "creationTime": "2026-11-23T09:00:00.000Z",
        "type": "meter",
    }
    await poll(await site.bootstrap())
    assert (await site.admin.get(made["self"])).json() == {**made, "status": "PENDING_ACCEPTANCE"}
    assert (await accept(site.admin)).json() == {**made, "status": "ACCEPTED"}
    assert (await site.admin.get(REQUESTS)).json()["newDeviceRequests"] == [{**made, "status": "ACCEPTED"}]


async def test_credentials_are_handed_out_once(site: Site) -> None:
    bootstrap = await accepted(site)
    assert [(await poll(bootstrap)).status_code for _ in range(2)] == [201, 404]
    assert (await site.admin.get(f"{REQUESTS}/meter-1")).status_code == 404


async def test_device_that_nobody_expects_leaves_nothing_behind(site: Site) -> None:
    response = await poll(await site.bootstrap(), "stranger")
    assert (response.status_code, response.json()["error"]) == (404, "devicecontrol/Not Found")
    assert (await site.admin.get(REQUESTS)).json()["newDeviceRequests"] == []


async def test_device_that_is_not_accepted_looks_like_one_that_nobody_expects(site: Site) -> None:
    bootstrap = await site.bootstrap()
    await expect(site.admin, "meter-1")
    answers = [await poll(bootstrap, "meter-1"), await poll(bootstrap, "meter-1"), await poll(bootstrap, "meter-2")]
    assert len({answer.text.replace("meter-2", "meter-1") for answer in answers}) == 1


async def test_accepting_before_the_device_has_asked_is_not_found(site: Site) -> None:
    await expect(site.admin)
    assert (await accept(site.admin)).status_code == 404


async def test_accepting_twice_names_the_state(site: Site) -> None:
    await accepted(site)
    response = await accept(site.admin)
    assert (response.status_code, response.json()["message"]) == (
        422,
        "NewDeviceRequest for device id meter-1 is in state ACCEPTED, not PENDING_ACCEPTANCE.",
    )


async def test_only_the_status_accepted_can_be_given(site: Site) -> None:
    await expect(site.admin)
    response = await site.admin.put(f"{REQUESTS}/meter-1", json={"status": "BLOCKED"})
    assert (response.status_code, response.json()["error"]) == (422, "undefined/validationError")


async def test_device_is_expected_once(site: Site) -> None:
    await expect(site.admin)
    response = await site.admin.post(REQUESTS, json={"id": "meter-1"})
    assert (response.status_code, response.json()["error"], response.json()["message"]) == (
        422,
        "devicecontrol/Non Unique Result",
        "NewDeviceRequest for id = meter-1 already exists.",
    )


@pytest.mark.parametrize(("name", "shown"), [("a b", " "), ("a/b", "/"), ("a:b", ":"), ("a\tb", "\\t"), ("a$b", "$")])
async def test_name_that_no_device_can_have_is_refused(site: Site, name: str, shown: str) -> None:
    response = await site.admin.post(REQUESTS, json={"id": name})
    assert (response.status_code, response.json()["error"]) == (422, "undefined/validationError")
    assert f"contains '{shown}' character which is not permitted." in response.json()["message"]


async def test_device_that_is_to_get_a_certificate_is_pointed_to_the_other_ways(site: Site) -> None:
    response = await site.admin.post(REQUESTS, json={"id": "pump-1", "enrollmentToken": "CTodKOt02iaKIp6s"})
    assert response.status_code == 422
    assert "autoRegistrationEnabled" in response.json()["message"]
    assert "bulkNewDeviceRequests" in response.json()["message"]
    assert "CTodKOt02iaKIp6s" not in response.text


async def test_device_that_has_a_certificate_gets_no_password(site: Site, device: Device) -> None:
    response = await site.admin.post(REQUESTS, json={"id": "pump-7"})
    assert (response.status_code, "AUTH_TYPE=CERTIFICATES" in response.json()["message"]) == (422, True)


async def test_security_token_of_the_device_is_asked_of_who_accepts_it(site: Site) -> None:
    bootstrap = await site.bootstrap()
    await expect(site.admin)
    await poll(bootstrap, securityToken="4711")
    response = await accept(site.admin, securityToken="0815")
    assert (response.status_code, response.json()["message"]) == (
        422,
        "Provided security key does not match key stored for device meter-1.",
    )
    assert (await accept(site.admin, securityToken="4711")).status_code == 200
    assert (await poll(bootstrap, securityToken="0815")).status_code == 404
    assert (await poll(bootstrap)).status_code == 404
    assert (await poll(bootstrap, securityToken="4711")).status_code == 201


async def test_too_many_wrong_security_tokens_block_the_request(site: Site) -> None:
    await expect(site.admin)
    await poll(await site.bootstrap(), securityToken="4711")
    for _ in range(MAX_WRONG_TOKENS):
        assert (await accept(site.admin, securityToken="0815")).status_code == 422
    response = await accept(site.admin, securityToken="4711")
    assert response.json()["message"] == (
        "NewDeviceRequest for device id meter-1 is in state BLOCKED, not PENDING_ACCEPTANCE."
    )
    assert (await site.admin.get(f"{REQUESTS}/meter-1")).json()["status"] == "BLOCKED"


async def test_tokens_can_be_required_by_the_tenant_or_for_all_tenants(site: Site) -> None:
    bootstrap = await site.bootstrap()
    await expect(site.admin)
    await site.operator.put(POLICY, json={"value": "REQUIRED"})
    await poll(bootstrap)
    assert (await site.admin.get(f"{REQUESTS}/meter-1")).json()["status"] == "WAITING_FOR_CONNECTION"
    await site.admin.put(POLICY, json={"value": "IGNORED"})
    await poll(bootstrap)
    assert (await accept(site.admin, securityToken="whatever")).status_code == 200


async def test_policy_that_does_not_exist_is_refused(site: Site) -> None:
    response = await site.admin.put(POLICY, json={"value": "SOMETIMES"})
    assert (response.status_code, "IGNORED, OPTIONAL, REQUIRED" in response.json()["message"]) == (422, True)


async def test_all_that_have_asked_are_accepted_at_once_but_those_with_a_token(site: Site) -> None:
    bootstrap = await site.bootstrap()
    for name in ("a", "b", "c"):
        await expect(site.admin, name)
    await poll(bootstrap, "a")
    await poll(bootstrap, "b", securityToken="4711")
    response = await site.admin.post(f"{REQUESTS}/acceptAll")
    assert response.status_code == 200
    response = await site.admin.post(f"{REQUESTS}/acceptAll", headers={"accept": "*/*"})
    assert [(one["id"], one["successful"]) for one in response.json()] == [("b", False)]
    states = {one["id"]: one["status"] for one in (await site.admin.get(REQUESTS)).json()["newDeviceRequests"]}
    assert states == {"a": "ACCEPTED", "b": "PENDING_ACCEPTANCE", "c": "WAITING_FOR_CONNECTION"}


async def test_group_name_type_and_properties_end_in_the_inventory(site: Site) -> None:
    group = await site.add_object("admin", "hall", {"c8y_IsDeviceGroup": {}})
    more = {"groupId": str(group), "name": "Meter", "type": "meter", "customProperties": {"floor": {"level": 3}}}
    await poll(await accepted(site, **more))
    (found,) = (await site.admin.get("/inventory/managedObjects?fragmentType=c8y_IsDevice")).json()["managedObjects"]
    assert (found["name"], found["type"], found["owner"]) == ("Meter", "meter", "device_meter-1")
    assert found["floor"] == {"level": 3}
    identity = (await site.admin.get("/identity/externalIds/c8y_Serial/meter-1")).json()
    assert identity["managedObject"]["id"] == found["id"]


@pytest.mark.parametrize("group", ["0", "99", "x"])
async def test_group_that_does_not_exist_is_refused(site: Site, group: str) -> None:
    response = await site.admin.post(REQUESTS, json={"id": "meter-1", "groupId": group})
    assert (response.status_code, "no group" in response.json()["message"]) == (422, True)


async def test_request_is_removed(site: Site) -> None:
    await expect(site.admin)
    assert [(await site.admin.delete(f"{REQUESTS}/meter-1")).status_code for _ in range(2)] == [204, 404]


async def test_registering_again_gives_another_password_and_ends_the_first(site: Site) -> None:
    first = (await poll(await accepted(site))).json()["password"]
    second = (await poll(await accepted(site))).json()["password"]
    for password, status in ((first, 401), (second, 200)):
        own = site.person(f"{TENANT}/device_meter-1", password)
        assert (await own.get("/user/currentUser")).status_code == status


async def test_tenants_do_not_see_each_others_requests_and_the_first_to_accept_gets_the_device(site: Site) -> None:
    bootstrap, stranger = await site.bootstrap(), await site.stranger()
    await expect(site.admin)
    site.clock.move(timedelta(seconds=1))
    await expect(stranger)
    await poll(bootstrap)
    await accept(stranger)
    assert (await site.admin.get(f"{REQUESTS}/meter-1")).json()["status"] == "PENDING_ACCEPTANCE"
    assert (await poll(bootstrap)).json()["tenantId"] == OTHER_TENANT


async def test_operator_expects_a_device_for_a_tenant(site: Site) -> None:
    made = await expect(site.operator, tenantId=TENANT)
    assert (made["tenantId"], made["owner"]) == (TENANT, "management/admin")
    assert (await site.admin.get(f"{REQUESTS}/meter-1")).status_code == 200


@ON_ONE_ENGINE
async def test_administrators_collect_no_credentials(site: Site) -> None:
    for client in (site.admin, site.operator):
        assert (await poll(client)).status_code == 403


@ON_ONE_ENGINE
async def test_bootstrap_user_can_do_nothing_until_it_has_a_password_and_then_only_poll(site: Site) -> None:
    for password in ("", "devicebootstrap"):
        assert (await poll(site.person("management/devicebootstrap", password))).status_code == 401
    bootstrap = await site.bootstrap()
    for path in (REQUESTS, "/inventory/managedObjects", "/tenant/options", "/user/management/users"):
        assert (await bootstrap.get(path)).status_code == 403


@ON_ONE_ENGINE
async def test_asking_again_and_again_is_slowed_down(site: Site) -> None:
    bootstrap = await site.bootstrap()
    answers = [await poll(bootstrap) for _ in range(POLLS_PER_DEVICE.at_once + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {404}
    assert (answers[-1].status_code, answers[-1].headers["retry-after"]) == (429, "1")
    site.clock.move(POLLS_PER_DEVICE.one_per)
    assert (await poll(bootstrap)).status_code == 404


@ON_ONE_ENGINE
async def test_guessing_the_security_token_is_slowed_down_more(site: Site) -> None:
    bootstrap = await site.bootstrap()
    await expect(site.admin)
    await poll(bootstrap, securityToken="4711")
    await accept(site.admin, securityToken="4711")
    answers = [(await poll(bootstrap, securityToken=f"{n}")).status_code for n in range(15)]
    assert answers == [404] * 10 + [429] * 5


async def test_every_step_is_in_the_audit_log(site: Site) -> None:
    await poll(await accepted(site))
    records = (await site.admin.get("/audit/auditRecords?source=meter-1")).json()["auditRecords"]
    assert [record["activity"] for record in records] == [
        "New device request accepted: 'meter-1'.",
        "New device request created: 'meter-1'.",
    ]
    (record,) = (await site.admin.get("/audit/auditRecords?source=device_meter-1")).json()["auditRecords"]
    assert (record["activity"], record["userKind"]) == ("User registered: 'device_meter-1'.", "DEVICE")


async def test_number_of_devices_is_told(site: Site, device: Device) -> None:
    assert (await site.admin.get(f"{REQUESTS}/limit")).json() == {"isReached": False, "deviceCount": 1}
