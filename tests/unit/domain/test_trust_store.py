"""A tenant's part of the trust store."""

from datetime import timedelta

import pytest

from certinel.domain.identifiers import DeviceId
from certinel.domain.revocation import NOTHING_REVOKED, TenantRevocation
from certinel.domain.trust_store import CLAIMS_OUTLIVE_DELETION, DeviceUserState, TrustStore
from support.certificates import AT, root_authority
from support.trust import ACME, OTHER, TrustWorld


def filled(world: TrustWorld, tenant: str) -> TrustWorld:
    """Something of every kind that a store holds of a tenant."""
    world.trust(root_authority("Plant CA"), tenant)
    world.trust(root_authority("Old plant CA"), tenant, deleted_at=AT)
    world.device_user("pump-7", tenant)
    world.store.put_revocation(world.tenant(tenant, domain=f"{tenant}.example.com"), TenantRevocation())
    return world


def test_part_of_a_tenant_holds_all_that_is_its_own() -> None:
    whole = TrustWorld()
    whole.store.remove_tenant(OTHER)
    filled(whole, ACME)
    part = whole.store.only_of(ACME)
    assert all(vars(whole.store).values()), "say here what else a store holds of a tenant"
    assert vars(part) == vars(whole.store)


def test_part_of_a_tenant_holds_nothing_of_another() -> None:
    world = TrustWorld()
    world.store.remove_tenant(ACME)
    filled(world, OTHER)
    part = world.store.only_of(ACME)
    assert part.tenant(OTHER) is None
    assert part.tenant_of_domain(f"{OTHER}.example.com") is None
    assert list(part.everything()) == []
    assert part.device_user(OTHER, DeviceId("pump-7")) is DeviceUserState.UNKNOWN
    assert part.revocation(OTHER) is NOTHING_REVOKED


def test_part_of_an_unknown_tenant_is_empty() -> None:
    assert TrustStore().only_of(ACME).tenant(ACME) is None


@pytest.mark.parametrize(
    ("since", "until", "ends"),
    [(-2, -1, False), (-1, 0, True), (-1, 1, True), (0, 1, False)],
)
def test_it_is_known_when_the_claim_of_a_deleted_certificate_ends(since: int, until: int, ends: bool) -> None:
    world, second = TrustWorld(), timedelta(seconds=1)
    deleted = world.trust(root_authority("Plant CA"), deleted_at=AT)
    world.trust(root_authority("Another CA"))
    end = AT + CLAIMS_OUTLIVE_DELETION
    subjects = world.store.subjects_whose_claims_end(end + since * second, end + until * second)
    assert subjects == ({deleted.certificate.subject} if ends else set())


def test_certificates_of_one_subject_are_replaced_without_the_others() -> None:
    world = TrustWorld()
    gone, kept = world.trust(root_authority("Plant CA")), world.trust(root_authority("Another CA"))
    theirs = world.trust(root_authority("Plant CA"), OTHER)
    world.store.replace_trusted_certificates(ACME, (), gone.certificate.subject)
    assert list(world.store.everything()) == [kept, theirs]
    world.store.replace_trusted_certificates(ACME, [gone], gone.certificate.subject)
    assert world.store.trusted_certificates(ACME) == [kept, gone]
    assert set(world.store.candidates([gone.certificate], AT)) == {gone}
