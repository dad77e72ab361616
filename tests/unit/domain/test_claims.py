"""Whose device it is when several tenants vouch for its CA, or say so (trust.md section 4)."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from cryptography import x509

from certinel.domain.claims import find_claims
from certinel.domain.errors import Code
from certinel.domain.lineage import MAX_CANDIDATE_PATHS, Effort
from certinel.domain.trusted_certificate import TrustStatus
from support.certificates import EXPIRED, Issued, root_authority
from support.trust import ACME, OTHER, TrustWorld, says

ROOT = root_authority("Plant CA")
HALL = ROOT.authority("Hall 3")
DEVICE = ROOT.device("pump-7")
BELOW = HALL.device("pump-8")
MALLORY = root_authority("Mallory")


def evil_twin(of: Issued = ROOT) -> Issued:
    """The same subject and key identifier, another key."""
    identifier = of.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return root_authority("", subject=of.certificate.subject, key_identifiers=False, extensions=[(identifier, False)])


def look_alike(of: Issued, **options: object) -> Issued:
    """A certificate of another issuer for the subject and key of a CA, which takes nothing but its public part."""
    return MALLORY.authority("", subject=of.certificate.subject, key=of.key, **options)


@pytest.fixture
def world() -> TrustWorld:
    return TrustWorld()


class TestSeveralTenants:
    def test_the_earliest_upload_keeps_its_devices_when_none_is_proven(self, world: TrustWorld) -> None:
        world.trust(ROOT, ACME)
        world.trust(ROOT, OTHER)
        assert world.admit(DEVICE).tenant == ACME
        assert world.admit([DEVICE]).tenant == ACME

    def test_of_uploads_at_the_same_moment_the_first_one_counts(self, world: TrustWorld) -> None:
        first = world.trust(ROOT, OTHER)
        world.trust(ROOT, ACME, uploaded_at=first.uploaded_at)
        assert world.admit(DEVICE).tenant == OTHER

    def test_a_renewed_certificate_keeps_the_devices_when_the_old_one_is_long_gone(self, world: TrustWorld) -> None:
        first = world.trust(ROOT, ACME, deleted_at=world.at - timedelta(days=40))
        copy = world.trust(ROOT, OTHER)
        renewed = world.trust(ROOT.renewed(), ACME, claims_since=first.uploaded_at)
        assert world.admit(DEVICE).tenant == ACME
        assert world.store.is_overruled(copy, world.at)
        assert not world.store.is_overruled(renewed, world.at)

    def test_proven_possession_wins_over_an_earlier_upload(self, world: TrustWorld) -> None:
        world.trust(ROOT, OTHER)
        world.trust(ROOT, ACME, proven=True)
        assert world.admit(DEVICE).tenant == ACME

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"status": TrustStatus.DISABLED}, Code.TRUST_DISABLED),
            ({"in_trust_store": False}, Code.TRUST_DISABLED),
            ({"deleted_at": "yesterday"}, Code.TRUST_DELETED),
        ],
    )
    @pytest.mark.parametrize("proven", [True, False])
    def test_a_claim_counts_in_whatever_state_its_certificate_is(
        self, world: TrustWorld, changes: dict[str, object], code: Code, proven: bool
    ) -> None:
        if "deleted_at" in changes:
            changes = {"deleted_at": world.at - timedelta(days=1)}
        world.trust(ROOT, ACME, proven=proven, **changes)
        world.trust(ROOT, OTHER)
        refusal = world.refuse(DEVICE)
        assert says(refusal, code, 1)
        assert refusal.told_code is Code.UNKNOWN_ISSUER

    def test_so_it_does_when_it_has_expired(self, world: TrustWorld) -> None:
        short = root_authority("Short CA", valid=EXPIRED)
        world.trust(short, ACME)
        world.trust(short.renewed(valid=(EXPIRED[0], world.at.replace(year=2040))), OTHER)
        assert says(world.refuse(short.device("pump-7")), Code.TRUST_EXPIRED, 1)

    def test_so_it_does_when_its_path_is_too_long(self, world: TrustWorld) -> None:
        world.policy = type(world.policy)(max_chain_length=2)
        world.trust(ROOT, ACME)
        world.trust(HALL, OTHER)
        assert says(world.refuse(BELOW), Code.CHAIN_TOO_LONG, 2)

    def test_so_it_does_when_its_tenant_is_suspended(self, world: TrustWorld) -> None:
        world.tenant(ACME, is_active=False)
        world.trust(ROOT, ACME)
        world.trust(ROOT, OTHER)
        refusal = world.refuse(DEVICE)
        assert says(refusal, Code.TENANT_SUSPENDED)
        assert refusal.told_code is Code.UNKNOWN_ISSUER

    def test_a_claim_ends_thirty_days_after_the_deletion(self, world: TrustWorld) -> None:
        deleted = world.trust(ROOT, ACME, proven=True, deleted_at=world.at)
        world.trust(ROOT, OTHER)
        end = world.at + timedelta(days=30)
        assert says(world.refuse(DEVICE, at=end - timedelta(microseconds=1)), Code.TRUST_DELETED, 1)
        assert world.admit(DEVICE, at=end).tenant == OTHER
        assert world.store.is_overruled(world.uploads[1], end - timedelta(microseconds=1))
        assert not world.store.is_overruled(world.uploads[1], end)
        assert not world.store.is_overruled(deleted, world.at)

    def test_several_proven_tenants_are_ambiguous_and_each_is_told(self, world: TrustWorld) -> None:
        world.trust(ROOT, OTHER, proven=True)
        world.trust(ROOT, ACME, proven=True)
        refusal = world.refuse(DEVICE)
        assert says(refusal, Code.AMBIGUOUS_TENANT, owner=OTHER)
        assert refusal.other_tenants == (ACME,)
        assert refusal.told_code is Code.UNKNOWN_ISSUER

    def test_a_later_copy_is_inert(self, world: TrustWorld) -> None:
        first, copy = world.trust(ROOT, ACME), world.trust(look_alike(ROOT), OTHER)
        assert world.store.is_overruled(copy, world.at)
        assert not world.store.is_overruled(first, world.at)

    def test_an_earlier_upload_is_inert_when_another_tenant_has_proven_possession(self, world: TrustWorld) -> None:
        first, proven = world.trust(ROOT, ACME), world.trust(ROOT, OTHER, proven=True)
        assert world.store.is_overruled(first, world.at)
        assert not world.store.is_overruled(proven, world.at)

    def test_an_evil_twin_makes_nothing_inert(self, world: TrustWorld) -> None:
        world.trust(evil_twin(), OTHER, proven=True)
        assert not world.store.is_overruled(world.trust(ROOT, ACME), world.at)


class TestOneTenant:
    def test_the_certificate_nearest_the_leaf_that_admits_counts(self, world: TrustWorld) -> None:
        far = world.trust(ROOT)
        near = world.trust(HALL)
        assert world.admit(BELOW).trusted == near
        world.change(near, status=TrustStatus.DISABLED)
        assert world.admit(BELOW).trusted == far

    def test_its_auto_registration_counts(self, world: TrustWorld) -> None:
        far = world.trust(ROOT)
        world.trust(HALL, auto_registration=False)
        assert world.admit(BELOW).trusted == far

    def test_an_unproven_certificate_counts_beside_a_proven_one_of_the_same_tenant(self, world: TrustWorld) -> None:
        world.policy = type(world.policy)(max_chain_length=2)
        world.trust(ROOT, proven=True)
        near = world.trust(HALL)
        assert world.admit(BELOW).trusted == near

    def test_deleting_and_uploading_again_does_not_lock_a_tenant_out(self, world: TrustWorld) -> None:
        world.trust(ROOT, proven=True, deleted_at=world.at)
        world.trust(ROOT, OTHER)
        again = world.trust(ROOT)
        assert world.admit(DEVICE).trusted == again

    def test_an_old_deleted_certificate_does_not_hide_what_is_wrong_under_the_new_one(self, world: TrustWorld) -> None:
        world.trust(ROOT, deleted_at=world.at)
        world.trust(ROOT.renewed(), auto_registration=False)
        assert says(world.refuse(DEVICE), Code.REGISTRATION_REQUIRED)


class TestNamedTenant:
    @pytest.mark.parametrize("named", [{"user_name": OTHER}, {"user_name": f"{OTHER}/device_pump-7"}])
    def test_a_user_name_decides_between_proven_tenants(self, world: TrustWorld, named: dict[str, str]) -> None:
        world.trust(ROOT, ACME, proven=True)
        world.trust(ROOT, OTHER, proven=True)
        assert world.admit(DEVICE, **named).tenant == OTHER

    @pytest.mark.parametrize("server_name", ["other.example.com", "OTHER.Example.COM"])
    def test_so_does_the_server_name_that_is_a_tenants_own_domain(self, world: TrustWorld, server_name: str) -> None:
        world.trust(ROOT, ACME, proven=True)
        world.trust(ROOT, OTHER, proven=True)
        assert world.admit(DEVICE, server_name=server_name).tenant == OTHER

    def test_the_user_name_comes_before_the_server_name(self, world: TrustWorld) -> None:
        world.trust(ROOT, ACME)
        world.trust(ROOT, OTHER)
        assert world.admit(DEVICE, user_name=OTHER, server_name="acme.example.com").tenant == OTHER

    def test_a_device_can_name_an_unproven_tenant_that_is_not_the_earliest(self, world: TrustWorld) -> None:
        world.trust(ROOT, ACME)
        world.trust(ROOT, OTHER)
        assert world.admit(DEVICE, user_name=OTHER).tenant == OTHER

    def test_a_name_does_not_win_over_proven_possession(self, world: TrustWorld) -> None:
        world.trust(ROOT, ACME, proven=True)
        world.trust(ROOT, OTHER, name="A copy")
        refusal = world.refuse(DEVICE, user_name=OTHER)
        assert says(refusal, Code.NEEDS_PROOF, 1, owner=OTHER)
        assert refusal.sentence == (
            "The possession of the trusted certificate A copy is not proven, "
            "and another tenant has proven that it holds the key of this CA."
        )
        assert refusal.told_code is Code.UNKNOWN_ISSUER

    def test_a_tenant_without_a_claim_is_the_wrong_one_and_only_the_owner_learns_of_it(self, world: TrustWorld) -> None:
        world.trust(ROOT, ACME)
        refusal = world.refuse(DEVICE, user_name=OTHER)
        assert says(refusal, Code.WRONG_TENANT)
        assert refusal.told_code is Code.UNKNOWN_ISSUER

    def test_a_tenant_that_does_not_exist_is_the_owners_to_learn(self, world: TrustWorld) -> None:
        world.trust(ROOT, ACME)
        refusal = world.refuse(DEVICE, user_name="t999/somebody")
        assert says(refusal, Code.TENANT_UNKNOWN)
        assert refusal.sentence == "There is no tenant 't999'."
        assert refusal.told_code is Code.UNKNOWN_ISSUER

    @pytest.mark.parametrize(
        "named", [{"user_name": "device_pump-7"}, {"user_name": ""}, {"server_name": "mqtt.example.com"}]
    )
    def test_a_name_that_is_no_tenants_is_nothing(self, world: TrustWorld, named: dict[str, str]) -> None:
        world.trust(ROOT, ACME)
        assert world.admit(DEVICE, **named).tenant == ACME

    def test_a_domain_that_went_to_another_tenant_is_that_ones(self, world: TrustWorld) -> None:
        world.tenant(ACME, domain="shared.example.com")
        world.tenant(OTHER, domain="shared.example.com")
        world.tenant(ACME, domain="acme.example.com")
        assert world.store.tenant_of_domain("shared.example.com") == OTHER


Order = Sequence[str]
WITH_AND_WITHOUT_ROOT = pytest.mark.parametrize("presented", [DEVICE.chain, (DEVICE,)], ids=["root sent", "leaf only"])


class TestEvilTwins:
    @WITH_AND_WITHOUT_ROOT
    @pytest.mark.parametrize("order", [(ACME, OTHER), (OTHER, ACME)])
    @pytest.mark.parametrize("twin_is_proven", [True, False])
    @pytest.mark.parametrize("is_proven", [True, False])
    def test_an_evil_twin_takes_and_locks_out_nobody_whichever_came_first(
        self, world: TrustWorld, presented: Sequence[Issued], order: Order, twin_is_proven: bool, is_proven: bool
    ) -> None:
        twin = evil_twin()
        for tenant in order:
            if tenant == ACME:
                world.trust(ROOT, ACME, proven=is_proven)
            else:
                world.trust(twin, OTHER, proven=twin_is_proven)
        assert world.admit(presented).tenant == ACME
        assert world.admit([twin.device("pump-7")]).tenant == OTHER

    @WITH_AND_WITHOUT_ROOT
    @pytest.mark.parametrize("tenants", [1, 100])
    @pytest.mark.parametrize("comes_first", [True, False])
    def test_a_hundred_proven_twins_lock_out_nobody(
        self, world: TrustWorld, presented: Sequence[Issued], tenants: int, comes_first: bool
    ) -> None:
        twins = [evil_twin() for _ in range(100)]
        if comes_first:
            world.trust(ROOT, ACME)
        for number, twin in enumerate(twins):
            world.trust(twin, world.tenant(f"evil{number % tenants}"), proven=True)
        if not comes_first:
            world.trust(ROOT, ACME)
        assert world.admit(presented).tenant == ACME
        assert world.admit(presented).tenant == ACME
        assert world.admit([twins[-1].device("pump-7")]).tenant.startswith("evil")

    def test_a_proven_tenant_is_checked_among_the_first(self, world: TrustWorld) -> None:
        for number in range(50):
            world.trust(evil_twin(), world.tenant(f"evil{number}"))
        world.trust(ROOT, ACME, proven=True)
        assert spent(world, [DEVICE]).signatures == 1

    def test_a_device_that_is_known_costs_no_signature_however_many_twins_there_are(self, world: TrustWorld) -> None:
        world.trust(ROOT, ACME)
        world.admit([DEVICE])
        for _ in range(30):
            world.trust(evil_twin(), OTHER, proven=True)
        assert spent(world, [DEVICE]).signatures == 0

    def test_twins_of_an_intermediate_disturb_nobody(self, world: TrustWorld) -> None:
        world.trust(ROOT, ACME)
        for _ in range(20):
            world.trust(evil_twin(HALL), OTHER, proven=True)
            world.trust(evil_twin(ROOT), OTHER, proven=True)
        assert world.admit(BELOW).tenant == ACME
        assert world.admit(BELOW.chain[:-1]).tenant == ACME


class TestLookAlikes:
    """Certificates of the very key of another's CA: everybody can have them made, nobody can prove them."""

    @pytest.mark.parametrize("proven", [True, False])
    def test_shorter_paths_do_not_take_devices_over(self, world: TrustWorld, proven: bool) -> None:
        world.trust(ROOT, ACME, proven=proven)
        for _ in range(2 * MAX_CANDIDATE_PATHS):
            world.trust(look_alike(HALL), OTHER)
        assert world.admit(BELOW).tenant == ACME

    def test_nor_do_earlier_ones_once_possession_is_proven(self, world: TrustWorld) -> None:
        for _ in range(2 * MAX_CANDIDATE_PATHS):
            world.trust(look_alike(HALL), OTHER)
        assert world.admit(BELOW).tenant == OTHER
        world.trust(ROOT, ACME, proven=True)
        assert world.admit(BELOW).tenant == ACME

    def test_earlier_ones_that_do_not_verify_lock_nobody_out_who_proves_or_is_named(self, world: TrustWorld) -> None:
        nothing = x509.NameConstraints(None, [x509.DirectoryName(x509.Name([]))])
        for _ in range(2 * MAX_CANDIDATE_PATHS):
            world.trust(look_alike(ROOT, name_constraints=nothing), OTHER)
        unproven = world.trust(ROOT, ACME)
        assert world.admit(DEVICE, user_name=ACME).tenant == ACME
        world.change(unproven, proven_at=world.at)
        assert world.admit(DEVICE).tenant == ACME

    def test_later_ones_cost_the_devices_nothing(self, world: TrustWorld) -> None:
        world.trust(ROOT, ACME)
        for _ in range(50):
            world.trust(look_alike(ROOT), OTHER)
        effort = spent(world, DEVICE.chain)
        assert (effort.signatures, effort.paths) == (0, 1)


def spent(world: TrustWorld, presented: Sequence[Issued]) -> Effort:
    """What finding the claims costs now."""
    read = world.memory.read([one.der for one in presented])
    effort = Effort()
    claims = find_claims(read, world.store, world.memory, world.at, effort=effort)
    assert isinstance(claims, list)
    return effort
