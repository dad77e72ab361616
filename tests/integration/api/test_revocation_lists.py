"""Uploading the revocation lists of CAs."""

from datetime import timedelta

import httpx
import pytest
from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.api.conftest import BASE_URL, Device, Site
from support.certificates import Issued, root_authority
from support.revocation_lists import as_pem, revocation_list, scope

LISTS = "/certinel/revocationLists"
ONLINE = "/tenant/options/configuration/crl.online.check.enabled"


async def upload(site: Site, content: bytes) -> httpx.Response:
    return await site.admin.post(LISTS, content=content, headers={"content-type": "application/pkix-crl"})


async def token_works(device: Device) -> bool:
    return (await device.client.get("/inventory/managedObjects")).status_code == 200


async def test_uploaded_list_is_described(site: Site, device: Device, plant: Issued) -> None:
    answer = await upload(site, revocation_list(plant, [1, 2], number=2**70))
    assert answer.status_code == 201
    described = answer.json()
    assert answer.headers["location"] == described["self"] == f"{BASE_URL}{LISTS}/{described['id']}"
    assert described | {"id": "", "self": "", "issuerFingerprint": ""} == {
        "id": "",
        "self": "",
        "issuer": "CN=Plant CA, O=Example",
        "issuerFingerprint": "",
        "number": str(2**70),
        "thisUpdate": "2026-11-20T00:00:00.000Z",
        "nextUpdate": "2026-12-20T00:00:00.000Z",
        "current": True,
        "entryCount": 2,
        "uploadedAt": "2026-11-23T09:00:00.000Z",
    }
    assert (await site.admin.get(described["self"])).json() == described
    assert (await site.admin.get(LISTS)).json()["revocationLists"] == [described]


async def test_uploaded_list_is_given_back_as_it_is(site: Site, device: Device, plant: Issued) -> None:
    der = revocation_list(plant, [1])
    uploaded = (await upload(site, as_pem(der))).json()
    answer = await site.admin.get(f"{uploaded['self']}/file")
    assert (answer.headers["content-type"], answer.content) == ("application/pkix-crl", der)


async def test_token_of_a_device_on_the_list_dies_and_lives_again_when_it_is_deleted(
    site: Site, device: Device, plant: Issued, pump: Issued
) -> None:
    uploaded = (await upload(site, revocation_list(plant, [pump.certificate.serial_number]))).json()
    assert not await token_works(device)
    assert (await site.admin.delete(uploaded["self"])).status_code == 204
    assert await token_works(device)
    assert (await site.admin.get(uploaded["self"])).status_code == 404


async def test_newer_list_takes_the_place_of_the_older(site: Site, device: Device, plant: Issued, pump: Issued) -> None:
    await upload(site, revocation_list(plant, [pump.certificate.serial_number], number=1))
    assert (await upload(site, revocation_list(plant, [7], number=2))).status_code == 201
    assert await token_works(device)
    assert len((await site.admin.get(LISTS)).json()["revocationLists"]) == 1
    older = await upload(site, revocation_list(plant, [pump.certificate.serial_number], number=1))
    assert (older.status_code, older.json()["error"]) == (422, "revocation-list/older")


async def test_online_check_asks_for_a_current_list(site: Site, device: Device, plant: Issued) -> None:
    await site.admin.put(ONLINE, json={"value": True})
    assert not await token_works(device)
    await upload(site, revocation_list(plant))
    assert await token_works(device)
    site.clock.move(timedelta(days=40))
    assert not (await site.admin.get(LISTS)).json()["revocationLists"][0]["current"]
    assert not await token_works(device)


async def test_list_of_an_intermediate_needs_its_certificate_only_once(
    site: Site, device: Device, plant: Issued
) -> None:
    hall = plant.authority("Hall 3")
    assert (await upload(site, revocation_list(hall))).json()["error"] == "revocation-list/unknown-issuer"
    assert (await upload(site, as_pem(revocation_list(hall), hall))).status_code == 201
    assert (await upload(site, revocation_list(hall, [3], number=2))).status_code == 201


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("nonsense", "malformed"),
        ("delta", "delta"),
        ("partial", "partial-scope"),
        ("indirect", "indirect"),
        ("stranger", "unknown-issuer"),
        ("twin", "bad-signature"),
        ("weak", "weak-signature"),
        ("future", "not-yet-valid"),
        ("stale", "stale"),
        ("endless", "no-next-update"),
    ],
)
async def test_every_fault_has_its_code_and_stores_nothing(
    site: Site, device: Device, plant: Issued, kind: str, code: str
) -> None:
    now = site.clock.now()
    sent = {
        "nonsense": lambda: b"nonsense",
        "delta": lambda: revocation_list(plant, extensions=[(x509.DeltaCRLIndicator(1), True)]),
        "partial": lambda: revocation_list(plant, extensions=[scope(only_contains_ca_certs=True)]),
        "indirect": lambda: revocation_list(plant, extensions=[scope(indirect_crl=True)]),
        "stranger": lambda: revocation_list(root_authority("Unknown CA")),
        "twin": lambda: revocation_list(root_authority("Plant CA")),
        "weak": lambda: revocation_list(plant, digest="sha1"),
        "future": lambda: revocation_list(plant, this_update=now + timedelta(days=1)),
        "stale": lambda: revocation_list(plant, next_update=now - timedelta(days=1)),
        "endless": lambda: revocation_list(plant, next_update=None),
    }[kind]()
    answer = await upload(site, sent)
    assert (answer.status_code, answer.json()["error"]) == (422, f"revocation-list/{code}")
    assert (await site.admin.get(LISTS)).json()["revocationLists"] == []


async def test_ca_of_another_tenant_vouches_for_nothing_here(site: Site, device: Device, plant: Issued) -> None:
    stranger = await site.stranger()
    answer = await stranger.post(LISTS, content=revocation_list(plant))
    assert (answer.status_code, answer.json()["error"]) == (422, "revocation-list/unknown-issuer")


async def test_list_of_another_tenant_cannot_be_reached(site: Site, device: Device, plant: Issued) -> None:
    uploaded = (await upload(site, revocation_list(plant))).json()
    stranger = await site.stranger()
    for path in (uploaded["self"], f"{uploaded['self']}/file"):
        assert (await stranger.get(path)).status_code == 404
    assert (await stranger.delete(uploaded["self"])).status_code == 404


async def test_reader_reads_and_does_not_write(site: Site, device: Device, plant: Issued) -> None:
    reader = await site.reader()
    uploaded = (await upload(site, revocation_list(plant))).json()
    assert (await reader.get(f"{uploaded['self']}/file")).status_code == 200
    assert (await reader.post(LISTS, content=revocation_list(plant))).status_code == 403
    assert (await reader.delete(uploaded["self"])).status_code == 403


QUIET = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
CA = root_authority("Fuzzed CA")
WHOLE = revocation_list(CA, [1, 2, 3])


@QUIET
@given(
    st.binary()
    | st.binary().map(as_pem)
    | st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(max_size=4)).map(
        lambda change: WHOLE[: change[0]] + change[1] + WHOLE[change[0] + len(change[1]) :]
    )
)
async def test_any_file_is_answered(site: Site, content: bytes) -> None:
    assert (await upload(site, content)).status_code == 422
