"""Rules 6 to 10: state, name, registration, and who may see what (trust.md section 3)."""

import pytest
from cryptography import x509

from certinel.domain.admission import TrustPolicy
from certinel.domain.errors import EXPLANATIONS, HIDDEN_FROM_STRANGERS, TOLD_TO_GENUINE_DEVICES, Code, Refusal
from certinel.domain.trust_store import TenantFacts
from certinel.domain.trusted_certificate import TrustStatus
from support.certificates import name, new_key, root_authority
from support.trust import ACME, OTHER, TrustWorld, says

ROOT = root_authority("Plant CA")
DEVICE = ROOT.device("pump-7")
ACME_DOMAIN = "acme.example.com"


@pytest.fixture
def world() -> TrustWorld:
    return TrustWorld()


class TestState:
    def test_a_disabled_trusted_certificate_is_named(self, world: TrustWorld) -> None:
        world.trust(ROOT, name="Plant", status=TrustStatus.DISABLED)
        refusal = world.refuse(DEVICE)
        assert says(refusal, Code.TRUST_DISABLED, 1)
        assert refusal.sentence == "The trusted certificate Plant is disabled."
        assert refusal.remedy == "Enable the trusted certificate."

    def test_one_without_a_name_is_known_by_its_subject(self, world: TrustWorld) -> None:
        world.trust(ROOT, name="", status=TrustStatus.DISABLED)
        assert world.refuse(DEVICE).sentence == "The trusted certificate CN=Plant CA, O=Example is disabled."

    def test_one_that_is_only_stored_says_so(self, world: TrustWorld) -> None:
        world.trust(ROOT, name="Plant", in_trust_store=False)
        refusal = world.refuse(DEVICE)
        assert says(refusal, Code.TRUST_DISABLED, 1)
        assert refusal.sentence == "The trusted certificate Plant is stored only, not in the trust store."
        assert "addToTrustStore" in refusal.remedy

    def test_a_deleted_one_says_when(self, world: TrustWorld) -> None:
        world.trust(ROOT, name="Plant", deleted_at=world.at)
        refusal = world.refuse(DEVICE)
        assert refusal.sentence == "The trusted certificate Plant was deleted on 23 Nov 2026, 12:00 UTC."

    def test_a_change_counts_for_the_next_connection_also_when_the_path_is_remembered(self, world: TrustWorld) -> None:
        trusted = world.trust(ROOT)
        world.admit(DEVICE)
        world.change(trusted, status=TrustStatus.DISABLED)
        assert world.refuse(DEVICE).code is Code.TRUST_DISABLED
        world.change(trusted, status=TrustStatus.ENABLED)
        world.admit(DEVICE)

    def test_a_tenant_that_is_suspended_admits_nobody(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        world.tenant(ACME, is_active=False)
        refusal = world.refuse(DEVICE)
        assert says(refusal, Code.TENANT_SUSPENDED)
        assert refusal.sentence == "The tenant t1000 is suspended."

    def test_a_tenant_that_is_removed_admits_nobody(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        world.store.remove_tenant(ACME)
        assert world.refuse(DEVICE).code is Code.UNKNOWN_ISSUER

    def test_possession_need_not_be_proven_by_default(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        world.admit(DEVICE)

    def test_with_require_proof_only_proven_ones_admit(self, world: TrustWorld) -> None:
        world.policy = TrustPolicy(require_proof=True)
        trusted = world.trust(ROOT, name="Plant")
        refusal = world.refuse(DEVICE)
        assert says(refusal, Code.NEEDS_PROOF, 1)
        assert "Plant is not proven, and this platform requires it (trust.require_proof)" in refusal.sentence
        assert refusal.told_code is Code.UNKNOWN_ISSUER
        world.change(trusted, proven_at=world.at)
        world.admit(DEVICE)


class TestClientId:
    @pytest.mark.parametrize("client_id", ["pump-7", "d:pump-7", "d:pump-7:templates", "d:pump-7:"])
    def test_every_form_names_the_device(self, world: TrustWorld, client_id: str) -> None:
        world.trust(ROOT)
        assert world.admit(DEVICE, client_id).device == "pump-7"

    def test_the_default_templates_are_read(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        assert world.admit(DEVICE, "d:pump-7:boiler").client_id.default_templates == "boiler"
        assert world.admit(DEVICE, "d:pump-7").client_id.default_templates is None

    @pytest.mark.parametrize(
        "client_id", ["", "d:", "d::x", ":pump-7", "x:pump-7", "D:pump-7", "d:pump-7:t:", "x" * 129, "pump\n7", "a\x00"]
    )
    def test_every_other_form_is_malformed_and_the_owner_is_told(self, world: TrustWorld, client_id: str) -> None:
        world.trust(ROOT)
        refusal = world.refuse(DEVICE, client_id)
        assert says(refusal, Code.CLIENT_ID_MALFORMED)
        assert refusal.told_code is Code.CLIENT_ID_MALFORMED

    @pytest.mark.parametrize("client_id", ["Pump-7", "pump-70", "pump-7 ", "pump−7", "d:pump-8"])
    def test_a_device_connects_under_its_exact_name_only(self, world: TrustWorld, client_id: str) -> None:
        world.trust(ROOT)
        refusal = world.refuse(DEVICE, client_id)
        assert says(refusal, Code.CLIENT_ID_MISMATCH, 0)
        assert refusal.told_code is Code.CLIENT_ID_MISMATCH
        assert "the certificate's common name is pump-7" in refusal.told_reason

    def test_letters_that_look_the_same_are_different(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        assert world.refuse(ROOT.device("caf\u00e9"), "cafe\u0301").code is Code.CLIENT_ID_MISMATCH

    def test_whatever_is_wrong_with_trust_comes_first(self, world: TrustWorld) -> None:
        world.trust(ROOT, status=TrustStatus.DISABLED)
        assert world.refuse(DEVICE, "x:y").code is Code.TRUST_DISABLED


class TestRegistration:
    @pytest.mark.parametrize("auto_registration", [True, False])
    def test_a_registered_device_is_admitted(self, world: TrustWorld, auto_registration: bool) -> None:
        world.trust(ROOT, auto_registration=auto_registration)
        world.device_user("pump-7")
        assert not world.admit(DEVICE).must_register

    def test_an_unknown_device_is_registered_when_auto_registration_is_on(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        assert world.admit(DEVICE).must_register

    def test_an_unknown_device_is_refused_when_the_tenant_has_as_many_as_it_may(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        world.store.put_tenant(TenantFacts(ACME, None, is_active=True, max_devices=1))
        world.store.put_device_user(ACME, "device_pump-8", is_enabled=True)
        refusal = world.refuse(DEVICE)
        assert says(refusal, Code.REGISTRATION_LIMIT)
        assert refusal.sentence == "The tenant has reached its limit of 1 devices."
        world.store.put_device_user(ACME, "device_pump-7", is_enabled=True)
        world.admit(DEVICE)

    def test_an_unknown_device_is_refused_when_it_is_off(self, world: TrustWorld) -> None:
        world.trust(ROOT, name="Plant", auto_registration=False)
        refusal = world.refuse(DEVICE)
        assert says(refusal, Code.REGISTRATION_REQUIRED)
        assert refusal.sentence == (
            "The device pump-7 is not registered, and auto registration of the trusted certificate Plant is off."
        )
        assert refusal.told_code is Code.UNKNOWN_ISSUER

    @pytest.mark.parametrize("auto_registration", [True, False])
    def test_a_disabled_device_is_refused(self, world: TrustWorld, auto_registration: bool) -> None:
        world.trust(ROOT, auto_registration=auto_registration)
        world.device_user("pump-7", is_enabled=False)
        refusal = world.refuse(DEVICE)
        assert says(refusal, Code.DEVICE_DISABLED)
        assert refusal.told_code is Code.UNKNOWN_ISSUER

    def test_a_device_of_another_tenant_with_the_same_name_does_not_count(self, world: TrustWorld) -> None:
        world.trust(ROOT, auto_registration=False)
        world.device_user("pump-7", OTHER)
        assert world.refuse(DEVICE).code is Code.REGISTRATION_REQUIRED

    def test_a_device_user_that_was_removed_is_unknown_again(self, world: TrustWorld) -> None:
        world.trust(ROOT)
        world.device_user("pump-7", is_enabled=False)
        world.store.remove_device_user(ACME, "device_pump-7")
        assert world.admit(DEVICE).must_register


class TestStrangersLearnNothing:
    """Whoever holds no certificate signed by a tenant's CA gets the same words whether the CA is uploaded or not."""

    @pytest.mark.parametrize(
        "presented",
        [
            pytest.param([ROOT.device("pump-7", signed_with=new_key())], id="names the CA"),
            pytest.param([ROOT.device("pump-7", signed_with=new_key()), ROOT], id="brings it along"),
            pytest.param([root_authority("Mine").device("pump-7"), ROOT], id="appends it"),
            pytest.param([ROOT.device("pump-7", signed_with=new_key(), key="rsa-1024"), ROOT], id="weak key"),
            pytest.param([ROOT.device("pump-7", signed_with=new_key(), version1=True)], id="version 1"),
        ],
    )
    @pytest.mark.parametrize(
        "named", [{}, {"user_name": ACME}, {"user_name": "t404/x"}, {"server_name": "acme.example.com"}]
    )
    def test_of_what_is_uploaded(self, presented: list[object], named: dict[str, str]) -> None:
        with_it, without = TrustWorld(), TrustWorld()
        with_it.trust(ROOT)
        refusals = [one.refuse(presented, "pump-7", **named) for one in (with_it, without)]
        assert refusals[0].told_reason == refusals[1].told_reason
        assert all(refusal.tenant is None for refusal in refusals)

    def test_of_the_tenant_in_the_words_that_are_told(self, world: TrustWorld) -> None:
        world.trust(ROOT, name="Secret", status=TrustStatus.DISABLED)
        told = world.refuse(DEVICE).told_reason
        assert "Secret" not in told
        assert ACME not in told

    @pytest.mark.parametrize("code", Code)
    def test_every_code_is_told_or_hidden_on_purpose(self, code: Code) -> None:
        hidden = ("trust/", "revocation/", "registration/", "tenant/", "device/", "client-id/wrong-tenant")
        is_hidden = code.startswith(hidden) and code is not Code.STALE_NODE
        assert (code in HIDDEN_FROM_STRANGERS) == (is_hidden or code is Code.UNKNOWN_ISSUER)
        if code in TOLD_TO_GENUINE_DEVICES:
            assert Refusal(code).told_code is Code.UNKNOWN_ISSUER
            assert Refusal(code, tenant=ACME).told_code is code


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_sentence_and_a_remedy(code: Code) -> None:
    for text in EXPLANATIONS[code]:
        assert text.endswith(".")


def test_what_a_stranger_presents_is_not_remembered(world: TrustWorld) -> None:
    world.trust(ROOT)
    for number in range(10):
        world.refuse(root_authority("Mine").device(f"pump-{number}"))
        world.refuse([ROOT.device(f"pump-{number}", signed_with=new_key())])
    assert len(world.memory) == 0


def test_the_memory_is_bounded_by_its_size(world: TrustWorld) -> None:
    world.memory = type(world.memory)(max_bytes=100_000)
    world.trust(ROOT)
    for number in range(30):
        world.admit(ROOT.device(f"pump-{number}"))
    assert 1 < len(world.memory) < 10
    world.admit(DEVICE)


def test_devices_share_the_certificates_of_their_issuers(world: TrustWorld) -> None:
    world.trust(ROOT)
    first, second = (world.admit(ROOT.authority("Hall 3").device(f"pump-{number}").chain) for number in range(2))
    again = world.memory.read([one.der for one in first.path[1:]])
    other = world.memory.read([one.der for one in (first.path[0], *second.path[1:])])
    assert not isinstance(again, Refusal)
    assert not isinstance(other, Refusal)
    assert again.certificates[0] is first.path[1]
    assert other.certificates[1] is second.path[1]


def test_the_subject_of_the_device_plays_no_part_but_for_its_common_name(world: TrustWorld) -> None:
    world.trust(ROOT)
    subject = x509.Name([*name(organization="Plant CA"), *name("pump-7", organization=None)])
    assert world.admit(ROOT.device(subject=subject)).device == "pump-7"
