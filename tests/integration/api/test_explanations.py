"""The long answer to whether a chain can connect: everything that the caller may know of it."""

from typing import Any

import httpx
import pytest

from certinel.domain.trusted_certificate import TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft
from certinel.services import possession, trusted_certificates
from integration.api.conftest import OTHER_TENANT, TENANT, Device, Site
from support.certificates import EXPIRED, Issued, pem_of, root_authority

PATH = "/certinel/explanations"


@pytest.fixture
def engine_name() -> str:
    """What is asked here does not depend on the engine."""
    return "sqlite"


async def explain(client: httpx.AsyncClient, chain: str, **question: Any) -> Any:
    response = await client.post(PATH, json={"chain": chain, **question})
    return response.raise_for_status().json()


async def trusted_by_other(site: Site, ca: Issued) -> None:
    """The other tenant has uploaded ``ca`` as well."""
    draft = TrustedCertificateDraft(
        certificate_text=ca.pem, status=TrustStatus.ENABLED, name="copy", auto_registration=True
    )
    async with site.platform.database.transaction() as tx:
        await trusted_certificates.upload(tx, site.platform, OTHER_TENANT, draft)


async def test_admission_names_tenant_device_and_trusted_certificate(site: Site, plant: Issued, pump: Issued) -> None:
    fingerprint = await site.trusted(plant)
    answer = await explain(site.admin, pump.chain_pem)
    assert (answer["verdict"], answer["tenant"], answer["device"]) == ("ADMITTED", TENANT, "pump-7")
    assert answer["validUntil"] == "2045-01-01T00:00:00.000Z"
    assert answer["wouldBeRegistered"] is True
    assert answer["trustedCertificate"] == {
        "name": "plant",
        "fingerprint": fingerprint,
        "status": "ENABLED",
        "autoRegistrationEnabled": True,
        "proofOfPossessionValid": False,
    }
    assert not {"refusal", "brokenAfter", "missingIssuer", "alsoWrong"} & answer.keys()


async def test_registered_device_would_not_be_registered_again(site: Site, device: Device, pump: Issued) -> None:
    assert (await explain(site.admin, pump.chain_pem))["wouldBeRegistered"] is False


async def test_facts_of_every_certificate_are_told_in_path_order(site: Site, plant: Issued) -> None:
    await site.trusted(plant)
    leaf = plant.device("pump-8", serial=0x1000, key="rsa-2048")
    answer = await explain(site.admin, pem_of(leaf, plant))
    assert [(link["role"], link["position"], link["failing"]) for link in answer["chain"]] == [
        ("DEVICE", 1, False),
        ("TRUSTED", 2, False),
    ]
    facts = answer["chain"][0]["certificate"]
    assert len(facts.pop("fingerprint")) == 40
    assert len(facts.pop("sha256")) == 64
    assert facts == {
        "subject": "CN=pump-8, O=Example",
        "issuer": "CN=Plant CA, O=Example",
        "serialNumberHex": "1000",
        "notBefore": "2025-01-01T00:00:00.000Z",
        "notAfter": "2045-01-01T00:00:00.000Z",
        "isValid": True,
        "key": "RSA 2048",
        "algorithmName": "SHA256withECDSA",
        "version": 3,
        "ca": False,
        "keyUsage": ["digitalSignature"],
    }


async def test_trusted_certificate_that_was_not_sent_is_drawn_too(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    answer = await explain(site.admin, pump.pem)
    assert [(link["role"], link.get("position")) for link in answer["chain"]] == [("DEVICE", 1), ("TRUSTED", None)]


async def test_failing_certificate_is_marked(site: Site, plant: Issued) -> None:
    await site.trusted(plant)
    answer = await explain(site.admin, plant.device("pump-7", valid=EXPIRED).chain_pem)
    assert [link["failing"] for link in answer["chain"]] == [True, False]
    assert (answer["brokenAfter"], answer["tenant"]) == (0, TENANT)
    assert answer["refusal"]["code"] == "certificate/expired"


async def test_chain_that_nobody_trusts_says_what_is_missing(site: Site) -> None:
    line = root_authority("Plant CA").authority("Line 1")
    answer = await explain(site.admin, pem_of(line.device("pump-7"), line))
    assert (answer["brokenAfter"], answer["missingIssuer"]) == (1, "CN=Plant CA, O=Example")
    assert "tenant" not in answer


async def test_another_moment_can_be_asked_for(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    answer = await explain(site.admin, pump.chain_pem, at="2046-01-01T00:00:00+01:00")
    assert (answer["at"], answer["refusal"]["code"]) == ("2045-12-31T23:00:00.000Z", "certificate/expired")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-23T12:00:00", "now"])
async def test_moments_that_are_none_are_422(site: Site, pump: Issued, at: str) -> None:
    response = await site.admin.post(PATH, json={"chain": pump.chain_pem, "at": at})
    assert response.status_code == 422


async def test_client_id_can_be_asked_for(site: Site, plant: Issued, pump: Issued) -> None:
    await site.trusted(plant)
    assert (await explain(site.admin, pump.chain_pem, clientId="d:pump-7:x"))["verdict"] == "ADMITTED"
    assert (await explain(site.admin, pump.chain_pem, clientId="pump-8"))["refusal"]["code"] == "client-id/mismatch"
    assert (await explain(site.admin, pump.chain_pem, clientId=""))["refusal"]["code"] == "client-id/malformed"


async def test_wrong_order_is_noted(site: Site, plant: Issued, pump: Issued) -> None:
    answer = await explain(site.admin, pem_of(plant, pump))
    (note,) = answer["notes"]
    assert note.startswith("The first certificate, CN=Plant CA, O=Example, has issued CN=pump-7, O=Example: ")


async def test_text_without_a_certificate_is_400(site: Site) -> None:
    response = await site.admin.post(PATH, json={"chain": "nothing"})
    assert (response.status_code, response.json()["message"]) == (
        400,
        "Cannot parse X509 certificate. : Incomplete data",
    )


class TestWhatAnotherTenantSees:
    async def test_chain_of_a_tenant_looks_like_one_that_nobody_trusts(
        self, site: Site, plant: Issued, pump: Issued
    ) -> None:
        stranger = await site.stranger()
        before = await explain(stranger, pump.chain_pem)
        await site.trusted(plant)
        assert await explain(stranger, pump.chain_pem) == before
        assert before["refusal"]["code"] == "chain/unknown-issuer"
        assert before["refusal"]["sentence"].startswith("None of this tenant's trusted certificates issued CN=pump-7")

    async def test_fault_of_the_chain_itself_is_told_beside(self, site: Site, plant: Issued) -> None:
        stranger = await site.stranger()
        expired = plant.device("pump-7", valid=EXPIRED).chain_pem
        before = await explain(stranger, expired)
        await site.trusted(plant)
        assert await explain(stranger, expired) == before
        assert before["alsoWrong"]["code"] == "certificate/expired"

    async def test_later_copy_is_inert_and_its_owner_is_told(self, site: Site, plant: Issued, pump: Issued) -> None:
        await site.trusted(plant)
        stranger = await site.stranger()
        await trusted_by_other(site, plant)
        answer = await explain(stranger, pump.chain_pem)
        assert answer["refusal"] == {
            "code": "trust/needs-proof-of-possession",
            "sentence": "The possession of the trusted certificate copy is not proven, "
            "and the claim of another tenant on this CA comes first.",
            "remedy": "Prove the possession of the certificate's private key.",
        }
        assert TENANT not in str(answer)
        assert (await explain(site.admin, pump.chain_pem))["verdict"] == "ADMITTED"

    async def test_several_provers_are_told_of_each_other_but_not_who(
        self, site: Site, plant: Issued, pump: Issued
    ) -> None:
        fingerprint = await site.trusted(plant)
        stranger = await site.stranger()
        await trusted_by_other(site, plant)
        async with site.platform.database.transaction() as tx:
            for tenant in (TENANT, OTHER_TENANT):
                await possession.confirm(tx, site.platform, tenant, fingerprint)
        ours, theirs = await explain(site.admin, pump.chain_pem), await explain(stranger, pump.chain_pem)
        assert ours["refusal"]["code"] == theirs["refusal"]["code"] == "trust/ambiguous-tenant"
        assert (OTHER_TENANT in str(ours), TENANT in str(theirs)) == (False, False)
        operators = await explain(site.operator, pump.chain_pem)
        assert (operators["tenant"], operators["otherTenants"]) == (TENANT, [OTHER_TENANT])

    async def test_only_the_management_tenant_asks_for_another(self, site: Site, plant: Issued, pump: Issued) -> None:
        await site.trusted(plant)
        stranger = await site.stranger()
        response = await stranger.post(PATH, json={"chain": pump.chain_pem, "tenant": TENANT})
        assert response.status_code == 403
        assert (await explain(site.operator, pump.chain_pem, tenant=TENANT))["tenant"] == TENANT

    async def test_management_tenant_sees_everything(self, site: Site, plant: Issued, pump: Issued) -> None:
        await site.trusted(plant)
        answer = await explain(site.operator, pump.chain_pem)
        assert (answer["tenant"], answer["trustedCertificate"]["name"]) == (TENANT, "plant")
