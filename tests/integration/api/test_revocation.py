"""Revoking by REST: the contract's list of serial numbers, its signed form, and our own paths."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certinel.domain.audit import AuditType
from certinel.domain.identifiers import DeviceId
from certinel.services import audit
from certinel.storage.audit_records import AuditFilter
from certinel.storage.page import PageRequest
from integration.api.conftest import TENANT, Device, Site
from support.certificates import Issued, root_authority
from support.commands import run

CRL = "/tenant/trusted-certificates/settings/crl"
OWN = "/certinel/revocations"
OFFLINE = "/tenant/options/configuration/crl.offline.check.enabled"
DATE = "2023-01-11T16:12:36.288Z"
DATE_FAULT = "Unsupported date time format, supported format:yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"


def serials(*entries: str | tuple[str, str]) -> dict[str, Any]:
    pairs = [(entry, None) if isinstance(entry, str) else entry for entry in entries]
    return {
        "crls": [
            {"serialNumberInHex": serial} | ({"revocationDate": date} if date is not None else {})
            for serial, date in pairs
        ]
    }


async def listed(site: Site) -> dict[int, datetime]:
    """What is on the signed list, with its dates."""
    answer = await site.admin.get(CRL)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pkix-crl")
    return {one.serial_number: one.revocation_date_utc for one in x509.load_der_x509_crl(answer.content)}


async def put_csv(site: Site, content: bytes | str, name: str = "file") -> httpx.Response:
    return await site.admin.put(CRL, files={name: ("crl.csv", content, "text/csv")})


async def test_list_is_there_also_when_nothing_was_ever_revoked(site: Site) -> None:
    assert await listed(site) == {}


async def test_revoked_serials_are_on_the_list(site: Site) -> None:
    answer = await site.admin.put(CRL, json=serials("1000", ("8A:B3:4F:E5:47:06", DATE), "0x00ff"))
    assert (answer.status_code, answer.content) == (204, b"")
    now = site.clock.now()
    assert await listed(site) == {
        0x1000: now,
        0x8AB34FE54706: datetime(2023, 1, 11, 16, 12, 36, tzinfo=UTC),
        0xFF: now,
    }


async def test_nothing_is_a_list_of_serials_too(site: Site) -> None:
    assert (await site.admin.put(CRL, json={"crls": []})).status_code == 204


async def test_first_date_of_a_serial_stays(site: Site) -> None:
    await site.admin.put(CRL, json=serials(("1000", DATE)))
    await site.admin.put(CRL, json=serials("0x1000"))
    await put_csv(site, "SERIALNO,DATE\n00:10:00,2024-01-01T00:00:00.000Z\n")
    assert await listed(site) == {0x1000: datetime(2023, 1, 11, 16, 12, 36, tzinfo=UTC)}


async def test_same_serial_twice_in_one_call_is_one_entry(site: Site) -> None:
    await site.admin.put(CRL, json=serials(("1000", DATE), "1000", "001000"))
    assert len(await listed(site)) == 1


async def test_future_date_is_now(site: Site) -> None:
    await site.admin.put(CRL, json=serials(("1000", "2099-01-01T00:00:00.000Z")))
    assert await listed(site) == {0x1000: site.clock.now()}


@pytest.mark.parametrize(
    "body", [serials(("1000", "2023-01-11")), b"SERIALNO,DATE\n1000,2023-01-11\n"], ids=["JSON", "CSV"]
)
async def test_date_of_another_form_is_refused_in_the_words_of_the_contract(site: Site, body: Any) -> None:
    answer = await put_csv(site, body) if isinstance(body, bytes) else await site.admin.put(CRL, json=body)
    assert answer.status_code == 400
    assert (answer.json()["error"], answer.json()["message"]) == ("Device Certificates/Bad Request", DATE_FAULT)
    assert await listed(site) == {}


@pytest.mark.parametrize(
    "body",
    [
        serials(("2000", DATE), ""),
        {"crls": [{"revocationDate": DATE}]},
        {"crls": [{"serialNumberInHex": None}]},
        serials("xyz"),
        serials("1" + "0" * 200),
        {"crls": [{"serialNumberInHex": 1000}]},
        {"crls": {}},
        {},
    ],
)
async def test_serial_that_is_missing_or_none_refuses_the_whole_call(site: Site, body: dict[str, Any]) -> None:
    assert (await site.admin.put(CRL, json=body)).status_code == 422
    assert await listed(site) == {}


@pytest.mark.parametrize(
    "content",
    [
        f"SERIALNO,DATE\n1000,{DATE}\n1001,{DATE}",
        f"SERIAL NO.,REVOCATION DATE\r\n1000,{DATE}\r\n10:01,\r\n",
        "SERIAL NO. / REVOCATION DATE\n1000\n0x1001\n",
    ],
)
async def test_csv_of_every_client_is_read(site: Site, content: str) -> None:
    assert (await put_csv(site, content)).status_code == 204
    assert set(await listed(site)) == {0x1000, 0x1001}


async def test_csv_of_five_thousand_rows_is_taken_and_one_more_is_not(site: Site) -> None:
    rows = "".join(f"{number:x}\n" for number in range(1, 5001))
    assert (await put_csv(site, f"SERIALNO\n{rows}ffffff\n")).status_code == 422
    assert (await put_csv(site, f"SERIALNO\n{rows}")).status_code == 204
    assert len(await listed(site)) == 5000


async def test_csv_as_a_plain_field_of_the_form_is_read(site: Site) -> None:
    boundary = "x"
    body = f'--{boundary}\r\nContent-Disposition: form-data; name="file"\r\n\r\nSERIALNO\n1000\r\n--{boundary}--\r\n'
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    assert (await site.admin.put(CRL, content=body, headers=headers)).status_code == 204
    assert set(await listed(site)) == {0x1000}


async def test_form_without_the_file_is_refused(site: Site) -> None:
    assert (await put_csv(site, "SERIALNO\n1000\n", name="other")).status_code == 422


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=y", "text/csv"])
async def test_form_that_is_none_is_refused(site: Site, content_type: str) -> None:
    answer = await site.admin.put(CRL, content=b"SERIALNO\n1000\n", headers={"content-type": content_type})
    assert answer.status_code in {400, 415, 422}


async def test_list_is_signed_numbered_and_valid_for_thirty_days(site: Site) -> None:
    first = x509.load_der_x509_crl((await site.admin.get(CRL)).content)
    await site.admin.put(CRL, json=serials("1000"))
    second = x509.load_der_x509_crl((await site.admin.get(CRL)).content)
    issuer = x509.load_der_x509_certificate((await site.admin.get(f"{OWN}/issuer")).content)
    key = issuer.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert first.is_signature_valid(key)
    assert second.is_signature_valid(key)
    assert second.issuer.rfc4514_string() == f"CN={TENANT},O=certinel"
    assert second.next_update_utc == site.clock.now() + timedelta(days=30)
    numbers = [one.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for one in (first, second)]
    assert numbers[0] < numbers[1]


async def test_openssl_reads_the_list_and_verifies_it(site: Site, tmp_path: Any) -> None:
    await site.admin.put(CRL, json=serials("1953d9222cd"))
    ca = root_authority("Plant CA")
    await site.admin.post(OWN, json={"certInPemFormat": ca.device("pump").pem})
    (tmp_path / "t.crl").write_bytes((await site.admin.get(CRL)).content)
    issuer = x509.load_der_x509_certificate((await site.admin.get(f"{OWN}/issuer")).content)
    (tmp_path / "issuer.pem").write_bytes(issuer.public_bytes(Encoding.PEM))
    words = ["-inform", "DER", "-in", tmp_path / "t.crl", "-noout", "-text", "-CAfile", tmp_path / "issuer.pem"]
    printed = run("openssl", "crl", *words).succeeded()
    assert "Serial Number: 01953D9222CD" in str(printed)
    assert "verify OK" in str(printed)


async def test_head_of_the_list_has_its_type(site: Site) -> None:
    answer = await site.admin.head(CRL)
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "application/pkix-crl", b"")


async def test_list_of_one_tenant_is_not_that_of_another(site: Site) -> None:
    await site.admin.put(CRL, json=serials("1000"))
    stranger = await site.stranger()
    theirs = x509.load_der_x509_crl((await stranger.get(CRL)).content)
    assert list(theirs) == []
    assert (await stranger.get(OWN)).json()["revocations"] == []


async def test_reader_reads_and_does_not_write(site: Site) -> None:
    reader = await site.reader()
    assert (await reader.get(CRL)).status_code == 200
    assert (await reader.put(CRL, json=serials("1000"))).status_code == 403


async def test_switches_take_a_boolean_and_nothing_that_is_none(site: Site) -> None:
    key = "crl.offline.check.enabled"
    answer = await site.admin.put(OFFLINE, json={"category": "configuration", "key": key, "value": True})
    assert (answer.status_code, answer.json()["value"]) == (200, "true")
    assert site.platform.trust.revocation(TENANT).offline_check
    assert (await site.admin.put(OFFLINE, json={"value": "yes"})).status_code == 422
    await site.admin.delete(OFFLINE)
    assert not site.platform.trust.revocation(TENANT).offline_check


async def token_works(device: Device) -> bool:
    return (await device.client.get("/inventory/managedObjects")).status_code == 200


async def test_token_of_a_revoked_device_dies_at_once(site: Site, device: Device, pump: Issued) -> None:
    await site.admin.put(CRL, json=serials(f"{pump.certificate.serial_number:x}"))
    assert await token_works(device)
    await site.admin.put(OFFLINE, json={"value": "true"})
    assert not await token_works(device)
    await site.admin.put(OFFLINE, json={"value": "false"})
    assert await token_works(device)


async def test_token_dies_with_the_revocation_while_the_switch_is_on(site: Site, device: Device, pump: Issued) -> None:
    await site.admin.put(OFFLINE, json={"value": "true"})
    await put_csv(site, f"SERIALNO\n{pump.certificate.serial_number:X}\n")
    assert not await token_works(device)


async def test_rehearsal_shows_every_known_certificate_with_the_serial_and_changes_nothing(
    site: Site, device: Device, plant: Issued, pump: Issued
) -> None:
    other = root_authority("Other CA", serial=pump.certificate.serial_number)
    await site.trusted(other, name="other")
    answer = (
        await site.admin.post(f"{OWN}/rehearsal", json=serials(f"{pump.certificate.serial_number:X}", "77"))
    ).json()
    assert (answer["certificateCount"], answer["serialCount"]) == (2, 2)
    trusted, own = answer["certificates"]
    assert (trusted["subject"], trusted["trusted"], trusted["deviceCount"]) == ("CN=Other CA, O=Example", True, 0)
    assert (own["deviceCertificate"], own["devices"], own["trusted"]) == (True, ["pump-7"], False)
    assert await listed(site) == {}


async def test_rehearsal_shows_how_many_devices_have_a_ca_in_their_chain(
    site: Site, device: Device, plant: Issued
) -> None:
    for number in range(3):
        name = f"press-{number}"
        await site.connected_device(plant.device(name), DeviceId(name))
    answer = (await site.admin.post(f"{OWN}/rehearsal", json=serials(f"{plant.certificate.serial_number:x}"))).json()
    (found,) = answer["certificates"]
    assert (found["trusted"], found["deviceCertificate"], found["deviceCount"]) == (True, False, 4)
    assert sorted(found["devices"]) == ["press-0", "press-1", "press-2", "pump-7"]


async def test_rehearsal_says_nothing_of_other_tenants(site: Site, device: Device, pump: Issued) -> None:
    stranger = await site.stranger()
    answer = await stranger.post(f"{OWN}/rehearsal", json=serials(f"{pump.certificate.serial_number:x}"))
    assert answer.json()["certificates"] == []


@pytest.mark.parametrize("digest", ["sha1", "sha256", "upper", "colons"])
async def test_certificate_is_revoked_by_its_fingerprint(site: Site, device: Device, pump: Issued, digest: str) -> None:
    sha256 = hashlib.sha256(pump.der).hexdigest()
    fingerprint = {
        "sha1": hashlib.sha1(pump.der, usedforsecurity=False).hexdigest(),
        "sha256": sha256,
        "upper": sha256.upper(),
        "colons": ":".join(sha256[at : at + 2] for at in range(0, 64, 2)),
    }[digest]
    await site.admin.put(OFFLINE, json={"value": "true"})
    answer = await site.admin.post(OWN, json={"fingerprint": fingerprint})
    assert (answer.status_code, answer.json()["offlineCheckEnabled"]) == (201, True)
    (entry,) = answer.json()["revocations"]
    assert entry["serialNumberInHex"] == f"{pump.certificate.serial_number:x}"
    assert entry["issuer"] == "CN=Plant CA, O=Example"
    assert not await token_works(device)


async def test_certificate_is_revoked_by_serial_and_issuer(site: Site, device: Device, pump: Issued) -> None:
    serial = f"{pump.certificate.serial_number:x}"
    body = {"serialNumberInHex": serial, "issuer": "CN=Plant CA, O=Example", "revocationDate": DATE}
    answer = await site.admin.post(OWN, json=body)
    assert answer.json() == {
        "offlineCheckEnabled": False,
        "revocations": [{"serialNumberInHex": serial, "issuer": "CN=Plant CA, O=Example", "revocationDate": DATE}],
    }
    await site.admin.put(OFFLINE, json={"value": "true"})
    assert not await token_works(device)


async def test_same_serial_of_another_ca_is_left_alone(site: Site, device: Device, pump: Issued) -> None:
    other = root_authority("Other CA")
    await site.trusted(other, name="other")
    await site.admin.put(OFFLINE, json={"value": "true"})
    twin = other.device("twin", serial=pump.certificate.serial_number)
    assert (await site.admin.post(OWN, json={"certInPemFormat": twin.pem})).status_code == 201
    assert await token_works(device)


async def test_revoking_again_answers_with_the_first_date(site: Site, pump: Issued) -> None:
    body = {"certInPemFormat": base64.b64encode(pump.der).decode(), "revocationDate": DATE}
    await site.admin.post(OWN, json=body)
    again = await site.admin.post(OWN, json={"certInPemFormat": pump.pem})
    assert again.json()["revocations"][0]["revocationDate"] == DATE


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"serialNumberInHex": "1000"}, 422),
        ({"issuer": "CN=Plant CA"}, 422),
        ({"serialNumberInHex": "1000", "issuer": "CN=Nobody"}, 404),
        ({"fingerprint": "0" * 40}, 404),
        ({"fingerprint": "nonsense"}, 404),
        ({"certInPemFormat": "nonsense"}, 422),
        ({"fingerprint": "0" * 40, "revocationDate": "today"}, 400),
    ],
)
async def test_what_is_not_one_certificate_is_refused(site: Site, body: dict[str, str], status: int) -> None:
    assert (await site.admin.post(OWN, json=body)).status_code == status


async def test_entries_are_listed_the_latest_first(site: Site, pump: Issued) -> None:
    await site.admin.put(CRL, json=serials(("1000", DATE)))
    await site.admin.post(OWN, json={"certInPemFormat": pump.pem})
    page = (await site.admin.get(OWN, params={"withTotalElements": "true"})).json()
    assert page["statistics"]["totalElements"] == 2
    latest, first = page["revocations"]
    assert latest["issuer"] == "CN=Plant CA, O=Example"
    assert first == {"serialNumberInHex": "1000", "revocationDate": DATE}


async def test_revocation_is_in_the_audit_log(site: Site) -> None:
    await site.admin.put(CRL, json=serials("1000", "0xabc"))
    async with site.platform.database.reading() as tx:
        page = await audit.list_of(tx, TENANT, AuditFilter(type=AuditType.TRUSTED_CERTIFICATES), PageRequest())
    assert page.items[0].text == "Revoked serials: 1000, abc"
    assert page.items[0].user == "admin"


QUIET = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
values: st.SearchStrategy[Any] = st.none() | st.text() | st.integers() | st.lists(st.text(max_size=3), max_size=2)
entries = st.fixed_dictionaries(
    {}, optional={"serialNumberInHex": values | st.text(alphabet="0123456789abcdefx:"), "revocationDate": values}
)


@QUIET
@given(st.lists(entries, max_size=4) | values)
async def test_any_list_of_entries_is_answered(site: Site, crls: Any) -> None:
    for method, path in (("PUT", CRL), ("POST", f"{OWN}/rehearsal")):
        answer = await site.admin.request(method, path, content=json.dumps({"crls": crls}).encode())
        assert answer.status_code < 500, answer.text


@QUIET
@given(st.binary() | st.text(alphabet="0123456789abcdefx:;,\r\n").map(str.encode))
async def test_any_file_is_answered(site: Site, content: bytes) -> None:
    assert (await put_csv(site, content)).status_code < 500


@QUIET
@given(st.binary(), st.sampled_from(["multipart/form-data; boundary=x", "multipart/form-data"]))
async def test_any_form_is_answered(site: Site, content: bytes, content_type: str) -> None:
    for body in (content, b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n' + content + b"--x--"):
        answer = await site.admin.put(CRL, content=body, headers={"content-type": content_type})
        assert answer.status_code < 500, answer.text


@QUIET
@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("certInPemFormat", "fingerprint", "serialNumberInHex", "issuer", "revocationDate"), values
        ),
    )
)
async def test_any_certificate_to_revoke_is_answered(site: Site, body: dict[str, Any]) -> None:
    assert (await site.admin.post(OWN, content=json.dumps(body).encode())).status_code < 500
