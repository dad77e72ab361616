"""Rule 8 of admission: the tenant's own list, lists of its CAs, and the two switches."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certinel.domain.admission import Admission
from certinel.domain.certificate import Certificate
from certinel.domain.errors import Code
from certinel.domain.revocation import NOTHING_REVOKED, AuthorityList, TenantRevocation
from certinel.domain.revoked_serials import RevokedSerials, issuer_digest, serial_octets
from support.certificates import AT, Issued, root_authority, self_signed_device
from support.trust import ACME, OTHER, TrustWorld, says

REVOKED_AT = datetime(2026, 10, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ROOT = root_authority("Plant CA", serial=1)
HALL = ROOT.authority("Hall 3", serial=2)
DEVICE = ROOT.device("pump-7", serial=0x1000)
BELOW = HALL.device("pump-8", serial=0x1000)


@pytest.fixture
def world() -> TrustWorld:
    world = TrustWorld()
    world.trust(ROOT)
    return world


def serials_of(serials: Sequence[int], issuer: bytes = b"") -> RevokedSerials:
    made = RevokedSerials()
    made.update((serial_octets(one), int(REVOKED_AT.timestamp()), issuer) for one in serials)
    return made


def list_of(issuer: Issued, *serials: int, **changes: Any) -> AuthorityList:
    values: dict[str, Any] = {
        "id": 1,
        "tenant": ACME,
        "issuer": Certificate.parse(issuer.der),
        "number": 1,
        "this_update": AT - DAY,
        "next_update": AT + DAY,
        "uploaded_at": AT,
        "count": len(serials),
        "serials": serials_of(serials),
    }
    return AuthorityList(**(values | changes))


def revoke(
    world: TrustWorld,
    own: RevokedSerials | None = None,
    lists: Sequence[AuthorityList] = (),
    *,
    offline: bool = False,
    online: bool = False,
) -> TenantRevocation:
    revocation = TenantRevocation()
    revocation.own = own or RevokedSerials()
    revocation.offline_check, revocation.online_check = offline, online
    revocation.replace_lists(lists)
    world.store.put_revocation(ACME, revocation)
    return revocation


def test_serial_on_the_own_list_refuses_the_device(world: TrustWorld) -> None:
    revoke(world, serials_of([0x1000]), offline=True)
    refusal = world.refuse(DEVICE)
    assert says(refusal, Code.DEVICE_REVOKED, 0)
    assert "serial 1000 is revoked since 1 Oct 2026, 12:00 UTC" in refusal.sentence


def test_own_list_counts_only_while_the_offline_check_is_on(world: TrustWorld) -> None:
    revocation = revoke(world, serials_of([0x1000]), online=False)
    world.admit(DEVICE)
    revocation.offline_check = True
    world.refuse(DEVICE)
    revocation.offline_check = False
    world.admit(DEVICE)


def test_stranger_is_not_told_of_the_revocation(world: TrustWorld) -> None:
    revoke(world, serials_of([0x1000]), offline=True)
    assert world.refuse(DEVICE).told_code is Code.UNKNOWN_ISSUER


def test_bare_serial_counts_whoever_issued_it(world: TrustWorld) -> None:
    revoke(world, serials_of([0x1000]), offline=True)
    assert says(world.refuse(BELOW), Code.DEVICE_REVOKED, 0)


def test_serial_with_its_issuer_does_not_hit_that_of_another_ca(world: TrustWorld) -> None:
    hall = issuer_digest(Certificate.parse(HALL.der).subject)
    revoke(world, serials_of([0x1000], hall), offline=True)
    world.admit(DEVICE)
    assert says(world.refuse(BELOW), Code.DEVICE_REVOKED, 0)


@pytest.mark.parametrize(("serial", "index"), [(2, 1), (1, 2)])
def test_revoked_issuer_refuses_all_below_it(world: TrustWorld, serial: int, index: int) -> None:
    revoke(world, serials_of([serial]), offline=True)
    assert says(world.refuse(BELOW), Code.AUTHORITY_REVOKED, index)


def test_revocation_nearest_the_device_is_told(world: TrustWorld) -> None:
    revoke(world, serials_of([0x1000, 2, 1]), offline=True)
    assert says(world.refuse(BELOW), Code.DEVICE_REVOKED, 0)


def test_certificate_that_is_presented_but_not_on_the_path_does_not_matter(world: TrustWorld) -> None:
    unrelated = root_authority("Unrelated", serial=0x77)
    revoke(world, serials_of([0x77]), offline=True)
    world.admit([*DEVICE.chain, unrelated])


def test_list_of_another_tenant_does_not_matter(world: TrustWorld) -> None:
    revoke(world, serials_of([0x1000]), offline=True)
    world.store.put_revocation(OTHER, world.store.revocation(ACME))
    world.store.put_revocation(ACME, TenantRevocation())
    world.admit(DEVICE)


def test_revoked_device_does_not_fall_to_a_tenant_that_uploaded_the_same_ca(world: TrustWorld) -> None:
    world.trust(ROOT, OTHER)
    revoke(world, serials_of([0x1000]), offline=True)
    assert says(world.refuse(DEVICE), Code.DEVICE_REVOKED, 0)


@pytest.mark.parametrize("online", [False, True])
def test_list_of_the_ca_counts_whatever_the_switches_say(world: TrustWorld, online: bool) -> None:
    revoke(world, lists=[list_of(ROOT, 0x1000)], online=online)
    assert says(world.refuse(DEVICE), Code.DEVICE_REVOKED, 0)


def test_list_of_a_ca_is_about_its_own_certificates_only(world: TrustWorld) -> None:
    revoke(world, lists=[list_of(HALL, 0x1000, id=2)])
    world.admit(DEVICE)
    assert says(world.refuse(BELOW), Code.DEVICE_REVOKED, 0)


def test_list_of_the_root_revokes_an_intermediate(world: TrustWorld) -> None:
    revoke(world, lists=[list_of(ROOT, 2)])
    assert says(world.refuse(BELOW), Code.AUTHORITY_REVOKED, 1)


def test_list_of_an_evil_twin_is_not_about_ours(world: TrustWorld) -> None:
    twin = root_authority("Plant CA")
    revoke(world, lists=[list_of(twin, 0x1000)])
    world.admit(DEVICE)


def test_list_of_a_ca_counts_for_its_renewed_certificate(world: TrustWorld) -> None:
    renewed = ROOT.renewed(serial=9)
    world.trust(renewed)
    revoke(world, lists=[list_of(ROOT, 0x1000)])
    assert says(world.refuse([DEVICE, renewed]), Code.DEVICE_REVOKED, 0)


def test_list_revokes_a_trusted_certificate_whose_issuer_is_not_on_the_path() -> None:
    world = TrustWorld()
    world.trust(HALL)
    revoke(world, lists=[list_of(ROOT, 2)])
    assert says(world.refuse([BELOW, HALL]), Code.AUTHORITY_REVOKED, 1)


def test_list_of_a_twin_does_not_revoke_a_trusted_certificate() -> None:
    world = TrustWorld()
    world.trust(HALL)
    revoke(world, lists=[list_of(root_authority("Plant CA"), 2)])
    world.admit([BELOW, HALL])


def test_online_check_asks_for_a_list_of_every_issuing_ca(world: TrustWorld) -> None:
    revocation = revoke(world, online=True)
    refusal = world.refuse(BELOW)
    assert says(refusal, Code.LIST_STALE, 1)
    assert "Hall 3" in refusal.sentence
    revocation.replace_lists([list_of(HALL, id=1)])
    assert says(world.refuse(BELOW), Code.LIST_STALE, 2)
    revocation.replace_lists([list_of(HALL, id=1), list_of(ROOT, id=2)])
    assert isinstance(world.connect(BELOW), Admission)


def test_list_that_ended_is_stale_for_the_online_check_from_the_next_second_on(world: TrustWorld) -> None:
    revoke(world, lists=[list_of(ROOT)], online=True)
    world.admit(DEVICE, at=AT + DAY)
    assert says(world.refuse(DEVICE, at=AT + DAY + timedelta(seconds=1)), Code.LIST_STALE, 1)


def test_list_that_ended_still_revokes(world: TrustWorld) -> None:
    revoke(world, lists=[list_of(ROOT, 0x1000)], online=True)
    assert says(world.refuse(DEVICE, at=AT + 2 * DAY), Code.DEVICE_REVOKED, 0)


def test_without_the_online_check_a_list_may_be_old(world: TrustWorld) -> None:
    revoke(world, lists=[list_of(ROOT)])
    world.admit(DEVICE, at=AT + 2 * DAY)


def test_device_that_is_its_own_trusted_certificate_needs_no_list_and_can_be_revoked() -> None:
    world = TrustWorld()
    lonely = self_signed_device("lonely", serial=0x55)
    world.trust(lonely)
    revoke(world, serials_of([0x55]), online=True)
    world.admit(lonely)
    revoke(world, serials_of([0x55]), offline=True, online=True)
    assert says(world.refuse(lonely), Code.DEVICE_REVOKED, 0)


def test_revocation_comes_after_length_and_before_the_name(world: TrustWorld) -> None:
    revoke(world, serials_of([0x1000]), offline=True)
    assert world.refuse(DEVICE, "somebody-else").code is Code.DEVICE_REVOKED
    world.policy = type(world.policy)(max_chain_length=2)
    assert world.refuse(BELOW).code is Code.CHAIN_TOO_LONG


def test_store_tells_whose_lists_end_between_two_moments(world: TrustWorld) -> None:
    revocation = revoke(world, lists=[list_of(ROOT)], online=True)
    assert world.store.tenants_whose_lists_end(AT, AT + DAY) == []
    assert world.store.tenants_whose_lists_end(AT + DAY, AT + DAY + DAY) == [ACME]
    assert world.store.tenants_whose_lists_end(AT + 2 * DAY, AT + 3 * DAY) == []
    revocation.online_check = False
    assert world.store.tenants_whose_lists_end(AT, AT + 2 * DAY) == []


def test_what_a_tenant_sees_of_itself_is_revoked_too(world: TrustWorld) -> None:
    revoke(world, serials_of([0x1000]), offline=True)
    world.store = world.store.only_of(ACME)
    assert says(world.refuse(DEVICE), Code.DEVICE_REVOKED, 0)
    world.store = world.store.only_of(OTHER)
    assert world.store.revocation(ACME) is NOTHING_REVOKED
