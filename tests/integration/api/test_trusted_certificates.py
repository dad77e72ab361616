"""Uploading, listing, changing and deleting trusted certificates, in the contract's shapes."""

import base64
import hashlib
import re
import ssl
import textwrap
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from integration.api.conftest import BASE_URL, ON_ONE_ENGINE, TENANT, Site
from support.certificates import EXPIRED, NOT_YET_VALID, Issued, root_authority

LIST = f"/tenant/tenants/{TENANT}/trusted-certificates"


def upload_of(ca: Issued, **changes: Any) -> dict[str, Any]:
    return {"name": "plant", "status": "ENABLED", "certInPemFormat": ca.pem, **changes}


def fingerprint_of(ca: Issued) -> str:
    return hashlib.sha1(ca.der, usedforsecurity=False).hexdigest()


@pytest.fixture(scope="module")
def tedge() -> Issued:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "tedge04"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Thin Edge"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Test Device"),
        ]
    )
    return root_authority("tedge04", subject=subject, serial=0x48E2E80516001E6C)


async def test_upload_answers_the_whole_object(site: Site, tedge: Issued) -> None:
    response = await site.admin.post(LIST, json=upload_of(tedge, autoRegistrationEnabled=True))
    fingerprint = fingerprint_of(tedge)
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    assert response.headers["location"] == f"{BASE_URL}{LIST}/{fingerprint}"
    answer = response.json()
    code = answer.pop("proofOfPossessionUnsignedVerificationCode")
    assert len(base64.b64decode(code, validate=True)) == 120
    assert answer == {
        "algorithmName": "SHA256withECDSA",
        "autoRegistrationEnabled": True,
        "certInPemFormat": base64.b64encode(tedge.der).decode(),
        "fingerprint": fingerprint,
        "issuer": "OU=Test Device, O=Thin Edge, CN=tedge04",
        "name": "plant",
        "notAfter": "2045-01-01T00:00:00.000Z",
        "notBefore": "2025-01-01T00:00:00.000Z",
        "proofOfPossessionValid": False,
        "proofOfPossessionVerificationCodeUsableUntil": "2026-12-07T09:00:00.000Z",
        "self": f"{BASE_URL}{LIST}/{fingerprint}",
        "serialNumber": "5252015224009006700",
        "status": "ENABLED",
        "subject": "OU=Test Device, O=Thin Edge, CN=tedge04",
        "tenantCertificateAuthority": False,
        "version": 3,
    }


async def test_what_was_uploaded_is_read_back_equal(site: Site, plant: Issued) -> None:
    uploaded = await site.admin.post(LIST, json=upload_of(plant))
    read = await site.admin.get(f"{LIST}/{fingerprint_of(plant)}")
    assert (read.status_code, read.json()) == (200, uploaded.json())


async def test_fingerprint_in_upper_case_is_the_same_certificate(site: Site, plant: Issued) -> None:
    await site.trusted(plant)
    response = await site.admin.get(f"{LIST}/{fingerprint_of(plant).upper()}")
    assert response.json()["fingerprint"] == fingerprint_of(plant)


FORMS = {
    "PEM": lambda pem: pem,
    "PEM with carriage returns": lambda pem: pem.replace("\n", "\r\n"),
    "PEM without line breaks": lambda pem: pem.replace("\n", ""),
    "indented PEM": lambda pem: textwrap.indent(pem, "    "),
    "bare base64": lambda pem: base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode(),
    "output of openssl x509 -text": lambda pem: f"Certificate:\n    Data:\n        Version: 3 (0x2)\n{pem}",
}


@pytest.mark.parametrize("form", FORMS)
@ON_ONE_ENGINE
async def test_every_form_of_certificate_is_read(site: Site, plant: Issued, form: str) -> None:
    text = FORMS[form](plant.pem)
    response = await site.admin.post(LIST, json=upload_of(plant, certInPemFormat=text))
    assert response.status_code == 201
    assert response.json()["certInPemFormat"] == base64.b64encode(plant.der).decode()


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("true", True), ("false", False), (True, True), (False, False), (None, False)],
)
@ON_ONE_ENGINE
async def test_auto_registration_may_be_text(site: Site, plant: Issued, sent: object, stored: bool) -> None:
    response = await site.admin.post(LIST, json=upload_of(plant, autoRegistrationEnabled=sent))
    assert response.json()["autoRegistrationEnabled"] is stored


async def test_auto_registration_is_off_when_it_is_missing(site: Site, plant: Issued) -> None:
    response = await site.admin.post(LIST, json=upload_of(plant))
    assert response.json()["autoRegistrationEnabled"] is False


async def test_whole_object_read_elsewhere_can_be_uploaded(site: Site, plant: Issued) -> None:
    first = (await site.admin.post(LIST, json=upload_of(plant))).json()
    await site.admin.delete(f"{LIST}/{fingerprint_of(plant)}")
    again = await site.admin.post(LIST, json={**first, "version": 99, "unknown": {"a": []}, "serialNumber": None})
    code = {"proofOfPossessionUnsignedVerificationCode": again.json()["proofOfPossessionUnsignedVerificationCode"]}
    assert (again.status_code, again.json()) == (201, {**first, **code})


async def test_seed_upload_with_its_form_of_json_works(site: Site, plant: Issued) -> None:
    line = plant.pem.replace("\n", "")
    body = (
        '    {\n    \t"status" :  "ENABLED",\n    \t"name" : "certificateName",\n'
        f'    \t"autoRegistrationEnabled" : "true",\n    \t"certInPemFormat" : "{line}"\n    }}\n'
    )
    response = await site.admin.post(LIST, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 201


@ON_ONE_ENGINE
async def test_raw_line_break_in_the_certificate_is_named(site: Site, plant: Issued) -> None:
    body = f'{{"status": "ENABLED", "name": "a", "certInPemFormat": "{plant.pem}"}}'
    response = await site.admin.post(LIST, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert "raw line break" in response.json()["message"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json;charset=UTF-8",
        "application/vnd.com.nsn.cumulocity.trustedCertificate+json;ver=0.9;",
        "text/plain",
        None,
    ],
)
@ON_ONE_ENGINE
async def test_body_is_json_whatever_it_is_called(site: Site, plant: Issued, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    content = f'{{"status": "ENABLED", "certInPemFormat": "{base64.b64encode(plant.der).decode()}"}}'
    response = await site.admin.post(LIST, content=content, headers=headers)
    assert (response.status_code, response.json()["name"]) == (201, "")


@ON_ONE_ENGINE
async def test_without_accept_header_the_answer_has_no_body(site: Site, plant: Issued) -> None:
    client = site.admin
    del client.headers["accept"]
    created = await client.post(LIST, json=upload_of(plant))
    changed = await client.put(f"{LIST}/{fingerprint_of(plant)}", json={"name": "b"})
    assert (created.status_code, created.content) == (201, b"")
    assert created.headers["location"].endswith(fingerprint_of(plant))
    assert (changed.status_code, changed.content) == (200, b"")


@ON_ONE_ENGINE
async def test_error_has_a_body_without_accept_header_too(site: Site) -> None:
    client = site.admin
    del client.headers["accept"]
    response = await client.post(LIST, json={})
    assert (response.status_code, set(response.json())) == (422, {"error", "message", "info"})


async def test_second_upload_is_a_conflict(site: Site, plant: Issued) -> None:
    await site.trusted(plant)
    response = await site.admin.post(LIST, json=upload_of(plant, name="again"))
    fingerprint = fingerprint_of(plant)
    assert response.status_code == 409
    assert response.json()["message"] == (
        f"Cannot add certificate - certificate with {fingerprint} fingerprint already exists. : "
        f"Certificate with {fingerprint} fingerprint already exists."
    )


async def test_other_tenants_certificate_can_be_uploaded(site: Site, plant: Issued) -> None:
    stranger = await site.stranger()
    await site.trusted(plant)
    response = await stranger.post(LIST.replace(TENANT, "t2000"), json=upload_of(plant))
    assert response.status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"certInPemFormat": "no certificate"},
        {"certInPemFormat": ""},
        {"certInPemFormat": None},
        {"certInPemFormat": 7},
        {"certInPemFormat": base64.b64encode(b"abc").decode()},
        {"status": "MAYBE"},
        {"status": None},
        {"autoRegistrationEnabled": "perhaps"},
        {"name": "a\nb"},
        {"name": "n" * 100_000},
        {"name": ["a"]},
    ],
)
@ON_ONE_ENGINE
async def test_invalid_upload_is_unprocessable(site: Site, plant: Issued, changes: dict[str, Any]) -> None:
    response = await site.admin.post(LIST, json=upload_of(plant, **changes))
    assert (response.status_code, response.json()["error"]) == (422, "tenants/Unprocessable Entity")


@pytest.mark.parametrize("missing", ["certInPemFormat", "status"])
@ON_ONE_ENGINE
async def test_missing_field_is_named(site: Site, plant: Issued, missing: str) -> None:
    body = upload_of(plant)
    del body[missing]
    response = await site.admin.post(LIST, json=body)
    assert response.status_code == 422
    assert missing in response.json()["message"]


async def test_certificate_that_is_no_ca_is_unprocessable(site: Site, pump: Issued) -> None:
    response = await site.admin.post(LIST, json=upload_of(pump))
    assert response.status_code == 422
    assert response.json()["message"] == "Cannot process certificate data. : Certificate must be a CA certificate"


async def test_expired_certificate_is_unprocessable(site: Site) -> None:
    response = await site.admin.post(LIST, json=upload_of(root_authority("Old CA", valid=EXPIRED)))
    assert response.status_code == 422
    assert response.json()["message"] == "Can not activate a certificate which is either expired or not yet valid"


async def test_certificate_of_the_future_is_accepted(site: Site) -> None:
    response = await site.admin.post(LIST, json=upload_of(root_authority("Next CA", valid=NOT_YET_VALID)))
    assert response.status_code == 201


async def test_first_of_several_certificates_counts(site: Site, plant: Issued, tedge: Issued) -> None:
    response = await site.admin.post(LIST, json=upload_of(plant, certInPemFormat=plant.pem + tedge.pem))
    assert response.json()["fingerprint"] == fingerprint_of(plant)


async def test_certificate_outside_the_trust_store_is_listed(site: Site, plant: Issued) -> None:
    await site.admin.post(f"{LIST}?addToTrustStore=False", json=upload_of(plant))
    assert len((await site.admin.get(LIST)).json()["certificates"]) == 1


@pytest.fixture
def three() -> list[Issued]:
    return [root_authority(f"CA {number}") for number in range(3)]


async def test_bulk_upload_stores_all(site: Site, three: list[Issued]) -> None:
    body = {"certificates": [upload_of(ca) for ca in three]}
    response = await site.admin.post(f"{LIST}/bulk", json=body)
    assert response.status_code == 201
    assert [one["fingerprint"] for one in response.json()["certificates"]] == [fingerprint_of(ca) for ca in three]
    assert response.json()["statistics"] == {"currentPage": 1, "pageSize": 3}
    assert response.json()["self"] == f"{BASE_URL}{LIST}/bulk"


async def test_bulk_upload_with_one_fault_stores_nothing(site: Site, three: list[Issued]) -> None:
    body = {"certificates": [upload_of(three[0]), upload_of(three[1], certInPemFormat="x")]}
    response = await site.admin.post(f"{LIST}/bulk", json=body)
    assert response.status_code == 422
    assert (await site.admin.get(LIST)).json()["certificates"] == []


async def test_bulk_upload_of_the_same_certificate_twice_is_a_conflict(site: Site, plant: Issued) -> None:
    response = await site.admin.post(f"{LIST}/bulk", json={"certificates": [upload_of(plant), upload_of(plant)]})
    assert response.status_code == 409
    assert (await site.admin.get(LIST)).json()["certificates"] == []


async def test_list_is_paged(site: Site, three: list[Issued]) -> None:
    for ca in three:
        await site.trusted(ca)
    page = (await site.admin.get(f"{LIST}?pageSize=2&currentPage=2&withTotalPages=true&withTotalElements=true")).json()
    assert [one["fingerprint"] for one in page["certificates"]] == [fingerprint_of(three[2])]
    assert page["statistics"] == {"currentPage": 2, "pageSize": 2, "totalPages": 2, "totalElements": 3}
    assert page["self"].startswith(f"{BASE_URL}{LIST}?")
    assert re.search(r"currentPage=(-?\d+)", page["prev"])[1] == "1"  # type: ignore[index]
    assert "next" not in page


async def test_first_page_points_to_the_next_only(site: Site, three: list[Issued]) -> None:
    for ca in three:
        await site.trusted(ca)
    page = (await site.admin.get(f"{LIST}?pageSize=2")).json()
    assert page["statistics"] == {"currentPage": 1, "pageSize": 2}
    assert re.search(r"currentPage=(-?\d+)", page["next"])[1] == "2"  # type: ignore[index]
    assert "prev" not in page


async def test_following_next_ends_on_an_empty_page(site: Site, three: list[Issued]) -> None:
    for ca in three:
        await site.trusted(ca)
    found, url = [], f"{LIST}?pageSize=1"
    while True:
        page = (await site.admin.get(url)).json()
        if not page["certificates"]:
            break
        found += [one["fingerprint"] for one in page["certificates"]]
        url = page["next"]
    assert found == [fingerprint_of(ca) for ca in three]


async def test_default_page_has_five_members(site: Site) -> None:
    page = (await site.admin.get(LIST)).json()
    assert page["statistics"] == {"currentPage": 1, "pageSize": 5}


async def test_large_page_size_is_trimmed(site: Site) -> None:
    page = (await site.admin.get(f"{LIST}?pageSize=99999999999999999999")).json()
    assert page["statistics"]["pageSize"] == 2000


@pytest.mark.parametrize(
    "query",
    [
        "currentPage=0",
        "currentPage=-1",
        "currentPage=x",
        "pageSize=0",
        "pageSize=",
        "withTotalPages=maybe",
        "currentPage=99999999999999999999",
    ],
)
@ON_ONE_ENGINE
async def test_impossible_page_is_unprocessable(site: Site, query: str) -> None:
    response = await site.admin.get(f"{LIST}?{query}")
    assert response.status_code == 422
    assert query.partition("=")[0] in response.json()["message"]


async def test_page_far_beyond_the_end_is_empty(site: Site) -> None:
    page = (await site.admin.get(f"{LIST}?currentPage=2147483647&pageSize=2000")).json()
    assert page["certificates"] == []


async def test_tenant_has_no_certificate_authority_of_its_own(site: Site, plant: Issued) -> None:
    await site.trusted(plant)
    page = (await site.admin.get(f"{LIST}?certificateAuthority=true&pageSize=5&withTotalElements=true")).json()
    assert (page["certificates"], page["statistics"]["totalElements"]) == ([], 0)


async def test_update_changes_what_is_named_and_keeps_the_rest(site: Site, plant: Issued) -> None:
    uploaded = (await site.admin.post(LIST, json=upload_of(plant, autoRegistrationEnabled=True))).json()
    fingerprint = fingerprint_of(plant)
    changes = {"fingerprint": "0" * 40, "status": "DISABLED", "certInPemFormat": "ignored", "name": None}
    response = await site.admin.put(f"{LIST}/{fingerprint}", json=changes)
    assert response.status_code == 200
    assert response.json() == {**uploaded, "status": "DISABLED"}


async def test_post_with_method_override_is_an_update(site: Site, plant: Issued) -> None:
    await site.trusted(plant)
    response = await site.admin.post(
        f"{LIST}/{fingerprint_of(plant)}", json={"name": "renamed"}, headers={"X-HTTP-METHOD": "PUT"}
    )
    assert (response.status_code, response.json()["name"]) == (200, "renamed")


async def test_enabling_an_expired_certificate_is_unprocessable(site: Site, plant: Issued) -> None:
    await site.trusted(plant)
    site.clock.set(plant.certificate.not_valid_after_utc.replace(year=2046))
    response = await site.admin.put(f"{LIST}/{fingerprint_of(plant)}", json={"status": "ENABLED"})
    assert response.status_code == 422
    assert response.json()["message"] == "Can not activate a certificate which is either expired or not yet valid"


async def test_expired_certificate_stays_listed(site: Site, plant: Issued) -> None:
    await site.trusted(plant)
    site.clock.set(plant.certificate.not_valid_after_utc.replace(year=2046))
    assert len((await site.admin.get(LIST)).json()["certificates"]) == 1


async def test_deleted_certificate_is_gone(site: Site, plant: Issued) -> None:
    await site.trusted(plant)
    deleted = await site.admin.delete(f"{LIST}/{fingerprint_of(plant)}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await site.admin.get(f"{LIST}/{fingerprint_of(plant)}")).status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("fingerprint", ["0" * 40, "x", "%F0%9F%94%91", "a%2Fb"])
@ON_ONE_ENGINE
async def test_unknown_fingerprint_is_not_found(site: Site, method: str, fingerprint: str) -> None:
    response = await site.admin.request(method, f"{LIST}/{fingerprint}", json={} if method == "PUT" else None)
    assert response.status_code == 404
    assert response.json()["error"] == "certificate/Not Found"
    assert response.json()["message"].startswith("Cannot find certificate with fingerprint ")
    assert response.json()["message"].endswith(".")


async def test_unknown_tenant_is_not_found(site: Site) -> None:
    fingerprint = "0" * 40
    response = await site.operator.get(f"/tenant/tenants/t01/trusted-certificates/{fingerprint}")
    assert response.status_code == 404
    assert (response.json()["error"], response.json()["message"]) == (
        "security/Not Found",
        "There is no tenant with id = t01",
    )


async def test_nobody_but_the_operator_learns_which_tenants_there_are(site: Site) -> None:
    stranger = await site.stranger()
    answers = [await stranger.get(f"/tenant/tenants/{tenant}/trusted-certificates") for tenant in (TENANT, "t01")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].text == answers[1].text


@pytest.mark.parametrize("method", ["GET", "POST"])
@ON_ONE_ENGINE
async def test_other_tenants_list_is_forbidden(site: Site, plant: Issued, method: str) -> None:
    stranger = await site.stranger()
    response = await stranger.request(method, LIST, json=upload_of(plant) if method == "POST" else None)
    assert response.status_code == 403
    assert response.json()["message"] == "Access is denied."


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@ON_ONE_ENGINE
async def test_other_tenants_certificate_is_forbidden(site: Site, plant: Issued, method: str) -> None:
    fingerprint = await site.trusted(plant)
    stranger = await site.stranger()
    response = await stranger.request(method, f"{LIST}/{fingerprint}", json={"name": "x"} if method == "PUT" else None)
    assert response.status_code == 403


async def test_management_tenant_reads_changes_and_deletes_of_any_tenant(site: Site, plant: Issued) -> None:
    url = f"{LIST}/{await site.trusted(plant)}"
    assert (await site.operator.get(url)).status_code == 200
    assert (await site.operator.put(url, json={"status": "DISABLED"})).json()["status"] == "DISABLED"
    assert (await site.operator.delete(url)).status_code == 204


async def test_management_tenant_does_not_list_or_upload_for_others(site: Site, plant: Issued) -> None:
    assert (await site.operator.get(LIST)).status_code == 403
    assert (await site.operator.post(LIST, json=upload_of(plant))).status_code == 403


async def test_reader_reads_and_changes_nothing(site: Site, plant: Issued) -> None:
    url = f"{LIST}/{await site.trusted(plant)}"
    reader = await site.reader()
    assert (await reader.get(LIST)).status_code == 200
    assert (await reader.get(url)).status_code == 200
    assert (await reader.put(url, json={"name": "x"})).status_code == 403
    assert (await reader.delete(url)).status_code == 403


@ON_ONE_ENGINE
async def test_unknown_vendor_type_is_answered_in_json(site: Site) -> None:
    accept = "application/vnd.com.nsn.cumulocity.customTrustedCertificateCollection+json"
    response = await site.admin.get(LIST, headers={"accept": accept})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")


@ON_ONE_ENGINE
async def test_self_follows_host_and_scheme_of_the_request(site: Site, plant: Issued) -> None:
    fingerprint = await site.trusted(plant)
    client = site.person(f"{TENANT}/admin", base_url="http://localhost:8080")
    response = await client.get(f"{LIST}/{fingerprint}")
    assert response.json()["self"] == f"http://localhost:8080{LIST}/{fingerprint}"


async def test_armour_is_not_in_answers(site: Site, plant: Issued) -> None:
    await site.trusted(plant)
    (read,) = (await site.admin.get(LIST)).json()["certificates"]
    assert ssl.DER_cert_to_PEM_cert(base64.b64decode(read["certInPemFormat"], validate=True)) == plant.pem
