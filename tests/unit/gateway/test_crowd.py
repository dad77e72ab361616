"""What is owed to whom: shares of tenants, failures of addresses and certificates."""

from dataclasses import replace

import pytest

from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import TenantId
from certinel.gateway.buckets import Rate
from certinel.gateway.crowd import Crowd, CrowdOptions
from certinel.gateway.shares import NOTHING_RESERVED
from certinel.services.admission import Applicant

OURS, THEIRS = TenantId("t1000"), TenantId("t2000")
HERE, THERE = "192.0.2.1", "198.51.100.1"
SLOWLY = 0.001
DEVICE = Applicant(OURS, b"leaf", is_known=True)
NEW_DEVICE = replace(DEVICE, is_known=False)
STRANGER = Applicant(None, b"stranger", is_known=False)
REFUSED = Refusal(Code.UNKNOWN_ISSUER)


def admit(crowd: Crowd, applicant: Applicant, network: str = HERE, tenant: TenantId = OURS) -> bool:
    if crowd.hold_up(applicant, network) is not None:
        return False
    return crowd.admitted(applicant, network, tenant) is None


def refuse(crowd: Crowd, applicant: Applicant, network: str = HERE, refusal: Refusal = REFUSED) -> bool:
    if crowd.hold_up(applicant, network) is not None:
        return False
    crowd.refused(applicant, network, refusal)
    return True


@pytest.fixture
def few_of_tenant() -> Crowd:
    return Crowd(CrowdOptions(connects_of_tenant=Rate(SLOWLY, 2)), {"plant.example.com": OURS}.get)


async def test_connects_of_a_tenant_beyond_its_share_are_told_to_come_later(few_of_tenant: Crowd) -> None:
    assert [admit(few_of_tenant, DEVICE) for _ in range(3)] == [True, True, False]
    refusal = few_of_tenant.hold_up(DEVICE, HERE)
    assert refusal is not None
    assert (refusal.code, refusal.tenant) == (Code.TRY_LATER, OURS)


async def test_storm_of_one_tenant_leaves_the_share_of_another(few_of_tenant: Crowd) -> None:
    while admit(few_of_tenant, DEVICE):
        pass
    assert admit(few_of_tenant, replace(DEVICE, tenant=THEIRS), tenant=THEIRS)


async def test_strangers_who_look_like_a_tenants_devices_use_up_nothing_of_its_share(few_of_tenant: Crowd) -> None:
    for number in range(20):
        assert refuse(few_of_tenant, replace(NEW_DEVICE, leaf=b"%d" % number))
    assert admit(few_of_tenant, DEVICE)


async def test_refused_devices_of_a_tenant_use_up_its_share(few_of_tenant: Crowd) -> None:
    of_ours = replace(REFUSED, tenant=OURS)
    assert [refuse(few_of_tenant, DEVICE, refusal=of_ours) for _ in range(3)] == [True, True, False]


async def test_device_that_proves_to_be_another_tenants_is_charged_to_that_one(few_of_tenant: Crowd) -> None:
    for _ in range(2):
        assert admit(few_of_tenant, DEVICE, tenant=THEIRS)
    assert not admit(few_of_tenant, replace(DEVICE, tenant=THEIRS), tenant=THEIRS)
    assert admit(few_of_tenant, DEVICE)


async def test_device_that_is_verified_for_the_first_time_is_charged_then(few_of_tenant: Crowd) -> None:
    assert [admit(few_of_tenant, NEW_DEVICE) for _ in range(3)] == [True, True, False]
    refusal = few_of_tenant.admitted(NEW_DEVICE, HERE, OURS)
    assert refusal is not None
    assert (refusal.code, refusal.tenant) == (Code.TRY_LATER, OURS)


async def test_device_that_several_tenants_could_claim_is_charged_to_the_one_that_gets_it(few_of_tenant: Crowd) -> None:
    assert [admit(few_of_tenant, replace(NEW_DEVICE, tenant=None)) for _ in range(3)] == [True, True, False]


async def test_stranger_is_not_told_that_a_tenant_is_beyond_its_share(few_of_tenant: Crowd) -> None:
    while admit(few_of_tenant, DEVICE):
        pass
    assert refuse(few_of_tenant, NEW_DEVICE)


async def test_what_slowed_strangers_are_told_is_no_tenants_to_see() -> None:
    crowd = Crowd(CrowdOptions(failures_of_certificate=Rate(SLOWLY, 1)))
    refuse(crowd, NEW_DEVICE)
    refusal = crowd.hold_up(NEW_DEVICE, HERE)
    assert refusal is not None
    assert refusal.tenant is None


async def test_server_name_of_a_tenant_without_share_left_is_turned_away(few_of_tenant: Crowd) -> None:
    assert few_of_tenant.has_room_for("plant.example.com")
    while admit(few_of_tenant, DEVICE):
        pass
    assert not few_of_tenant.has_room_for("plant.example.com")
    assert few_of_tenant.has_room_for("other.example.com")
    assert few_of_tenant.has_room_for(None)


async def test_naming_a_tenant_reserves_one_of_its_connects_until_it_is_given_back(few_of_tenant: Crowd) -> None:
    reservation = few_of_tenant.reserve("plant.example.com")
    assert [admit(few_of_tenant, DEVICE) for _ in range(2)] == [True, False]
    reservation.give_back()
    assert [admit(few_of_tenant, DEVICE) for _ in range(2)] == [True, False]


async def test_naming_nobody_reserves_nothing(few_of_tenant: Crowd) -> None:
    for name in (None, "other.example.com"):
        assert few_of_tenant.reserve(name) is NOTHING_RESERVED


async def test_certificate_that_is_refused_too_often_is_told_to_come_later() -> None:
    crowd = Crowd(CrowdOptions(failures_of_certificate=Rate(SLOWLY, 2)))
    assert [refuse(crowd, STRANGER) for _ in range(3)] == [True, True, False]
    assert refuse(crowd, replace(STRANGER, leaf=b"another"))


async def test_certificate_that_is_admitted_has_its_refusals_forgotten() -> None:
    crowd = Crowd(CrowdOptions(failures_of_certificate=Rate(SLOWLY, 2)))
    for _ in range(5):
        assert refuse(crowd, DEVICE)
        assert admit(crowd, DEVICE)


async def test_address_with_too_many_refusals_is_told_to_come_later_whatever_it_presents() -> None:
    crowd = Crowd(CrowdOptions(failures_of_address=Rate(SLOWLY, 3)))
    assert [refuse(crowd, replace(STRANGER, leaf=b"%d" % n)) for n in range(4)] == [True, True, True, False]
    assert not refuse(crowd, Applicant(None, b"", is_known=False))
    assert refuse(crowd, STRANGER, THERE)


async def test_known_device_is_looked_at_behind_an_address_with_too_many_refusals() -> None:
    crowd = Crowd(CrowdOptions(failures_of_address=Rate(SLOWLY, 1)))
    while refuse(crowd, replace(STRANGER, leaf=b"")):
        pass
    assert admit(crowd, DEVICE)
    assert not admit(crowd, NEW_DEVICE)


async def test_connection_counts_with_the_tenant_that_was_admitted_at_its_address_last() -> None:
    crowd = Crowd(tenant_of_domain={"plant.example.com": THEIRS}.get)
    assert crowd.group_at(None, HERE) is None
    assert admit(crowd, DEVICE)
    assert crowd.group_at(None, HERE) == OURS
    assert crowd.group_at(None, THERE) is None
    assert crowd.group_at("plant.example.com", HERE) == THEIRS


async def test_refused_connections_count_with_no_tenant() -> None:
    crowd = Crowd()
    assert refuse(crowd, DEVICE)
    assert crowd.group_at(None, HERE) is None


async def test_trouble_of_the_node_is_no_failure_of_who_connects() -> None:
    crowd = Crowd(CrowdOptions(failures_of_certificate=Rate(SLOWLY, 1), failures_of_address=Rate(SLOWLY, 1)))
    for code in (Code.STALE_NODE, Code.TRY_LATER) * 3:
        assert refuse(crowd, NEW_DEVICE, refusal=Refusal(code))
    assert admit(crowd, NEW_DEVICE)


class Waiting:
    """A connection that was not answered yet."""

    def __init__(self, crowd: Crowd, network: str) -> None:
        self.crowd, self.network = crowd, network
        self.is_in = crowd.arrive(network, self)

    def make_room(self) -> None:
        self.is_in = False
        self.crowd.settle(self.network, self)


async def test_unanswered_connections_of_an_address_are_limited() -> None:
    crowd = Crowd(CrowdOptions(max_unsettled_per_address=2))
    waiting = [Waiting(crowd, HERE) for _ in range(3)]
    assert [one.is_in for one in waiting] == [True, True, False]
    waiting[0].make_room()
    assert Waiting(crowd, HERE).is_in


async def test_who_takes_all_places_makes_room_for_another_address() -> None:
    crowd = Crowd(CrowdOptions(max_unsettled=3))
    taking = [Waiting(crowd, HERE) for _ in range(4)]
    assert [one.is_in for one in taking] == [True, True, True, False]
    other = Waiting(crowd, THERE)
    assert other.is_in
    assert [one.is_in for one in taking] == [False, True, True, False]
    assert not Waiting(crowd, THERE).is_in  # which would be as many as the others have
    assert other.is_in
