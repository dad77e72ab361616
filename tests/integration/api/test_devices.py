"""Devices over REST: their shape, paging, filters, changes, expiries, rehearsals, the overview."""

from datetime import timedelta
from typing import Any

import pytest

from certinel.domain.identifiers import DeviceId
from integration.api.conftest import BASE_URL, ON_ONE_ENGINE, TENANT, Site
from support import fleet
from support.certificates import Issued
from support.clock import START

pytestmark = ON_ONE_ENGINE

PATH = "/certinel/devices"
DAY = timedelta(days=1)


@pytest.fixture
async def fingerprint(site: Site, plant: Issued) -> str:
    return await site.trusted(plant)


@pytest.fixture
async def pump(site: Site, plant: Issued, fingerprint: str) -> Issued:
    """A device that has connected."""
    pump = plant.device("pump", serial=0xBEEF, valid=(START - DAY, START + 30 * DAY))
    await fleet.connect(site.platform, pump)
    return pump


async def listed(site: Site, **query: Any) -> dict[str, Any]:
    response = await site.admin.get(PATH, params=query)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def ids(site: Site, **query: Any) -> list[str]:
    return [device["id"] for device in (await listed(site, **query))["devices"]]


async def test_device_is_described_with_its_certificate(site: Site, pump: Issued, fingerprint: str) -> None:
    (device,) = (await listed(site))["devices"]
    certificate = device.pop("certificate")
    assert device == {
        "id": "pump",
        "self": f"{BASE_URL}{PATH}/pump",
        "userName": "device_pump",
        "enabled": True,
        "registrationTime": "2026-11-23T09:00:00.000Z",
        "connected": False,
        "lastSeen": "2026-11-23T09:00:00.000Z",
    }
    assert (len(certificate.pop("fingerprint")), len(certificate.pop("sha256"))) == (40, 64)
    assert certificate == {
        "subject": "CN=pump, O=Example",
        "issuer": "CN=Plant CA, O=Example",
        "serialNumberHex": "beef",
        "notBefore": "2026-11-22T09:00:00.000Z",
        "notAfter": "2026-12-23T09:00:00.000Z",
        "trustedCertificate": fingerprint,
        "firstSeen": "2026-11-23T09:00:00.000Z",
        "lastSeen": "2026-11-23T09:00:00.000Z",
        "current": True,
    }


async def test_one_device_has_its_certificates_and_its_connections(site: Site, plant: Issued, pump: Issued) -> None:
    await fleet.connect(site.platform, plant.device("pump", serial=1))
    device = (await site.admin.get(f"{PATH}/pump")).json()
    assert {(one["serialNumberHex"], one["current"]) for one in device["certificates"]} == {
        ("beef", False),
        ("1", True),
    }
    assert [one["outcome"] for one in device["lastConnections"]] == ["ADMITTED", "ADMITTED"]


async def test_connected_device_says_since_when(site: Site, pump: Issued) -> None:
    site.platform.presence.arrived(TENANT, DeviceId("pump"))
    device = (await site.admin.get(f"{PATH}/pump")).json()
    assert (device["connected"], device["connectedSince"]) == (True, "2026-11-23T09:00:00.000Z")


async def test_object_of_the_inventory_is_named(site: Site, pump: Issued) -> None:
    number = await site.add_object("device_pump", "pump")
    (device,) = (await listed(site))["devices"]
    address = f"{BASE_URL}/inventory/managedObjects/{number}"
    assert device["managedObject"] == {"id": str(number), "self": address}


async def test_pages_follow_each_other_by_next(site: Site, plant: Issued, fingerprint: str) -> None:
    await fleet.connect(site.platform, *fleet.devices_of(plant, ["a", "b", "c", "d", "e"]))
    found, page = [], await listed(site, pageSize=2, enabled=True)
    while True:
        found += [device["id"] for device in page["devices"]]
        if "next" not in page:
            break
        page = (await site.admin.get(page["next"])).json()
    assert found == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("cursor", ["x", "", "W10", "WyJhIiwxXQ", "WzAsIlx1MDAwMCIsMF0", "WzAsImEiLC0xXQ", "a" * 5000])
async def test_cursor_that_is_none_is_refused(site: Site, cursor: str) -> None:
    assert (await site.admin.get(PATH, params={"after": cursor})).status_code == 422


async def test_filters_hold_together(site: Site, pump: Issued, fingerprint: str) -> None:
    assert await ids(site, search="BE:EF", connected=False, enabled=True, trustedCertificate=fingerprint) == ["pump"]
    assert await ids(site, expiresWithinDays=30) == ["pump"]
    assert await ids(site, expiresFrom="2026-12-01T00:00:00Z", expiresTo="2026-12-31T23:59:59Z") == ["pump"]
    for query in (
        {"search": "x"},
        {"connected": True},
        {"enabled": False},
        {"expiresWithinDays": 29},
        {"expiresFrom": "2027-01-01T00:00:00Z"},
        {"expiresTo": "2026-12-01T00:00:00Z", "expiresWithinDays": 90},
        {"trustedCertificate": "0" * 40},
    ):
        assert await ids(site, **query) == [], query


async def test_disabled_device_is_let_in_again_when_it_is_enabled(site: Site, pump: Issued) -> None:
    for enabled in (False, True):
        response = await site.admin.put(f"{PATH}/pump", json={"enabled": enabled})
        assert (response.status_code, response.json()["enabled"]) == (200, enabled)
        assert await ids(site, enabled=enabled) == ["pump"]


async def test_deleted_device_is_gone(site: Site, pump: Issued) -> None:
    assert (await site.admin.delete(f"{PATH}/pump")).status_code == 204
    assert (await site.admin.get(f"{PATH}/pump")).status_code == 404
    assert (await site.admin.delete(f"{PATH}/pump")).status_code == 404


async def test_device_user_shows_its_certificates_when_asked(site: Site, pump: Issued) -> None:
    path = f"/user/{TENANT}/users/device_pump"
    assert "provisionedCertificates" not in (await site.admin.get(path)).json()
    user = (await site.admin.get(path, params={"withCertificates": True})).json()
    assert user["provisionedCertificates"] == [
        {
            "serialNumber": "beef",
            "notBefore": "2026-11-22T09:00:00.000Z",
            "notAfter": "2026-12-23T09:00:00.000Z",
        }
    ]


async def test_person_has_no_certificates_to_show(site: Site) -> None:
    user = (await site.admin.get(f"/user/{TENANT}/users/admin", params={"withCertificates": True})).json()
    assert "provisionedCertificates" not in user


async def test_reader_looks_and_changes_nothing(site: Site, pump: Issued) -> None:
    reader = await site.reader()
    assert (await reader.get(f"{PATH}/pump")).status_code == 200
    assert (await reader.put(f"{PATH}/pump", json={"enabled": False})).status_code == 403
    assert (await reader.delete(f"{PATH}/pump")).status_code == 403


async def test_other_tenant_does_not_see_the_device(site: Site, pump: Issued) -> None:
    stranger = await site.stranger()
    assert (await stranger.get(PATH)).json()["devices"] == []
    assert (await stranger.get(f"{PATH}/pump")).json() == (await stranger.get(f"{PATH}/pump")).json()
    for call in (stranger.get(f"{PATH}/pump"), stranger.delete(f"{PATH}/pump")):
        response = await call
        assert (response.status_code, response.json()["message"]) == (404, "There is no device with id = pump")


# ---- expiries, rehearsals, overview


async def test_certificates_that_end_soon_are_listed(site: Site, pump: Issued) -> None:
    answer = (await site.admin.get("/certinel/expiries/devices", params={"withinDays": 30})).json()
    assert [(one["device"], one["serialNumberHex"]) for one in answer["certificates"]] == [("pump", "beef")]
    answer = (await site.admin.get("/certinel/expiries/devices", params={"withinDays": 29})).json()
    assert answer["certificates"] == []


async def test_pages_of_expiries_follow_each_other(site: Site, plant: Issued, fingerprint: str) -> None:
    devices = [plant.device(f"d{n}", valid=(START - DAY, START + n * DAY)) for n in range(1, 6)]
    await fleet.connect(site.platform, *devices)
    found, address = [], "/certinel/expiries/devices?pageSize=2"
    while address:
        page = (await site.admin.get(address)).json()
        found += [one["device"] for one in page["certificates"]]
        address = page.get("next")
    assert found == ["d1", "d2", "d3", "d4", "d5"]


async def test_trusted_certificates_that_end_soon_are_listed(site: Site, fingerprint: str) -> None:
    path = "/certinel/expiries/trustedCertificates"
    assert (await site.admin.get(path)).json() == {"certificates": []}
    (one,) = (await site.admin.get(path, params={"withinDays": 36_500})).json()["certificates"]
    assert (one["fingerprint"], one["name"], one["status"]) == (fingerprint, "plant", "ENABLED")


async def test_expiries_are_counted_by_month(site: Site, pump: Issued) -> None:
    answer = (await site.admin.get("/certinel/expiries/months", params={"months": 2})).json()
    assert answer["months"] == [
        {"month": "2026-11", "deviceCertificates": 0, "trustedCertificates": 0},
        {"month": "2026-12", "deviceCertificates": 1, "trustedCertificates": 0},
    ]


@pytest.mark.parametrize(
    ("change", "code"), [("DISABLE", "trust/disabled"), ("DELETE", "trust/deleted"), ("EXPIRE", "trust/expired")]
)
async def test_rehearsal_tells_who_would_lose_access(
    site: Site, pump: Issued, fingerprint: str, change: str, code: str
) -> None:
    path = f"/certinel/rehearsals/trustedCertificates/{fingerprint}"
    answer = (await site.admin.get(path, params={"change": change})).json()
    assert [(one["device"], one["code"]) for one in answer["devices"]] == [("pump", code)]
    assert (answer["examinedCount"], "next" in answer) == (1, False)


async def test_rehearsal_needs_a_trusted_certificate_and_a_change_that_can_be(site: Site, fingerprint: str) -> None:
    path = "/certinel/rehearsals/trustedCertificates/"
    assert (await site.admin.get(path + fingerprint, params={"change": "BURN"})).status_code == 422
    assert (await site.admin.get(path + "0" * 40, params={"change": "DELETE"})).status_code == 404


async def test_rehearsal_of_a_revocation_tells_who_would_lose_access(site: Site, pump: Issued) -> None:
    option = "/tenant/options/configuration/crl.offline.check.enabled"
    assert (await site.admin.put(option, json={"value": "true"})).is_success
    body = {"crls": [{"serialNumberInHex": "BEEF"}]}
    answer = (await site.admin.post("/certinel/rehearsals/revocations", json=body)).json()
    assert [(one["device"], one["code"]) for one in answer["devices"]] == [("pump", "revocation/device")]


async def test_overview_counts_devices_connections_and_reasons(site: Site, pump: Issued, fingerprint: str) -> None:
    answer = (await site.admin.get("/certinel/overview", params={"count": 2})).json()
    assert answer == {
        "deviceCount": 1,
        "connectedCount": 0,
        "trustedCertificateCount": 1,
        "trustedCertificatesLackingProof": [fingerprint],
        "connections": [
            {"begins": "2026-11-23T08:00:00.000Z", "admitted": 0, "refused": 0},
            {"begins": "2026-11-23T09:00:00.000Z", "admitted": 1, "refused": 0},
        ],
        "refusals": [],
    }


@pytest.mark.parametrize("count", [0, 721])
async def test_overview_of_a_time_that_is_not_kept_is_refused(site: Site, count: int) -> None:
    assert (await site.admin.get("/certinel/overview", params={"count": count})).status_code == 422
