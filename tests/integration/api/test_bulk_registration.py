"""Registering many devices over REST, on both engines."""

import asyncio
import codecs
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from certinel.api.resources import bulk_registration
from certinel.domain.device_group import ROOT_GROUP, SUBGROUP
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.managed_object import SERIAL, ManagedObject
from certinel.domain.trust_store import DeviceUserState
from certinel.storage import device_groups, external_ids, managed_objects, new_device_requests, users
from certinel.storage.managed_objects import ManagedObjectFilter
from certinel.storage.page import PageRequest
from integration.api.conftest import ON_ONE_ENGINE, OTHER_TENANT, TENANT, Site

PATH = "/devicecontrol/bulkNewDeviceRequests"
HEADINGS = "ID;AUTH_TYPE;CREDENTIALS;NAME;TYPE;IDTYPE;PATH"


async def sent(client: httpx.AsyncClient, content: str | bytes, **headers: str) -> httpx.Response:
    body = content.encode() if isinstance(content, str) else content
    return await client.post(PATH, files={"file": ("devices.csv", body)}, headers=headers)


async def registered(site: Site, content: str | bytes) -> dict[str, Any]:
    response = await sent(site.admin, content)
    assert response.status_code == 201, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def object_of(site: Site, name: str, type_: str = SERIAL, tenant: TenantId = TENANT) -> ManagedObject:
    async with site.platform.database.reading() as tx:
        external = await external_ids.get(tx, tenant, type_, name)
        assert external is not None
        found = await managed_objects.get(tx, tenant, external.managed_object)
    assert found is not None
    return found


async def count_of(site: Site, wanted: ManagedObjectFilter) -> int:
    async with site.platform.database.reading() as tx:
        page = await managed_objects.list_of(tx, TENANT, wanted, PageRequest(page_size=1, with_total_elements=True))
    assert page.total_elements is not None
    return page.total_elements


async def test_device_with_a_certificate_gets_a_user_without_password_and_an_object(site: Site) -> None:
    answer = await registered(site, "ID;AUTH_TYPE\npump-1;CERTIFICATES\n")
    assert answer == {
        "numberOfAll": 1,
        "numberOfCreated": 1,
        "numberOfFailed": 0,
        "numberOfSuccessful": 1,
        "credentialUpdatedList": [],
        "failedCreationList": [],
    }
    async with site.platform.database.reading() as tx:
        user = await users.find(tx, TENANT, "device_pump-1")
    assert user is not None
    assert (user.password_hash, user.is_enabled) == (None, True)
    found = await object_of(site, "pump-1")
    assert (found.name, found.type, found.owner) == ("pump-1", None, "device_pump-1")
    assert found.fragments == {"c8y_IsDevice": {}, "com_cumulocity_model_Agent": {}}


async def test_admission_knows_the_device_when_the_call_has_ended(site: Site) -> None:
    await registered(site, "ID;AUTH_TYPE\npump-1;CERTIFICATES\n")
    assert site.platform.trust.device_user(TENANT, DeviceId("pump-1")) is DeviceUserState.ENABLED


async def test_device_with_a_password_can_call_with_it(site: Site) -> None:
    await registered(site, "ID;CREDENTIALS\nmeter-1;a good password\n")
    assert (await site.person("t1000/device_meter-1", "a good password").get("/user/currentUser")).status_code == 200
    assert (await site.person("t1000/device_meter-1", "a bad password").get("/user/currentUser")).status_code == 401


async def test_all_columns_end_in_the_inventory(site: Site) -> None:
    await registered(
        site,
        "ID;AUTH_TYPE;NAME;TYPE;IDTYPE;PATH;SHELL;ICCID;com_cumulocity_model_Agent.active;external-mac;a.b\n"
        "x1;CERTIFICATES;Pump;pump;c8y_Imei;plant/line 1;1;8949;true;aa-bb;v\n",
    )
    found = await object_of(site, "x1", "c8y_Imei")
    assert (found.name, found.type) == ("Pump", "pump")
    assert found.fragments == {
        "a": {"b": "v"},
        "c8y_Mobile": {"iccid": "8949"},
        "c8y_SupportedOperations": ["c8y_Command"],
        "c8y_IsDevice": {},
        "com_cumulocity_model_Agent": {"active": "true"},
    }
    assert (await object_of(site, "aa-bb", "mac")).id == found.id


async def test_groups_of_a_path_are_made_once_and_hold_the_devices(site: Site) -> None:
    for name in ("first", "second"):
        rows = "".join(f"{name}-{n};CERTIFICATES;plant/line {n % 2}\n" for n in range(6))
        await registered(site, "ID;AUTH_TYPE;PATH\n" + rows)
    assert await count_of(site, ManagedObjectFilter(type=ROOT_GROUP)) == 1
    assert await count_of(site, ManagedObjectFilter(type=SUBGROUP)) == 2
    async with site.platform.database.reading() as tx:
        plant = await device_groups.find(tx, TENANT, "plant", None)
        assert plant is not None
        line = await device_groups.find(tx, TENANT, "line 0", plant)
        assert line is not None
        members = await device_groups.members(tx, TENANT, line)
    assert len(members) == 6


async def test_device_that_exists_is_updated_and_listed(site: Site) -> None:
    await registered(site, f"{HEADINGS};a.b;c\nx1;CERTIFICATES;;Pump;pump;;;1;2\n")
    answer = await registered(site, f"{HEADINGS};a.d\nx1;BASIC;12345678;;other;;;3\n")
    assert (answer["numberOfCreated"], answer["numberOfSuccessful"]) == (0, 1)
    assert answer["credentialUpdatedList"] == [{"bulkNewDeviceStatus": "CREDENTIAL_UPDATED", "deviceId": "x1"}]
    found = await object_of(site, "x1")
    assert (found.name, found.type) == ("Pump", "other")
    assert (found.fragments["a"], found.fragments["c"]) == ({"b": "1", "d": "3"}, "2")
    assert (await site.person("t1000/device_x1", "12345678").get("/user/currentUser")).status_code == 200


async def test_device_that_an_administrator_keeps_out_stays_out(site: Site) -> None:
    await registered(site, "ID;AUTH_TYPE\nx1;CERTIFICATES\n")
    async with site.platform.database.transaction() as tx:
        user = await users.find(tx, TENANT, "device_x1")
        assert user is not None
        await users.save(tx, replace(user, is_enabled=False))
    await registered(site, "ID;CREDENTIALS\nx1;12345678\n")
    assert site.platform.trust.device_user(TENANT, DeviceId("x1")) is DeviceUserState.DISABLED


async def test_same_device_twice_in_a_file_is_created_and_then_updated(site: Site) -> None:
    answer = await registered(site, "ID;AUTH_TYPE;NAME\nx1;CERTIFICATES;one\nx1;CERTIFICATES;two\n")
    assert (answer["numberOfCreated"], answer["numberOfSuccessful"]) == (1, 2)
    assert (await object_of(site, "x1")).name == "two"


async def test_wrong_rows_are_listed_without_credentials_and_the_others_registered(site: Site) -> None:
    response = await sent(site.admin, "ID;CREDENTIALS\nx1;short\nx2;long enough\nx/3;another secret\n;nobodys secret\n")
    answer = response.json()
    assert (response.status_code, answer["numberOfAll"], answer["numberOfSuccessful"]) == (201, 4, 1)
    assert answer["failedCreationList"][0] == {
        "bulkNewDeviceStatus": "FAILED",
        "deviceId": "x1",
        "failureReason": "CREDENTIALS must have 8 to 32 characters.",
        "line": "DeviceInfo{id='x1', credentials='', tenant='t1000'}",
    }
    reasons = [row["failureReason"] for row in answer["failedCreationList"]]
    assert reasons[1] == "Device id 'x/3' contains '/' character which is not permitted."
    assert reasons[2] == "ID is missing."
    assert "secret" not in response.text
    assert "short" not in response.text.replace(reasons[0], "")


async def test_object_of_somebody_else_is_not_taken_over(site: Site) -> None:
    await site.add_object("admin", "x1", {"mine": True})
    answer = await registered(site, "ID;AUTH_TYPE\nx1;CERTIFICATES\n")
    assert "belongs to another user" in answer["failedCreationList"][0]["failureReason"]
    assert (await object_of(site, "x1")).owner == "admin"
    assert site.platform.trust.device_user(TENANT, DeviceId("x1")) is DeviceUserState.UNKNOWN


async def test_external_id_of_another_device_is_not_taken_over(site: Site) -> None:
    answer = await registered(site, "ID;AUTH_TYPE;external-mac\nx1;CERTIFICATES;aa\nx2;CERTIFICATES;aa\n")
    again = await registered(site, "ID;AUTH_TYPE;external-mac\nx3;CERTIFICATES;aa\n")
    for failed in (answer["failedCreationList"][0], again["failedCreationList"][0]):
        assert failed["failureReason"] == "External id aa of type mac belongs to another object."


async def test_simple_form_makes_requests_with_their_group(site: Site) -> None:
    answer = await registered(site, '"ID";"PATH"\nx1;plant\n')
    assert answer["numberOfCreated"] == 1
    async with site.platform.database.reading() as tx:
        request = await new_device_requests.find(tx, TENANT, DeviceId("x1"))
        plant = await device_groups.find(tx, TENANT, "plant", None)
    assert request is not None
    assert (request.status, request.group, request.owner) == ("WAITING_FOR_CONNECTION", plant, "admin")
    assert site.platform.trust.device_user(TENANT, DeviceId("x1")) is DeviceUserState.UNKNOWN
    assert (await registered(site, "ID;PATH\nx1;plant\n"))["numberOfSuccessful"] == 1
    assert (await site.admin.delete(f"{PATH}/x1")).status_code == 204
    assert (await site.admin.delete(f"{PATH}/x1")).status_code == 404


async def test_requests_are_listed_shown_and_removed(site: Site) -> None:
    await registered(site, "ID;PATH\nx1;plant\nx2;\n")
    requests = "/devicecontrol/newDeviceRequests"
    listed = (await site.admin.get(requests)).json()["newDeviceRequests"]
    assert [(one["id"], one["status"], one["tenantId"]) for one in listed] == [
        ("x1", "WAITING_FOR_CONNECTION", TENANT),
        ("x2", "WAITING_FOR_CONNECTION", TENANT),
    ]
    assert (await site.admin.get(f"{requests}/x1")).json() == listed[0]
    assert ("groupId" in listed[0], "groupId" in listed[1]) == (True, False)
    stranger = await site.stranger()
    assert (await stranger.get(f"{requests}/x1")).status_code == 404
    assert (await stranger.delete(f"{requests}/x1")).status_code == 404
    assert (await site.admin.delete(f"{requests}/x1")).status_code == 204
    missing = await site.admin.get(f"{requests}/x1")
    assert (missing.status_code, missing.json()["message"]) == (404, "Could not find newDeviceRequest by ID x1")


async def test_one_time_password_makes_an_accepted_request_and_is_stored_as_a_hash(site: Site) -> None:
    await registered(site, "ID;AUTH_TYPE;ENROLLMENT_OTP\nx1;CERTIFICATES;once only\n")
    async with site.platform.database.reading() as tx:
        request = await new_device_requests.find(tx, TENANT, DeviceId("x1"))
    assert request is not None
    assert request.status == "ACCEPTED"
    assert (request.enrollment_hash or "").startswith("$argon2id$")


async def test_management_says_for_which_tenant(site: Site) -> None:
    await site.stranger()
    response = await sent(
        site.operator,
        f"ID;AUTH_TYPE;TENANT;PATH\nx1;CERTIFICATES;{TENANT};p\nx1;CERTIFICATES;{OTHER_TENANT};p\n"
        "x2;CERTIFICATES;;\nx3;CERTIFICATES;nowhere;\n",
    )
    answer = response.json()
    assert (answer["numberOfCreated"], answer["numberOfFailed"]) == (2, 2)
    assert [row["failureReason"] for row in answer["failedCreationList"]] == [
        "TENANT is missing.",
        "There is no tenant with id = nowhere",
    ]
    assert (await object_of(site, "x1", tenant=OTHER_TENANT)).tenant == OTHER_TENANT


async def test_tenant_column_counts_for_the_management_tenant_only(site: Site) -> None:
    await site.stranger()
    await registered(site, f"ID;AUTH_TYPE;TENANT\nx1;CERTIFICATES;{OTHER_TENANT}\n")
    assert (await object_of(site, "x1")).tenant == TENANT


@pytest.mark.parametrize("separator", ["\t", ";", ","])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
async def test_separators_and_encodings_do_not_matter(site: Site, separator: str, encoding: str) -> None:
    text = '"ID";AUTH_TYPE;name\r\nx1;CERTIFICATES;"Zähler ""1"""\r\n\r\n'.replace(";", separator)
    await registered(site, text.encode(encoding))
    assert (await object_of(site, "x1")).name == 'Zähler "1"'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty dataset"),
        (b"ID;AUTH_TYPE\n", "empty dataset"),
        (b"NAME;AUTH_TYPE\nx;y\n", "no column ID"),
        (codecs.BOM_UTF16_LE + "ID\nx\n".encode("utf-16-le"), "UTF-16"),
        (b"ID;AUTH_TYPE\n\x81\xff;x\n", "byte 13"),
        (b"ID;A.b;A\nx;1;2\n", "A"),
        (b"ID;" + b";".join(b"c%d" % n for n in range(200)) + b"\nx\n", "columns"),
        (b"ID;AUTH_TYPE\nx;CERTIFICATES\ny;" + b"z" * 5000 + b"\n", "Line 3, column 2"),
    ],
)
async def test_file_that_is_no_table_is_refused_with_the_place(site: Site, content: bytes, message: str) -> None:
    response = await sent(site.admin, content)
    assert response.status_code == 422
    assert message in response.json()["message"]
    assert await count_of(site, ManagedObjectFilter(fragment_type="c8y_IsDevice")) == 0


@ON_ONE_ENGINE
async def test_form_without_the_file_is_unprocessable(site: Site) -> None:
    response = await site.admin.post(PATH, files={"other": ("x", b"ID\nx\n")})
    assert (response.status_code, response.json()["message"]) == (422, "file: the form has no part of this name")


@ON_ONE_ENGINE
async def test_body_that_is_no_form_is_refused(site: Site) -> None:
    response = await site.admin.post(PATH, content=b"ID\nx\n", headers={"content-type": "text/csv"})
    assert response.status_code == 415


@ON_ONE_ENGINE
@pytest.mark.parametrize("is_declared", [True, False])
async def test_body_beyond_the_limit_is_too_large(site: Site, is_declared: bool) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nID\n'
        for _ in range(bulk_registration.MAX_FILE_BYTES // (1 << 20) + 1):
            yield bytes(1 << 20)

    headers = {"content-type": "multipart/form-data; boundary=b"}
    if is_declared:
        headers["content-length"] = str(bulk_registration.MAX_FILE_BYTES + 1)
    response = await site.admin.post(PATH, content=endless(), headers=headers)
    assert response.status_code == 413


@ON_ONE_ENGINE
async def test_part_without_a_file_name_is_a_file_too(site: Site) -> None:
    body = b'--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nID,AUTH_TYPE\nx1,CERTIFICATES\n\r\n--b--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b", "accept": "application/json"}
    response = await site.admin.post(PATH, content=body, headers=headers)
    assert (response.status_code, response.json()["numberOfCreated"]) == (201, 1)


@ON_ONE_ENGINE
async def test_answer_follows_the_accept_rule(site: Site) -> None:
    vendor = "application/vnd.com.nsn.cumulocity.bulknewdevicerequest+json"
    response = await sent(site.admin, "ID;AUTH_TYPE\nx1;CERTIFICATES\n", accept=vendor)
    assert response.headers["content-type"].startswith(vendor)


@ON_ONE_ENGINE
async def test_forgetting_a_device_nobody_expects_is_not_found(site: Site) -> None:
    response = await site.admin.delete(f"{PATH}/x%0A")
    assert (response.status_code, response.json()["error"]) == (404, "devicecontrol/Not Found")


@ON_ONE_ENGINE
async def test_registration_is_in_the_audit_log_without_credentials(site: Site) -> None:
    await registered(site, "ID;CREDENTIALS\nx1;a very secret word\n")
    records = (await site.admin.get("/audit/auditRecords?pageSize=100")).json()["auditRecords"]
    activities = [(record["activity"], record["user"]) for record in records]
    assert ("User registered: 'device_x1'.", "admin") in activities
    assert "secret" not in json.dumps(records)


async def test_two_thousand_devices_sent_twice_at_once_are_there_once(site: Site) -> None:
    rows = "ID;AUTH_TYPE;PATH\n" + "".join(f"d{n:04};CERTIFICATES;plant/line {n % 7}\n" for n in range(2000))
    answers = await asyncio.gather(registered(site, rows), registered(site, rows))
    assert sum(answer["numberOfCreated"] for answer in answers) == 2000
    assert [answer["numberOfSuccessful"] for answer in answers] == [2000, 2000]
    assert await count_of(site, ManagedObjectFilter(fragment_type="c8y_IsDevice")) == 2000
    assert await count_of(site, ManagedObjectFilter(type=SUBGROUP)) == 7
