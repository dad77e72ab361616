"""Tenants, as the operator of the platform makes, suspends and deletes them."""

from typing import Any

import httpx
import pytest

from certinel.storage import tables
from integration.api.conftest import BASE_URL, TENANT, Device, Site
from support.clock import START
from support.platforms import ADMIN_PASSWORD

ALL = "/tenant/tenants"
NEW = {
    "id": "t3000",
    "domain": "Three.example.org",
    "company": "Three Ltd",
    "adminName": "anna",
    "adminPass": "a long password",
    "adminEmail": "anna@example.org",
}


async def created(site: Site, **changes: Any) -> httpx.Response:
    return await site.operator.post(ALL, json=NEW | changes)


async def test_new_tenant_has_the_contracts_shape_and_no_password(site: Site) -> None:
    response = await created(site)
    body = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == body["self"] == f"{BASE_URL}{ALL}/t3000"
    assert body == {
        "id": "t3000",
        "domain": "Three.example.org",
        "company": "Three Ltd",
        "adminName": "anna",
        "adminEmail": "anna@example.org",
        "status": "ACTIVE",
        "creationTime": f"{START:%Y-%m-%dT%H:%M:%S}.000Z",
        "self": f"{BASE_URL}{ALL}/t3000",
    }
    assert (await site.operator.get(f"{ALL}/t3000")).json() | {"domain": NEW["domain"]} == body


async def test_administrator_of_a_new_tenant_signs_in_at_once(site: Site) -> None:
    await created(site)
    anna = site.person("anna", "a long password", base_url="https://three.example.org")
    assert (await anna.get("/tenant/currentTenant")).json()["name"] == "t3000"


async def test_id_is_chosen_when_none_is_given(site: Site) -> None:
    tenant = (await created(site, id=None)).json()["id"]
    assert (await site.operator.get(f"{ALL}/{tenant}")).status_code == 200


@pytest.mark.parametrize("changes", [{"id": TENANT}, {"id": "management"}, {"id": "t4000"}])
async def test_taken_id_or_domain_is_a_conflict(site: Site, changes: dict[str, str]) -> None:
    await created(site)
    assert (await created(site, **changes)).status_code == 409


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "T1"},
        {"id": "t/1"},
        {"id": ""},
        {"domain": "no host"},
        {"domain": "a" * 300},
        {"adminName": "device_x"},
        {"adminName": "a/b"},
        {"adminName": ""},
        {"adminPass": "short"},
        {"adminPass": "x" * 2000},
        {"company": ""},
        {"adminEmail": "a\nb"},
    ],
)
async def test_what_cannot_be_is_unprocessable_and_nothing_is_made(site: Site, changes: dict[str, str]) -> None:
    response = await created(site, **changes)
    assert response.status_code == 422
    assert len((await site.operator.get(ALL)).json()["tenants"]) == 2


async def test_tenants_are_a_paged_collection(site: Site) -> None:
    await created(site)
    page = (await site.operator.get(f"{ALL}?pageSize=2&withTotalPages=true")).json()
    assert [tenant["id"] for tenant in page["tenants"]] == ["management", TENANT]
    assert page["statistics"]["totalPages"] == 2
    found = (await site.operator.get(f"{ALL}?domain=three.example.org&company=Three Ltd")).json()
    assert [tenant["id"] for tenant in found["tenants"]] == ["t3000"]


async def test_suspension_refuses_people_and_devices_at_once(site: Site, device: Device) -> None:
    assert (await device.client.get("/inventory/managedObjects")).status_code == 200
    response = await site.operator.put(f"{ALL}/{TENANT}", json={"status": "SUSPENDED"})
    assert response.json()["status"] == "SUSPENDED"
    assert (await device.client.get("/inventory/managedObjects")).status_code == 401
    assert (await site.admin.get("/tenant/currentTenant")).status_code == 401
    await site.operator.put(f"{ALL}/{TENANT}", json={"status": "ACTIVE"})
    assert (await device.client.get("/inventory/managedObjects")).status_code == 200
    assert (await site.admin.get("/tenant/currentTenant")).status_code == 200


async def test_deletion_removes_everything_of_the_tenant(site: Site, device: Device) -> None:
    await site.admin.put("/tenant/options/cat/a", json={"value": "1"})
    assert (await site.operator.delete(f"{ALL}/{TENANT}")).status_code == 204
    assert (await device.client.get("/inventory/managedObjects")).status_code == 401
    assert (await site.operator.get(f"{ALL}/{TENANT}")).status_code == 404
    assert site.platform.trust.tenant(TENANT) is None
    async with site.platform.database.reading() as tx:
        for table in tables.metadata.sorted_tables:
            if "tenant_id" in table.c and not table.name.startswith("audit_"):
                left = (await tx.execute(table.select().where(table.c.tenant_id == TENANT))).all()
                assert not left, table.name


async def test_id_of_a_deleted_tenant_is_not_given_again(site: Site) -> None:
    await created(site)
    await site.operator.delete(f"{ALL}/t3000")
    assert (await created(site)).status_code == 409


async def test_management_tenant_can_be_neither_suspended_nor_deleted(site: Site) -> None:
    assert (await site.operator.put(f"{ALL}/management", json={"status": "SUSPENDED"})).status_code == 403
    assert (await site.operator.delete(f"{ALL}/management")).status_code == 403
    assert (await site.operator.get(f"{ALL}/management")).json()["status"] == "ACTIVE"


async def test_other_tenants_cannot_tell_whether_a_tenant_exists(site: Site) -> None:
    answers = [
        await site.admin.request(method, f"{ALL}/{tenant}", **({"json": {}} if method == "PUT" else {}))
        for method in ("GET", "PUT", "DELETE")
        for tenant in (TENANT, "management", "t9999")
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(403, answers[0].text)}


async def test_unknown_tenant_is_not_found_by_the_operator(site: Site) -> None:
    for method, body in (("GET", {}), ("PUT", {"json": {"company": "x"}}), ("DELETE", {})):
        response = await site.operator.request(method, f"{ALL}/t9999", **body)  # type: ignore[arg-type]
        assert (response.status_code, response.json()["message"]) == (404, "There is no tenant with id = t9999")


async def test_domain_of_another_tenant_cannot_be_taken_over(site: Site) -> None:
    await created(site)
    response = await site.operator.put(f"{ALL}/{TENANT}", json={"domain": "THREE.example.org"})
    assert response.status_code == 409


async def test_changes_are_in_the_audit_logs_of_operator_and_tenant(site: Site) -> None:
    await site.operator.put(f"{ALL}/{TENANT}", json={"company": "Acme", "status": "ACTIVE"})
    ours = (await site.admin.get("/audit/auditRecords?type=Tenant&pageSize=1")).json()["auditRecords"][0]
    theirs = (await site.operator.get("/audit/auditRecords?type=Tenant&pageSize=1")).json()["auditRecords"][0]
    assert ours["activity"] == theirs["activity"] == f"Tenant updated: '{TENANT}'."
    assert (ours["user"], theirs["user"]) == ("management/admin", "admin")


async def test_password_is_in_no_answer_and_no_record(site: Site) -> None:
    texts = [(await created(site)).text, (await created(site, adminPass=ADMIN_PASSWORD, domain="?")).text]
    texts.append((await site.operator.get("/audit/auditRecords?pageSize=100")).text)
    assert not any("a long password" in text or ADMIN_PASSWORD in text for text in texts)


async def test_tenant_has_no_more_devices_than_it_may_have(site: Site) -> None:
    await site.operator.put(f"{ALL}/{TENANT}", json={"maxDevices": 2})
    rows = b"ID,AUTH_TYPE\n" + b"".join(b"d%d,CERTIFICATES\n" % n for n in range(3))
    answer = (await site.admin.post("/devicecontrol/bulkNewDeviceRequests", files={"file": rows})).json()
    assert (answer["numberOfCreated"], answer["failedCreationList"][0]["failureReason"]) == (
        2,
        "You have reached devices limit. No more devices can be registered.",
    )
    response = await site.admin.post("/devicecontrol/newDeviceRequests", json={"id": "meter-1"})
    assert (response.status_code, response.json()["message"]) == (
        422,
        "You have reached devices limit. No more devices can be registered.",
    )
    limit = (await site.admin.get("/devicecontrol/newDeviceRequests/limit")).json()
    assert limit == {"isReached": True, "limit": 2, "deviceCount": 2}


async def test_tenant_has_no_more_users_than_it_may_have(site: Site) -> None:
    await created(site, maxUsers=2)
    anna = site.person("t3000/anna", "a long password")
    codes = []
    for name in ("bert", "cora"):
        body = {"userName": name, "password": "a long password"}
        codes.append((await anna.post("/user/t3000/users", json=body)).status_code)
    assert codes == [201, 422]


async def test_limits_are_changed_and_taken_away(site: Site) -> None:
    await created(site, maxDevices=5, maxUsers=7)
    changed = (await site.operator.put(f"{ALL}/t3000", json={"maxDevices": 9})).json()
    assert (changed["maxDevices"], changed["maxUsers"]) == (9, 7)
    changed = (await site.operator.put(f"{ALL}/t3000", json={"maxDevices": 0, "maxUsers": 0})).json()
    assert not {"maxDevices", "maxUsers"} & set(changed)
    assert (await site.operator.put(f"{ALL}/t3000", json={"maxDevices": -1})).status_code == 422
