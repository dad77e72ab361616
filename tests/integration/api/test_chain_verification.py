"""verify-cert-chain: the contract's short answer to whether a chain is good for connecting."""

from typing import Any

import httpx
import pytest

from certinel.bus.messages import TenantChanged
from certinel.domain.tenant import Tenant, TenantStatus
from certinel.storage import tenants
from integration.api.conftest import OTHER_TENANT, TENANT, Site
from support.certificates import EXPIRED, Issued, pem_of, root_authority

PATH = "/tenant/trusted-certificates/verify-cert-chain"
HEADER = "X-Cumulocity-Client-Cert-Chain"
UNREADABLE = ("Device Certificates/Bad Request", "Cannot parse X509 certificate. : Incomplete data")


@pytest.fixture
def engine_name() -> str:
    """What is asked here does not depend on the engine."""
    return "sqlite"


async def verify(client: httpx.AsyncClient, file: str, tenant: str | None = None) -> httpx.Response:
    return await client.post(PATH, files={"file": ("chain.pem", file)}, data={"tenantId": tenant} if tenant else {})


def in_header(*certificates: Issued) -> dict[str, str]:
    """As the reverse proxies of the contract write it: spaces for line ends, commas between."""
    return {HEADER: ",".join(one.pem.strip().replace("\n", " ") for one in certificates)}


def answered(response: httpx.Response) -> tuple[int, Any, Any]:
    return response.status_code, response.json()["error"], response.json()["message"]


async def test_good_chain_is_answered_with_its_tenant_and_names(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    response = await verify(site.admin, pump.chain_pem)
    assert (response.status_code, response.json()) == (
        200,
        {
            "successfullyValidated": True,
            "tenantId": TENANT,
            "subject": "CN=pump-7,O=Example",
            "issuer": "CN=Plant CA,O=Example",
        },
    )


async def test_nothing_is_registered_by_asking(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    await verify(site.admin, pump.chain_pem)
    again = await site.admin.post("/certinel/explanations", json={"chain": pump.chain_pem})
    assert again.json()["wouldBeRegistered"] is True


async def test_chain_in_the_header_is_as_good(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    response = await site.admin.post(PATH, headers=in_header(pump, plant))
    assert response.json()["tenantId"] == TENANT


async def test_form_wins_over_the_header(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    bad = root_authority("Nobody's CA").device("x")
    response = await site.admin.post(PATH, headers=in_header(bad), files={"file": pump.chain_pem})
    assert response.status_code == 200


async def test_file_may_be_a_plain_field(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    response = await site.admin.post(PATH, files={"file": (None, pump.chain_pem)})
    assert response.status_code == 200


@pytest.mark.parametrize("chain", ["expired", "unknown"])
async def test_bad_chain_is_401_without_a_reason(site: Site, plant: Issued, chain: str) -> None:
    await site.trusted(plant)
    bad = plant.device("x", valid=EXPIRED) if chain == "expired" else root_authority("Nobody's CA").device("x")
    response = await verify(site.admin, bad.chain_pem)
    assert answered(response) == (401, "security/Unauthorized", "Invalid certificate chain!")


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nMIIB"])
async def test_text_without_a_certificate_is_400(site: Site, text: str) -> None:
    assert answered(await verify(site.admin, text)) == (400, *UNREADABLE)


async def test_neither_form_nor_header_is_400(site: Site) -> None:
    assert answered(await site.admin.post(PATH)) == (400, *UNREADABLE)
    assert answered(await site.admin.post(PATH, data={"tenantId": TENANT})) == (400, *UNREADABLE)
    assert answered(await site.admin.post(PATH, files={"other": b"x"})) == (400, *UNREADABLE)


async def test_form_without_a_boundary_is_400(site: Site) -> None:
    response = await site.admin.post(PATH, content=b"x", headers={"content-type": "multipart/form-data"})
    assert response.status_code == 400


async def test_damaged_certificate_is_400_and_named(site: Site, pump: Issued) -> None:
    broken = pump.pem.replace("MII", "MIJ", 1)
    code, error, message = answered(await verify(site.admin, broken))
    assert (code, error) == (400, "Device Certificates/Bad Request")
    assert message.startswith("Cannot parse X509 certificate. : Could not parse certificate: ")


async def test_file_has_room_for_ten_certificates(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    others = [root_authority(f"CA {number}") for number in range(9)]
    assert (await verify(site.admin, pem_of(pump, *others))).status_code == 200
    assert (await verify(site.admin, pem_of(pump, plant, *others))).status_code == 400


async def test_header_has_room_for_five_certificates(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    others = [root_authority(f"CA {number}") for number in range(4)]
    assert (await site.admin.post(PATH, headers=in_header(pump, *others))).status_code == 200
    assert (await site.admin.post(PATH, headers=in_header(pump, plant, *others))).status_code == 400


async def test_tenant_may_be_named_by_form_and_header(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    assert (await verify(site.admin, pump.chain_pem, TENANT)).json()["tenantId"] == TENANT
    headers = {**in_header(pump), "X-Cumulocity-TenantId": TENANT}
    assert (await site.admin.post(PATH, headers=headers)).json()["tenantId"] == TENANT


async def test_tenant_that_does_not_exist_is_404_for_the_operator(site: Site, pump: Issued) -> None:
    response = await verify(site.operator, pump.chain_pem, "t404")
    assert answered(response) == (404, "Device Certificates/Not Found", "Tenant Id doesn't exists")


async def test_only_the_management_tenant_learns_which_tenants_there_are(site: Site, pump: Issued) -> None:
    stranger = await site.stranger()
    answers = [await verify(stranger, pump.chain_pem, tenant) for tenant in (TENANT, "t404")]
    answers += [
        await stranger.post("/certinel/explanations", json={"chain": pump.chain_pem, "tenant": tenant})
        for tenant in (TENANT, "t404")
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(403, answers[0].text)}


async def test_only_the_management_tenant_names_another_tenant(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    stranger = await site.stranger()
    assert (await verify(stranger, pump.chain_pem, TENANT)).status_code == 403
    assert (await verify(site.operator, pump.chain_pem, TENANT)).json()["tenantId"] == TENANT
    assert (await verify(site.operator, pump.chain_pem, OTHER_TENANT)).status_code == 401


async def test_chain_of_another_tenant_is_answered_like_any_unknown_one(
    site: Site, plant: Issued, pump: Issued
) -> None:
    await site.trusted(plant)
    stranger = await site.stranger()
    response = await verify(stranger, pump.chain_pem)
    assert answered(response) == (401, "security/Unauthorized", "Invalid certificate chain!")


async def test_reader_may_ask_and_who_has_no_role_may_not(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    assert (await verify(await site.reader(), pump.chain_pem)).status_code == 200
    assert (await verify(await site.add_person(TENANT, "guest", "no group"), pump.chain_pem)).status_code == 403
    assert (await verify(site.nobody, pump.chain_pem)).status_code == 401


async def test_suspended_tenants_chain_is_bad(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    async with site.platform.database.transaction() as tx:
        found = await tenants.find(tx, TENANT)
        assert found is not None
        await tenants.save(tx, Tenant(id=TENANT, status=TenantStatus.SUSPENDED, created_at=found.created_at))
        tx.after_commit(site.platform.bus.publish, TenantChanged(TENANT))
    assert (await verify(site.operator, pump.chain_pem)).status_code == 401
