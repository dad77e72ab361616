"""Features that a tenant switches on or off."""

from integration.api.conftest import OTHER_TENANT, TENANT, Site

PASSWORDS = "/features/password-devices"


async def test_features_are_a_bare_list_that_everybody_in_the_tenant_reads(site: Site) -> None:
    response = await (await site.reader()).get("/features?pageSize=1000")
    assert response.json() == [
        {"key": "certificate-authority", "phase": "IN_DEVELOPMENT", "active": False, "strategy": "DEFAULT"},
        {"key": "password-devices", "phase": "GENERALLY_AVAILABLE", "active": True, "strategy": "DEFAULT"},
    ]


async def test_one_feature_is_read_and_another_is_not_found(site: Site) -> None:
    assert (await site.admin.get(PASSWORDS)).json()["active"] is True
    assert (await site.admin.get("/features/teleport")).status_code == 404


async def test_feature_is_switched_by_a_tenant_for_itself_and_reset(site: Site) -> None:
    stranger = await site.stranger()
    answer = await site.admin.put(f"{PASSWORDS}/by-tenant", json={"active": False, "key": "ignored"})
    assert (answer.status_code, answer.json()["active"], answer.json()["strategy"]) == (200, False, "TENANT")
    assert (await stranger.get(PASSWORDS)).json()["active"] is True
    assert (await site.admin.delete(f"{PASSWORDS}/by-tenant")).status_code == 204
    assert (await site.admin.get(PASSWORDS)).json()["strategy"] == "DEFAULT"


async def test_operator_switches_features_of_other_tenants(site: Site) -> None:
    stranger = await site.stranger()
    path = f"{PASSWORDS}/by-tenant/{OTHER_TENANT}"
    assert (await site.operator.put(path, json={"active": False})).status_code == 200
    assert (await stranger.get(PASSWORDS)).json()["active"] is False
    assert (await site.operator.delete(path)).status_code == 204
    assert (await stranger.get(PASSWORDS)).json()["active"] is True
    for client in (site.admin, stranger):
        assert (await client.put(path, json={"active": False})).status_code == 403


async def test_feature_that_the_platform_does_not_have_cannot_be_switched_on(site: Site) -> None:
    path = "/features/certificate-authority/by-tenant"
    response = await site.admin.put(path, json={"active": True})
    assert (response.status_code, "not offered" in response.json()["message"]) == (422, True)
    assert (await site.admin.put(path, json={"active": False})).status_code == 200


async def test_reader_switches_nothing(site: Site) -> None:
    assert (await (await site.reader()).put(f"{PASSWORDS}/by-tenant", json={"active": False})).status_code == 403


async def test_without_password_devices_none_is_registered_and_none_signs_in(site: Site) -> None:
    bulk = "/devicecontrol/bulkNewDeviceRequests"
    await site.admin.post(bulk, files={"file": b"ID,CREDENTIALS\nmeter-1,a good password\n"})
    device = site.person(f"{TENANT}/device_meter-1", "a good password")
    assert (await device.get("/user/currentUser")).status_code == 200
    await site.admin.put(f"{PASSWORDS}/by-tenant", json={"active": False})
    assert (await device.get("/user/currentUser")).status_code == 401
    answer = await site.admin.post("/devicecontrol/newDeviceRequests", json={"id": "meter-2"})
    assert (answer.status_code, "password-devices" in answer.json()["message"]) == (422, True)
    answer = await site.admin.post(
        bulk, files={"file": b"ID,AUTH_TYPE,CREDENTIALS\na,BASIC,12345678\nb,CERTIFICATES,\n"}
    )
    assert (answer.json()["numberOfCreated"], answer.json()["failedCreationList"][0]["deviceId"]) == (1, "a")


async def test_switching_is_in_the_audit_log(site: Site) -> None:
    await site.admin.put(f"{PASSWORDS}/by-tenant", json={"active": False})
    (record,) = (await site.admin.get("/audit/auditRecords?source=password-devices")).json()["auditRecords"]
    assert record["activity"] == "Feature switched off: 'password-devices'."
    assert record["changes"] == [{"attribute": "active", "previousValue": "true", "newValue": "false"}]
