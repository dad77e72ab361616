"""Connection attempts over REST: their shape, the filters, and who sees them."""

from typing import Any

import pytest

from certinel.domain.admission import ConnectAttempt
from certinel.domain.connection_attempt import ADMITTED, Origin, Sighting
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.services.admission import judge
from integration.api.conftest import BASE_URL, TENANT, Device, Site
from support.certificates import EXPIRED, Issued

PATH = "/certinel/connectionAttempts"
ORIGIN = Origin("192.0.2.1", "TLSv1.3", "V3_1_1")


async def connect(site: Site, chain: tuple[bytes, ...], client_id: str) -> None:
    """What the gateway does: judge, and write down."""
    attempt = ConnectAttempt(chain, client_id)
    verdict = judge(site.platform, attempt)
    is_refused = isinstance(verdict, Refusal)
    code = verdict.code if isinstance(verdict, Refusal) else ADMITTED
    sighting = Sighting(verdict.tenant or MANAGEMENT_TENANT, code, verdict, attempt, ORIGIN)
    site.platform.connection_attempts.record(sighting, is_owned=not is_refused or verdict.tenant is not None)
    await site.platform.connection_attempts.flush()


async def listed(site: Site, **query: Any) -> list[dict[str, Any]]:
    response = await site.admin.get(PATH, params=query)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["connectionAttempts"]
    return found


@pytest.fixture
async def refused(site: Site, plant: Issued) -> dict[str, Any]:
    """A device whose certificate has expired, refused twice."""
    await site.trusted(plant)
    expired = plant.device("pump-8", valid=EXPIRED, serial=0xBEEF)
    for _ in range(2):
        await connect(site, expired.chain_der, "pump-8")
    (attempt,) = await listed(site)
    return attempt


async def test_refusal_says_all_that_its_owner_needs(refused: dict[str, Any], plant: Issued) -> None:
    number, own, authority = refused.pop("id"), *refused.pop("chain")
    trusted = authority["fingerprint"]
    assert refused == {
        "self": f"{BASE_URL}{PATH}/{number}",
        "outcome": "REFUSED",
        "code": "certificate/expired",
        "sentence": refused["sentence"],
        "remedy": "Renew the device certificate.",
        "facts": refused["facts"],
        "firstTime": "2026-11-23T09:00:00.000Z",
        "lastTime": "2026-11-23T09:00:00.000Z",
        "count": 2,
        "summary": False,
        "clientId": "pump-8",
        "device": "pump-8",
        "remoteAddress": "192.0.2.1",
        "tlsVersion": "TLSv1.3",
        "mqttVersion": "V3_1_1",
        "trustedCertificate": trusted,
    }
    assert refused["sentence"].startswith("The device certificate CN=pump-8, O=Example expired on")
    assert refused["facts"]["subject"] == "CN=pump-8, O=Example"
    assert (own["subject"], own["serialNumberHex"], own["failing"]) == ("CN=pump-8, O=Example", "beef", True)
    assert own["notAfter"] == "2026-01-01T00:00:00.000Z"
    assert (authority["subject"], authority["failing"]) == ("CN=Plant CA, O=Example", False)


async def test_attempt_is_read_by_its_number(site: Site, refused: dict[str, Any]) -> None:
    assert (await site.admin.get(f"{PATH}/{refused['id']}")).json() == refused


@pytest.mark.parametrize("number", ["0", "1", "x", "99999999999999999999"])
async def test_number_that_is_no_attempt_is_not_found(site: Site, number: str) -> None:
    response = await site.admin.get(f"{PATH}/{number}")
    assert (response.status_code, response.json()["error"]) == (404, "certinel/Not Found")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"code": "certificate/expired"}, 1),
        ({"code": "trust/disabled"}, 0),
        ({"outcome": "REFUSED"}, 1),
        ({"outcome": "ADMITTED"}, 0),
        ({"device": "pump-8"}, 1),
        ({"device": "pump-9"}, 0),
        ({"dateFrom": "2026-11-23T09:00:00Z", "dateTo": "2026-11-23T10:00:00+01:00"}, 1),
        ({"dateFrom": "2026-11-23T09:00:01Z"}, 0),
        ({"dateTo": "2026-11-23T08:59:59Z"}, 0),
    ],
)
async def test_attempts_are_found_by_what_is_asked(
    site: Site, refused: dict[str, Any], query: dict[str, str], found: int
) -> None:
    assert len(await listed(site, **query)) == found


async def test_attempts_are_found_by_fingerprint_as_openssl_prints_it(site: Site, refused: dict[str, Any]) -> None:
    for name in ("fingerprint", "sha256"):
        digits = refused["chain"][0][name].upper()
        printed = ":".join(digits[start : start + 2] for start in range(0, len(digits), 2))
        assert len(await listed(site, fingerprint=printed)) == 1
    assert await listed(site, fingerprint=refused["trustedCertificate"]) == []


async def test_attempts_are_found_by_the_trusted_certificate(site: Site, refused: dict[str, Any]) -> None:
    assert len(await listed(site, trustedCertificate=refused["trustedCertificate"])) == 1
    assert await listed(site, trustedCertificate="0" * 40) == []


@pytest.mark.parametrize("query", [{"outcome": "MAYBE"}, {"dateFrom": "yesterday"}])
async def test_question_that_cannot_be_understood_is_refused(site: Site, query: dict[str, str]) -> None:
    assert (await site.admin.get(PATH, params=query)).status_code == 422


async def test_accepted_device_is_in_the_list(site: Site, device: Device, pump: Issued) -> None:
    await connect(site, pump.chain_der, "pump-7")
    (attempt,) = await listed(site)
    assert (attempt["outcome"], attempt["code"], attempt["device"]) == ("ADMITTED", "admitted", "pump-7")
    assert "remedy" not in attempt


async def test_pages_follow_each_other(site: Site, plant: Issued) -> None:
    await site.trusted(plant)
    for number in range(3):
        await connect(site, plant.device(f"pump-{number}", valid=EXPIRED).chain_der, f"pump-{number}")
    page = (await site.admin.get(PATH, params={"pageSize": 2, "withTotalPages": True, "outcome": "REFUSED"})).json()
    assert (page["statistics"]["totalPages"], len(page["connectionAttempts"])) == (2, 2)
    following = (await site.admin.get(page["next"].removeprefix(BASE_URL))).json()
    assert len(following["connectionAttempts"]) == 1


async def test_reader_sees_the_attempts(site: Site, refused: dict[str, Any]) -> None:
    assert (await (await site.reader()).get(f"{PATH}/{refused['id']}")).json() == refused


async def test_other_tenant_and_operator_see_nothing_of_it(site: Site, refused: dict[str, Any]) -> None:
    for other in (await site.stranger(), site.operator):
        assert (await other.get(PATH)).json()["connectionAttempts"] == []
        assert (await other.get(f"{PATH}/{refused['id']}")).status_code == 404


async def test_chain_that_is_nobodys_is_the_operators_to_see(site: Site, plant: Issued, pump: Issued) -> None:
    await connect(site, pump.chain_der, "pump-7")
    assert await listed(site) == []
    (attempt,) = (await site.operator.get(PATH)).json()["connectionAttempts"]
    assert attempt["code"] == "chain/unknown-issuer"


async def test_wrong_password_is_shown_with_the_user_it_was_for(site: Site) -> None:
    attempt = ConnectAttempt((), "pump", f"{TENANT}/admin")
    refusal = Refusal(Code.WRONG_PASSWORD)
    sighting = Sighting(TenantId(TENANT), refusal.code, refusal, attempt, ORIGIN)
    site.platform.connection_attempts.record(sighting, is_owned=False)
    await site.platform.connection_attempts.flush()
    (shown,) = await listed(site)
    assert (shown["code"], shown["userName"], shown["chain"]) == ("password/wrong", "t1000/admin", [])
