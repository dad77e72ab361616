"""What hostile chains may cost: a bounded number of signatures, paths and comparisons of names, and of CPU time."""

import ipaddress
import time
from collections.abc import Callable, Sequence
from itertools import permutations

import pytest
from cryptography import x509

from certinel.domain.admission import TrustPolicy
from certinel.domain.claims import find_claims
from certinel.domain.errors import Code, Refusal
from certinel.domain.lineage import MAX_CANDIDATE_PATHS, MAX_PATH_STEPS, MAX_WORK, Effort, trace
from certinel.domain.path_fault import MAX_NAME_COMPARISONS
from certinel.domain.verdict_memory import VerdictMemory
from support.certificates import EXPIRED, Issued, new_key, root_authority, rsa_public_key
from support.trust import ACME, TrustWorld, says

KINDS = ["ec-p256", "ec-p384", "rsa-2048"]


@pytest.fixture
def world() -> TrustWorld:
    return TrustWorld(policy=TrustPolicy(max_chain_length=12))


def effort_of(world: TrustWorld, presented: Sequence[Issued]) -> Effort:
    read = world.memory.read([one.der for one in presented])
    assert not isinstance(read, Refusal)
    effort = Effort()
    find_claims(read, world.store, world.memory, world.at, effort=effort)
    assert effort.work <= MAX_WORK
    assert effort.paths <= MAX_CANDIDATE_PATHS
    return effort


def same_name(key: str = "ec-p256", **options: object) -> Issued:
    return root_authority("Same", key=new_key(key), key_identifiers=False, **options)


@pytest.mark.parametrize("kind", ["ec-p256", "ec-p384"])
def test_ten_certificates_of_one_name_and_other_keys_cost_a_signature_each(world: TrustWorld, kind: str) -> None:
    root = same_name(kind)
    world.trust(root)
    leaf = root.device("pump-7", key_identifiers=False)
    presented = [leaf, *(same_name(kind) for _ in range(10))]
    effort = effort_of(world, presented)
    assert (effort.signatures, effort.paths) == (11, 1)
    world.admit(presented)


def test_nobody_is_searched_for_when_one_key_alone_can_have_signed(world: TrustWorld) -> None:
    root = same_name()
    world.trust(root)
    effort = effort_of(world, [root.device("pump-7", key_identifiers=False), *(root.renewed() for _ in range(10))])
    assert (effort.signatures, effort.paths) == (0, 1)


def test_path_that_does_not_hold_is_verified_once(world: TrustWorld) -> None:
    root = same_name()
    world.trust(root)
    effort = effort_of(world, [root.device("pump-7", key_identifiers=False, valid=EXPIRED)])
    assert (effort.signatures, effort.paths) == (1, 1)


def test_forged_leaf_costs_one_path_and_one_signature(world: TrustWorld) -> None:
    root = same_name()
    world.trust(root)
    effort = effort_of(world, [same_name().device("pump-7", key_identifiers=False)])
    assert (effort.signatures, effort.paths) == (1, 1)


def test_cas_that_sign_each_other_crosswise_are_walked_a_bounded_number_of_steps(world: TrustWorld) -> None:
    authorities = {letter: root_authority(letter) for letter in "ABCD"}
    crossed = [authorities[one].authority(other, key=authorities[other].key) for one, other in permutations("ABCD", 2)]
    for _ in range(30):
        world.trust(authorities["D"].renewed())
    presented = [authorities["A"].device("pump-7"), *crossed[:10]]
    assert effort_of(world, presented).signatures <= 11
    world.admit(presented)
    read = world.memory.read([one.der for one in presented])
    lineage = trace(read, world.store.candidates(read.certificates, world.at), (), Effort())
    anchors = [trusted.certificate for trusted in world.uploads]
    assert all(len(list(lineage.paths_to(anchor))) <= MAX_PATH_STEPS for anchor in anchors)


@pytest.mark.parametrize("kind", KINDS)
def test_the_longest_chain_under_many_certificates_of_one_key_stays_within_the_limits(
    world: TrustWorld, kind: str
) -> None:
    root = issuer = root_authority("Root", key=kind)
    for number in range(10):
        issuer = issuer.authority(f"Level {number}", key=kind)
    for _ in range(20):
        world.trust(root.renewed())
    presented = issuer.device("pump-7").chain[:-1]
    assert len(presented) == 11
    assert effort_of(world, presented).signatures == 11
    assert len(world.admit(presented).path) == 12


@pytest.mark.parametrize("kind", ["ec-p256", "ec-p384"])
def test_a_hundred_twins_of_a_hundred_tenants_cost_a_signature_each(world: TrustWorld, kind: str) -> None:
    for number in range(100):
        world.trust(same_name(kind), world.tenant(f"evil{number}"), proven=True)
    root = same_name(kind)
    world.trust(root)
    presented = [root.device("pump-7", key_identifiers=False)]
    effort = effort_of(world, presented)
    assert (effort.signatures, effort.paths) == (101, 1)
    assert world.admit(presented).tenant == ACME


def test_twins_without_number_do_not_cost_more_than_the_limit(world: TrustWorld) -> None:
    slow = [same_name("ec-p384") for _ in range(150)]
    for number, twin in enumerate(slow):
        world.trust(twin, world.tenant(f"evil{number}"))
    stranger = same_name("ec-p384").device("pump-7", key_identifiers=False)
    assert effort_of(world, [stranger]).signatures <= MAX_WORK // 8
    assert says(world.refuse([stranger]), Code.BAD_SIGNATURE, 0, owner=None)


def test_a_stranger_who_matches_nothing_costs_no_signature(world: TrustWorld) -> None:
    world.trust(root_authority("Plant CA"))
    effort = effort_of(world, root_authority("Mine").authority("Hall").device("pump-7").chain)
    assert (effort.signatures, effort.paths) == (0, 0)


def test_ten_keys_with_the_longest_exponents_stay_within_the_limit(world: TrustWorld) -> None:
    root = root_authority("Same", key="rsa-2048", key_identifiers=False)
    world.trust(root)
    huge = [same_name(public_key=rsa_public_key(8192, 2**32 - 1 - 2 * number)) for number in range(10)]
    leaf = root.device("pump-7", key_identifiers=False)
    effort = effort_of(world, [leaf, *huge])
    assert effort.work < 300
    world.admit([leaf, *huge])


NAMES = {
    "dns": [x509.DNSName(f"a{number}.example") for number in range(700)],
    "address": [x509.IPAddress(ipaddress.ip_address(number + 2**28)) for number in range(700)],
    "email": [x509.RFC822Name(f"u{number}@example.org") for number in range(700)],
    "uri": [x509.UniformResourceIdentifier(f"http://a{number}.example/") for number in range(700)],
}
CONSTRAINTS = {
    "dns": [x509.DNSName(f"b{number}.example") for number in range(700)],
    "address": [x509.IPAddress(ipaddress.ip_network((number + 2**29, 32))) for number in range(700)],
    "email": [x509.RFC822Name(f"v{number}@example.org") for number in range(700)],
    "uri": [x509.UniformResourceIdentifier(f"b{number}.example") for number in range(700)],
}


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("place", ["trusted", "intermediate"])
def test_thousands_of_names_against_constraints_are_not_compared(world: TrustWorld, kind: str, place: str) -> None:
    many = x509.NameConstraints(None, CONSTRAINTS[kind])
    root = root_authority("Root", name_constraints=many if place == "trusted" else None)
    hall = root.authority("Hall", name_constraints=many if place == "intermediate" else None)
    world.trust(root)
    refusal = world.refuse(hall.device("pump-7", san=NAMES[kind]).chain[:-1])
    assert says(refusal, Code.NAME_CONSTRAINT, 0)
    assert f"more than {MAX_NAME_COMPARISONS}" in refusal.sentence


def test_constraints_at_every_level_add_up(world: TrustWorld) -> None:
    root = issuer = root_authority("Root")
    for number in range(9):
        constraints = x509.NameConstraints(None, CONSTRAINTS["dns"][:100])
        issuer = issuer.authority(f"Level {number}", name_constraints=constraints, san=NAMES["dns"][:50])
    world.trust(root)
    assert says(world.refuse(issuer.device("pump-7", san=NAMES["dns"][:500])), Code.NAME_CONSTRAINT, 0)


def test_hundreds_of_names_and_constraints_are_usual(world: TrustWorld) -> None:
    root = root_authority("Root", name_constraints=x509.NameConstraints(None, CONSTRAINTS["dns"][:300]))
    world.trust(root)
    world.admit(root.device("pump-7", san=NAMES["dns"][:300]))


def test_thousands_of_names_without_constraints_are_nobodys_business(world: TrustWorld) -> None:
    root = root_authority("Root")
    world.trust(root)
    world.admit(root.device("pump-7", san=NAMES["dns"]))


MAX_PLAIN_CHECKS = 1_150
"""What one decision may cost: 0.1 s of CPU where a plain check takes 87 us, as on the machine this was written on."""


def longest_chain(world: TrustWorld, kind: str) -> Sequence[Issued]:
    root = issuer = root_authority("Root", key=kind)
    for number in range(10):
        issuer = issuer.authority(f"Level {number}", key=kind)
    for _ in range(20):
        world.trust(root.renewed())
    return issuer.device("pump-7").chain[:-1]


def look_alikes(world: TrustWorld, kind: str) -> Sequence[Issued]:
    """All that a stranger can do who knows the name of a trusted CA."""
    world.trust(same_name(kind))
    return [same_name(kind).device("pump-7", key_identifiers=False), *(same_name(kind) for _ in range(10))]


def huge_keys(world: TrustWorld, kind: str) -> Sequence[Issued]:
    root = same_name(kind)
    world.trust(root)
    huge = [same_name(public_key=rsa_public_key(8192, 2**32 - 1 - 2 * number)) for number in range(10)]
    return [root.device("pump-7", key_identifiers=False), *huge]


def twins_of_many_tenants(world: TrustWorld, kind: str) -> Sequence[Issued]:
    for number in range(150):
        world.trust(same_name(kind), world.tenant(f"evil{number}"))
    return [same_name(kind).device("pump-7", key_identifiers=False)]


def names_at_every_level(world: TrustWorld, kind: str) -> Sequence[Issued]:
    root = issuer = root_authority("Root", key=kind)
    for number in range(9):
        constraints = x509.NameConstraints(None, CONSTRAINTS["dns"][:60])
        issuer = issuer.authority(f"Level {number}", key=kind, name_constraints=constraints, san=NAMES["dns"][:40])
    world.trust(root)
    return issuer.device("pump-7", san=NAMES["dns"][:200]).chain[:-1]


def cpu_of_a_plain_check() -> float:
    """What one signature over P-256 costs on this machine at this moment: a busy one makes everything dearer."""
    issuer = root_authority("Yardstick")
    certificate, signed_by = (x509.load_der_x509_certificate(one.der) for one in (issuer.device("pump-7"), issuer))
    begin = time.thread_time()
    for _ in range(100):
        certificate.verify_directly_issued_by(signed_by)
    return (time.thread_time() - begin) / 100


@pytest.mark.parametrize("kind", ["ec-p256", "ec-p384", "ec-p521", "rsa-2048"])
@pytest.mark.parametrize("shape", [longest_chain, look_alikes, huge_keys, twins_of_many_tenants, names_at_every_level])
def test_hostile_chain_costs_no_more_than_1150_plain_checks(
    world: TrustWorld, shape: Callable[[TrustWorld, str], Sequence[Issued]], kind: str
) -> None:
    presented = shape(world, kind)
    costs = []
    for _ in range(3):
        world.memory = VerdictMemory()
        yardstick = cpu_of_a_plain_check()
        begin = time.thread_time()
        world.connect(presented)
        costs.append((time.thread_time() - begin) / yardstick)
    assert min(costs) < MAX_PLAIN_CHECKS
