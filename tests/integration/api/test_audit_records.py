"""The audit log over REST: what is in it, who reads it, and records that callers hand in."""

from typing import Any

import pytest

from integration.api.conftest import BASE_URL, TENANT, Site
from support.certificates import Issued

PATH = "/audit/auditRecords"
CERTIFICATES = f"/tenant/tenants/{TENANT}/trusted-certificates"

REPORT = {
    "activity": "Door opened.",
    "text": "The cabinet of hall 3 was opened.",
    "type": "Cabinet",
    "source": {"id": "4711"},
    "time": "2026-11-22T10:00:00+01:00",
    "severity": "MINOR",
    "changes": [{"attribute": "door", "previousValue": "closed", "newValue": "open"}],
}


async def listed(site: Site, **query: Any) -> list[dict[str, Any]]:
    response = await site.admin.get(PATH, params={"pageSize": 100, **query})
    assert response.status_code == 200, response.text
    records: list[dict[str, Any]] = response.json()["auditRecords"]
    return records


async def test_record_names_who_did_what(site: Site, plant: Issued) -> None:
    body = {"name": "plant", "status": "ENABLED", "certInPemFormat": plant.pem}
    fingerprint = (await site.admin.post(CERTIFICATES, json=body)).json()["fingerprint"]
    newest, oldest = await listed(site)
    previous, own = newest.pop("previousHash"), newest.pop("hash")
    assert newest == {
        "id": "2",
        "self": f"{BASE_URL}{PATH}/2",
        "activity": "Trusted certificate added to 't1000'.",
        "text": f"Certificate fingerprint: '{fingerprint}'.\n "
        "Certificate subject name: 'CN=Plant CA, O=Example'.\n Status='ENABLED'",
        "type": "TrustedCertificates",
        "source": {"id": fingerprint},
        "time": "2026-11-23T09:00:00.000Z",
        "creationTime": "2026-11-23T09:00:00.000Z",
        "user": "admin",
        "userKind": "PERSON",
        "severity": "INFORMATION",
        "changes": [
            {"attribute": "name", "newValue": "plant"},
            {"attribute": "status", "newValue": "ENABLED"},
            {"attribute": "autoRegistrationEnabled", "newValue": "false"},
            {"attribute": "addToTrustStore", "newValue": "true"},
            {"attribute": "proofOfPossessionValid", "newValue": "false"},
        ],
    }
    assert (previous, own == previous) == (oldest["hash"], False)


async def test_refused_write_is_not_recorded(site: Site, plant: Issued) -> None:
    await site.trusted(plant)
    before = await listed(site)
    await site.admin.post(CERTIFICATES, json={"status": "ENABLED", "certInPemFormat": plant.pem})
    await (await site.reader()).delete(f"{CERTIFICATES}/{'0' * 40}")
    assert await listed(site) == before


async def test_report_is_recorded_as_what_the_caller_says(site: Site) -> None:
    created = await site.admin.post(PATH, json=REPORT)
    assert (created.status_code, created.headers["location"]) == (201, f"{BASE_URL}{PATH}/2")
    (record, *_) = await listed(site)
    assert created.json() == record
    assert {**REPORT, "time": "2026-11-22T09:00:00.000Z"}.items() <= record.items()
    assert (record["user"], record["reportedBy"]) == ("admin", "admin")


async def test_report_may_name_who_did_it_and_says_who_reported(site: Site) -> None:
    record = (await site.admin.post(PATH, json={**REPORT, "user": "night watch"})).json()
    assert (record["user"], record["reportedBy"]) == ("night watch", "admin")


async def test_report_without_time_is_of_now(site: Site) -> None:
    report = {name: value for name, value in REPORT.items() if name != "time"}
    record = (await site.admin.post(PATH, json=report)).json()
    assert record["time"] == record["creationTime"] == "2026-11-23T09:00:00.000Z"


@pytest.mark.parametrize("missing", ["activity", "text", "type", "source"])
async def test_report_without_what_it_needs_is_refused(site: Site, missing: str) -> None:
    report = {name: value for name, value in REPORT.items() if name != missing}
    response = await site.admin.post(PATH, json=report)
    assert (response.status_code, missing in response.json()["message"]) == (422, True)


async def test_record_is_read_by_its_number(site: Site) -> None:
    (record,) = await listed(site)
    assert (await site.admin.get(f"{PATH}/{record['id']}")).json() == record


@pytest.mark.parametrize("number", ["0", "2", "x", "99999999999999999999"])
async def test_number_that_is_no_record_is_not_found(site: Site, number: str) -> None:
    response = await site.admin.get(f"{PATH}/{number}")
    assert (response.status_code, response.json()["error"]) == (404, "audit/Not Found")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_nothing_changes_a_record(site: Site, method: str) -> None:
    assert (await site.admin.request(method, f"{PATH}/1")).status_code == 405


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"type": "Cabinet"}, 1),
        ({"type": "Tenant"}, 1),
        ({"user": "admin"}, 1),
        ({"source": "4711"}, 1),
        ({"source": "4711", "type": "Tenant"}, 0),
        ({"dateFrom": "2026-11-23T00:00:00Z"}, 1),
        ({"dateTo": "2026-11-22T09:00:00Z"}, 1),
        ({"dateFrom": "2026-11-22T09:00:00Z", "dateTo": "2026-11-23T09:00:00Z"}, 2),
    ],
)
async def test_records_are_found_by_what_is_asked(site: Site, query: dict[str, str], found: int) -> None:
    await site.admin.post(PATH, json=REPORT)
    assert len(await listed(site, **query)) == found


async def test_moment_without_zone_is_refused(site: Site) -> None:
    assert (await site.admin.get(PATH, params={"dateFrom": "2026-11-23T00:00:00"})).status_code == 422


async def test_pages_follow_each_other(site: Site) -> None:
    for _ in range(3):
        await site.admin.post(PATH, json=REPORT)
    page = (await site.admin.get(PATH, params={"pageSize": 3, "withTotalPages": True, "type": "Cabinet"})).json()
    assert [record["id"] for record in page["auditRecords"]] == ["4", "3", "2"]
    assert (page["statistics"]["totalPages"], "next" in page) == (1, False)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, ["3", "2", "1"]),
        ({"revert": "true"}, ["3", "2", "1"]),
        ({"revert": "false"}, ["1", "2", "3"]),
        ({"revert": "false", "type": "Cabinet"}, ["2", "3"]),
    ],
)
async def test_latest_record_comes_first_unless_the_order_is_turned_round(
    site: Site, query: dict[str, str], numbers: list[str]
) -> None:
    for _ in range(2):
        await site.admin.post(PATH, json=REPORT)
    assert [record["id"] for record in await listed(site, **query)] == numbers


async def test_pages_in_the_other_order_follow_each_other(site: Site) -> None:
    for _ in range(2):
        await site.admin.post(PATH, json=REPORT)
    first = (await site.admin.get(PATH, params={"pageSize": 2, "revert": "false"})).json()
    second = (await site.admin.get(first["next"])).json()
    assert [record["id"] for page in (first, second) for record in page["auditRecords"]] == ["1", "2", "3"]
    assert "revert=false" in second["prev"]


async def test_reader_reads_and_reports_nothing(site: Site) -> None:
    reader = await site.reader()
    assert (await reader.get(PATH)).status_code == 200
    assert (await reader.post(PATH, json=REPORT)).status_code == 403


async def test_other_tenant_reads_its_own_log(site: Site) -> None:
    await site.admin.post(PATH, json=REPORT)
    stranger = await site.stranger()
    assert "Cabinet" not in (await stranger.get(PATH)).text
    assert (await stranger.get(f"{PATH}/2")).status_code == 404


async def test_operator_reads_the_log_of_the_operators_tenant(site: Site) -> None:
    records = (await site.operator.get(PATH)).json()["auditRecords"]
    assert {record["type"] for record in records} == {"SYSTEM", "Tenant"}
