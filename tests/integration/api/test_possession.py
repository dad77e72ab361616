"""Proving possession over REST, with what people really type: openssl."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from certinel.api.app import create_app
from certinel.api.openapi import document_of
from certinel.services.platform import Platform
from integration.api.conformance import Conformance
from integration.api.conftest import OTHER_TENANT, TENANT, Site
from support.certificates import Issued, name, root_authority
from support.commands import shell

CODE = "proofOfPossessionUnsignedVerificationCode"
UNTIL = "proofOfPossessionVerificationCodeUsableUntil"
VALID = "proofOfPossessionValid"
WARNING = "proofOfPossessionWarning"
SIGNED = "proofOfPossessionSignedVerificationCode"


def list_of(tenant: str = TENANT) -> str:
    return f"/tenant/tenants/{tenant}/trusted-certificates"


def pop_of(fingerprint: str, tenant: str = TENANT) -> str:
    return f"/tenant/tenants/{tenant}/trusted-certificates-pop/{fingerprint}"


async def uploaded(client: httpx.AsyncClient, ca: Issued, tenant: str = TENANT) -> dict[str, Any]:
    body = {"name": "plant", "status": "ENABLED", "certInPemFormat": ca.pem}
    response = await client.post(list_of(tenant), json=body)
    assert response.status_code == 201
    answer: dict[str, Any] = response.json()
    return answer


def signed(ca: Issued, code: str, folder: Path, *, end: str = "", options: str = "", password: str = "") -> str:
    """What openssl makes of the code, by the command of the documentation."""
    (folder / "code.txt").write_bytes(f"{code}{end}".encode())
    (folder / "private.key").write_text(ca.key_pem(password or None))
    line = f"openssl dgst -sha256 {options} -sign private.key code.txt | openssl base64 -A"
    return shell(line, folder=folder).succeeded().output


async def proven(client: httpx.AsyncClient, ca: Issued, folder: Path, tenant: str = TENANT) -> dict[str, Any]:
    certificate = await uploaded(client, ca, tenant)
    signature = signed(ca, certificate[CODE], folder)
    response = await client.post(pop_of(certificate["fingerprint"], tenant) + "/pop", json={SIGNED: signature})
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


PSS = "-sigopt rsa_padding_mode:pss"


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r"], ids=["no line end", "LF", "CRLF", "CR"])
@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("rsa-2048", ""),
        ("rsa-2048", PSS),
        ("rsa-2048", f"{PSS} -sigopt rsa_pss_saltlen:-1"),
        ("ec-p256", ""),
        ("ec-p384", ""),
    ],
    ids=["RSA", "PSS", "PSS with a short salt", "P-256", "P-384"],
)
async def test_signature_by_openssl_proves_possession(
    site: Site, tmp_path: Path, key: str, options: str, end: str
) -> None:
    ca = root_authority("Plant CA", key=key)
    certificate = await uploaded(site.admin, ca)
    signature = signed(ca, certificate[CODE], tmp_path, end=end, options=options)
    response = await site.admin.post(pop_of(certificate["fingerprint"]) + "/pop", json={SIGNED: signature})
    expected = {field: value for field, value in certificate.items() if field not in {CODE, UNTIL}}
    assert (response.status_code, response.json()) == (200, {**expected, VALID: True})


async def test_key_may_be_encrypted(site: Site, plant: Issued, tmp_path: Path) -> None:
    certificate = await uploaded(site.admin, plant)
    signature = signed(plant, certificate[CODE], tmp_path, options="-passin pass:s3cret", password="s3cret")
    response = await site.admin.post(pop_of(certificate["fingerprint"]) + "/pop", json={SIGNED: signature})
    assert response.json()[VALID] is True


async def test_signature_may_have_line_breaks(site: Site, tmp_path: Path) -> None:
    ca = root_authority("Plant CA", key="rsa-2048")
    certificate = await uploaded(site.admin, ca)
    (tmp_path / "code.txt").write_text(certificate[CODE])
    (tmp_path / "private.key").write_text(ca.key_pem())
    line = "openssl dgst -sha256 -sign private.key code.txt | openssl base64"
    signature = shell(line, folder=tmp_path).succeeded().output
    assert signature.count("\n") > 1
    response = await site.admin.post(pop_of(certificate["fingerprint"]) + "/pop", json={SIGNED: signature})
    assert response.status_code == 200


async def test_proven_certificate_shows_no_code_anywhere(site: Site, plant: Issued, tmp_path: Path) -> None:
    certificate = await proven(site.admin, plant, tmp_path)
    read = (await site.admin.get(f"{list_of()}/{certificate['fingerprint']}")).json()
    listed = (await site.admin.get(list_of())).json()["certificates"]
    changed = (await site.admin.put(f"{list_of()}/{certificate['fingerprint']}", json={"name": "plant"})).json()
    assert CODE not in certificate
    assert UNTIL not in certificate
    assert read == changed == certificate
    assert listed == [certificate]


async def test_code_can_be_read_until_it_was_used(site: Site, plant: Issued) -> None:
    certificate = await uploaded(site.admin, plant)
    read = (await site.admin.get(f"{list_of()}/{certificate['fingerprint']}")).json()
    listed = (await site.admin.get(list_of())).json()["certificates"]
    assert read == certificate
    assert listed == [certificate]


async def test_bulk_upload_makes_a_code_for_each(site: Site) -> None:
    one, other = root_authority("One"), root_authority("Other")
    body = {"certificates": [{"status": "ENABLED", "certInPemFormat": ca.pem} for ca in (one, other)]}
    answer = (await site.admin.post(f"{list_of()}/bulk", json=body)).json()["certificates"]
    assert len({certificate[CODE] for certificate in answer}) == 2


async def test_new_code_replaces_the_last_one(site: Site, plant: Issued, tmp_path: Path) -> None:
    certificate = await uploaded(site.admin, plant)
    site.clock.move(timedelta(days=3))
    response = await site.admin.post(pop_of(certificate["fingerprint"]) + "/verification-code")
    renewed = response.json()
    old = await site.admin.post(
        pop_of(certificate["fingerprint"]) + "/pop", json={SIGNED: signed(plant, certificate[CODE], tmp_path)}
    )
    new = await site.admin.post(
        pop_of(certificate["fingerprint"]) + "/pop", json={SIGNED: signed(plant, renewed[CODE], tmp_path)}
    )
    assert response.status_code == 200
    assert renewed[CODE] != certificate[CODE]
    assert renewed[UNTIL] == "2026-12-10T09:00:00.000Z"
    assert (old.status_code, new.status_code) == (400, 200)


@pytest.mark.parametrize("content", [b"", b"null", b"{}", b"anything"])
async def test_body_of_a_request_for_a_code_does_not_matter(site: Site, plant: Issued, content: bytes) -> None:
    certificate = await uploaded(site.admin, plant)
    url = pop_of(certificate["fingerprint"]) + "/verification-code"
    response = await site.admin.post(url, content=content, headers={"content-type": "application/json"})
    assert response.status_code == 200


async def test_new_code_for_a_proven_certificate_leaves_it_proven(site: Site, plant: Issued, tmp_path: Path) -> None:
    certificate = await proven(site.admin, plant, tmp_path)
    answer = (await site.admin.post(pop_of(certificate["fingerprint"]) + "/verification-code")).json()
    read = (await site.admin.get(f"{list_of()}/{certificate['fingerprint']}")).json()
    again = await site.admin.post(
        pop_of(certificate["fingerprint"]) + "/pop", json={SIGNED: signed(plant, answer[CODE], tmp_path)}
    )
    assert (answer[VALID], len(answer[CODE])) == (True, 160)
    assert read == certificate
    assert (again.status_code, again.json()) == (200, certificate)


async def test_wrong_signature_is_a_bad_request_and_leaves_the_code(site: Site, plant: Issued, tmp_path: Path) -> None:
    certificate = await uploaded(site.admin, plant)
    fingerprint = certificate["fingerprint"]
    url = pop_of(fingerprint) + "/pop"
    other = root_authority("Plant CA")
    wrong = await site.admin.post(url, json={SIGNED: signed(other, certificate[CODE], tmp_path)})
    right = await site.admin.post(url, json={SIGNED: signed(plant, certificate[CODE], tmp_path)})
    assert wrong.status_code == 400
    assert wrong.json() == {
        "error": "tenants/Bad Request",
        "message": f"Wrong proof of possession verification code used for tenant {TENANT}. "
        f"Certificate {fingerprint}, usage not granted.",
        "info": "https://www.cumulocity.com/guides/reference-guide/#error_reporting",
    }
    assert right.status_code == 200


async def test_expired_code_is_a_bad_request(site: Site, plant: Issued, tmp_path: Path) -> None:
    certificate = await uploaded(site.admin, plant)
    fingerprint = certificate["fingerprint"]
    site.clock.move(timedelta(days=14, seconds=1))
    response = await site.admin.post(
        pop_of(fingerprint) + "/pop", json={SIGNED: signed(plant, certificate[CODE], tmp_path)}
    )
    assert (response.status_code, response.json()["error"]) == (400, "tenants/Bad Request")
    assert response.json()["message"] == (
        f"Proof of possession verification code used for tenant {TENANT} expired. "
        f"Certificate {fingerprint}, usage not granted."
    )


@pytest.mark.parametrize("text", ["", "not base64!", "A" * 5000, "QUI"])
async def test_signature_that_is_no_base64_is_invalid_data(site: Site, plant: Issued, text: str) -> None:
    fingerprint = (await uploaded(site.admin, plant))["fingerprint"]
    response = await site.admin.post(pop_of(fingerprint) + "/pop", json={SIGNED: text})
    assert (response.status_code, response.json()["error"]) == (422, "tenants/Invalid Data")
    assert response.json()["message"] == f"Cannot process certificate data <'{fingerprint}'> for tenant <'{TENANT}'>."


async def test_used_code_cannot_be_used_again(site: Site, plant: Issued, tmp_path: Path) -> None:
    certificate = await uploaded(site.admin, plant)
    fingerprint = certificate["fingerprint"]
    body = {SIGNED: signed(plant, certificate[CODE], tmp_path)}
    await site.admin.post(pop_of(fingerprint) + "/pop", json=body)
    response = await site.admin.post(pop_of(fingerprint) + "/pop", json=body)
    assert (response.status_code, response.json()["error"]) == (422, "tenants/Unprocessable Entity")
    assert response.json()["message"] == f"Cannot process certificate data <'{fingerprint}'> for tenant <'{TENANT}'>."


@pytest.mark.parametrize("body", [{}, {SIGNED: None}, {SIGNED: 7}, {SIGNED: ["QUJD"]}, []])
async def test_body_without_a_signature_is_unprocessable(site: Site, plant: Issued, body: object) -> None:
    fingerprint = (await uploaded(site.admin, plant))["fingerprint"]
    response = await site.admin.post(pop_of(fingerprint) + "/pop", json=body)
    assert (response.status_code, response.json()["error"]) == (422, "tenants/Unprocessable Entity")


async def test_body_that_is_no_json_is_a_bad_request(site: Site, plant: Issued) -> None:
    fingerprint = (await uploaded(site.admin, plant))["fingerprint"]
    response = await site.admin.post(pop_of(fingerprint) + "/pop", content=b"MEUCIQD")
    assert (response.status_code, response.json()["error"]) == (400, "general/Bad Request")


async def test_upload_after_deletion_starts_over(site: Site, plant: Issued, tmp_path: Path) -> None:
    certificate = await proven(site.admin, plant, tmp_path)
    await site.admin.delete(f"{list_of()}/{certificate['fingerprint']}")
    again = await uploaded(site.admin, plant)
    assert (again[VALID], len(again[CODE])) == (False, 160)


async def test_code_of_a_deleted_upload_is_void(site: Site, plant: Issued, tmp_path: Path) -> None:
    certificate = await uploaded(site.admin, plant)
    await site.admin.delete(f"{list_of()}/{certificate['fingerprint']}")
    await uploaded(site.admin, plant)
    response = await site.admin.post(
        pop_of(certificate["fingerprint"]) + "/pop", json={SIGNED: signed(plant, certificate[CODE], tmp_path)}
    )
    assert response.status_code == 400


async def test_renewed_certificate_with_the_same_key_is_proven(site: Site, plant: Issued, tmp_path: Path) -> None:
    await proven(site.admin, plant, tmp_path)
    renewed = await uploaded(site.admin, plant.renewed())
    assert renewed[VALID] is True
    assert CODE not in renewed


async def test_certificate_with_another_key_or_name_is_not_proven(site: Site, plant: Issued, tmp_path: Path) -> None:
    await proven(site.admin, plant, tmp_path)
    namesake = await uploaded(site.admin, root_authority("Plant CA"))
    same_key = await uploaded(site.admin, root_authority("x", subject=name("Other CA"), key=plant.key))
    assert (namesake[VALID], same_key[VALID]) == (False, False)


async def test_renewal_in_another_tenant_is_not_proven(site: Site, plant: Issued, tmp_path: Path) -> None:
    stranger = await site.stranger()
    await proven(site.admin, plant, tmp_path)
    copy = await uploaded(stranger, plant, OTHER_TENANT)
    renewed = await uploaded(stranger, plant.renewed(), OTHER_TENANT)
    assert (copy[VALID], renewed[VALID]) == (False, False)


async def test_codes_of_two_tenants_are_different(site: Site, plant: Issued, tmp_path: Path) -> None:
    stranger = await site.stranger()
    mine = await uploaded(site.admin, plant)
    theirs = await uploaded(stranger, plant, OTHER_TENANT)
    response = await stranger.post(
        pop_of(theirs["fingerprint"], OTHER_TENANT) + "/pop", json={SIGNED: signed(plant, mine[CODE], tmp_path)}
    )
    assert response.status_code == 400


async def test_operator_confirms_possession_by_hand(site: Site, plant: Issued) -> None:
    certificate = await uploaded(site.admin, plant)
    response = await site.operator.post(pop_of(certificate["fingerprint"]) + "/confirmed")
    expected = {field: value for field, value in certificate.items() if field not in {CODE, UNTIL}}
    assert (response.status_code, response.json()) == (200, {**expected, VALID: True})


async def test_confirming_twice_changes_nothing(site: Site, plant: Issued) -> None:
    certificate = await uploaded(site.admin, plant)
    first = await site.operator.post(pop_of(certificate["fingerprint"]) + "/confirmed")
    again = await site.operator.post(pop_of(certificate["fingerprint"]) + "/confirmed")
    assert (again.status_code, again.json()) == (200, first.json())


async def test_tenant_cannot_confirm_its_own_possession(site: Site, plant: Issued) -> None:
    certificate = await uploaded(site.admin, plant)
    response = await site.admin.post(pop_of(certificate["fingerprint"]) + "/confirmed")
    assert (response.status_code, response.json()["error"]) == (403, "security/Forbidden")


@pytest.mark.parametrize("action", ["verification-code", "pop"])
async def test_operator_cannot_prove_for_a_tenant(site: Site, plant: Issued, action: str) -> None:
    certificate = await uploaded(site.admin, plant)
    response = await site.operator.post(f"{pop_of(certificate['fingerprint'])}/{action}", json={SIGNED: "QUJD"})
    assert response.status_code == 403


ACTIONS = [("POST", "verification-code"), ("POST", "pop"), ("POST", "confirmed"), ("DELETE", "pop")]


@pytest.mark.parametrize(("method", "action"), ACTIONS)
async def test_caller_without_the_role_is_forbidden(site: Site, plant: Issued, method: str, action: str) -> None:
    certificate = await uploaded(site.admin, plant)
    reader = await site.reader()
    response = await reader.request(method, f"{pop_of(certificate['fingerprint'])}/{action}")
    assert response.status_code == 403


@pytest.mark.parametrize(("method", "action"), ACTIONS)
async def test_caller_of_another_tenant_is_forbidden(site: Site, plant: Issued, method: str, action: str) -> None:
    certificate = await uploaded(site.admin, plant)
    stranger = await site.stranger()
    response = await stranger.request(method, f"{pop_of(certificate['fingerprint'])}/{action}")
    assert response.status_code == 403


@pytest.mark.parametrize(("method", "action"), ACTIONS)
async def test_nobody_is_unauthorized(site: Site, method: str, action: str) -> None:
    response = await site.nobody.request(method, f"{pop_of('0' * 40)}/{action}")
    assert response.status_code == 401


@pytest.mark.parametrize(("method", "action"), ACTIONS)
@pytest.mark.parametrize("fingerprint", ["0" * 40, "x", "%F0%9F%94%91"])
async def test_unknown_fingerprint_is_not_found(site: Site, fingerprint: str, method: str, action: str) -> None:
    caller = site.operator if action == "confirmed" else site.admin
    body = {SIGNED: "QUJD"} if (method, action) == ("POST", "pop") else None
    response = await caller.request(method, f"{pop_of(fingerprint)}/{action}", json=body)
    assert (response.status_code, response.json()["error"]) == (404, "certificate/Not Found")


@pytest.mark.parametrize(("method", "action"), ACTIONS)
async def test_unknown_tenant_is_not_found(site: Site, method: str, action: str) -> None:
    response = await site.operator.request(method, f"{pop_of('0' * 40, 't01')}/{action}")
    if (method, action) in {("POST", "confirmed"), ("DELETE", "pop")}:
        assert (response.status_code, response.json()["message"]) == (404, "There is no tenant with id = t01")
    else:  # these are for the tenant's own administrators
        assert response.status_code == 403


async def test_without_accept_header_the_answer_has_no_body(site: Site, plant: Issued) -> None:
    certificate = await uploaded(site.admin, plant)
    client = site.admin
    del client.headers["accept"]
    response = await client.post(pop_of(certificate["fingerprint"]) + "/verification-code")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("caller", ["admin", "operator"])
async def test_proof_can_be_withdrawn(site: Site, plant: Issued, tmp_path: Path, caller: str) -> None:
    certificate = await proven(site.admin, plant, tmp_path)
    client: httpx.AsyncClient = getattr(site, caller)
    response = await client.delete(pop_of(certificate["fingerprint"]) + "/pop")
    read = (await site.admin.get(f"{list_of()}/{certificate['fingerprint']}")).json()
    assert response.status_code == 204
    assert (read[VALID], len(read[CODE])) == (False, 160)


async def test_withdrawal_concerns_renewed_certificates_too(site: Site, plant: Issued, tmp_path: Path) -> None:
    certificate = await proven(site.admin, plant, tmp_path)
    renewed = await uploaded(site.admin, plant.renewed())
    await site.admin.delete(pop_of(certificate["fingerprint"]) + "/pop")
    read = (await site.admin.get(f"{list_of()}/{renewed['fingerprint']}")).json()
    assert read[VALID] is False


async def test_withdrawal_concerns_what_was_deleted_lately(site: Site, plant: Issued, tmp_path: Path) -> None:
    certificate = await proven(site.admin, plant, tmp_path)
    await site.admin.delete(f"{list_of()}/{certificate['fingerprint']}")
    response = await site.operator.delete(pop_of(certificate["fingerprint"]) + "/pop")
    assert response.status_code == 204
    assert [one.is_proven for one in site.platform.trust.trusted_certificates(TENANT)] == [False]


async def test_withdrawal_leaves_other_certificates_proven(site: Site, plant: Issued, tmp_path: Path) -> None:
    certificate = await proven(site.admin, plant, tmp_path)
    other = await proven(site.admin, root_authority("Other CA"), tmp_path)
    await site.admin.delete(pop_of(certificate["fingerprint"]) + "/pop")
    read = (await site.admin.get(f"{list_of()}/{other['fingerprint']}")).json()
    assert read[VALID] is True


async def test_proof_is_in_the_trust_store_when_the_call_returns(site: Site, plant: Issued, tmp_path: Path) -> None:
    await proven(site.admin, plant, tmp_path)
    assert [one.is_proven for one in site.platform.trust.trusted_certificates(TENANT)] == [True]


@pytest.fixture
async def long_chains(site: Site) -> Site:
    """The same platform with a node that allows chains of three."""
    options = site.platform.options
    options = replace(options, policy=replace(options.policy, max_chain_length=3))
    platform = await Platform.load(
        site.platform.database, site.clock, site.platform.sealer, site.platform.passwords, options
    )
    app = create_app(platform)
    return Site(platform, site.clock, app, Conformance(document_of(app)))


async def test_list_warns_of_missing_proof_where_long_chains_are_allowed(long_chains: Site, plant: Issued) -> None:
    await uploaded(long_chains.admin, plant)
    (listed,) = (await long_chains.admin.get(list_of())).json()["certificates"]
    assert "trust.max_chain_length" in listed[WARNING]


async def test_log_warns_of_missing_proof_where_long_chains_are_allowed(
    long_chains: Site, plant: Issued, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate = await uploaded(long_chains.admin, plant)
    warned = [line for line in capsys.readouterr().out.splitlines() if "trust.proof_advised" in line]
    assert len(warned) == 1
    assert certificate["fingerprint"] in warned[0]


async def test_nothing_warns_of_what_is_proven(long_chains: Site, plant: Issued, tmp_path: Path) -> None:
    certificate = await proven(long_chains.admin, plant, tmp_path)
    assert WARNING not in certificate


async def test_nothing_warns_of_what_is_disabled(long_chains: Site, plant: Issued) -> None:
    certificate = await uploaded(long_chains.admin, plant)
    response = await long_chains.admin.put(f"{list_of()}/{certificate['fingerprint']}", json={"status": "DISABLED"})
    assert WARNING not in response.json()


async def test_nothing_warns_where_chains_are_short(site: Site, plant: Issued) -> None:
    assert WARNING not in await uploaded(site.admin, plant)
