"""What is told of an attempt, and what is not."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from certinel.domain.admission import Admission, ConnectAttempt
from certinel.domain.connection_attempt import (
    ADMITTED,
    ConnectionAttempt,
    Origin,
    Outcome,
    PresentedCertificate,
    Sighting,
    described,
    summary,
)
from certinel.domain.errors import Code, Explanation, Refusal
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from support.certificates import AT, EXPIRED, Issued, root_authority
from support.trust import ACME, OTHER, TrustWorld

ORIGIN = Origin("192.0.2.1", "TLSv1.3", "V5_0")


@pytest.fixture
def world() -> TrustWorld:
    return TrustWorld()


def told(
    world: TrustWorld,
    presented: list[bytes],
    client_id: str,
    *,
    tenant: TenantId | None = None,
    user_name: str | None = None,
) -> ConnectionAttempt:
    """Connect and put it into words for ``tenant``, by default the one whose attempt it is."""
    verdict = world.connect(presented, client_id, user_name=user_name)
    code = verdict.code if isinstance(verdict, Refusal) else ADMITTED
    owner = tenant or verdict.tenant or MANAGEMENT_TENANT
    sighting = Sighting(owner, code, verdict, ConnectAttempt(presented, client_id, user_name), ORIGIN)
    return described(sighting, world.store.trusted_certificates(owner), AT)


def sent_by(device: Issued) -> list[bytes]:
    return list(device.chain_der)


def test_admitted_device_is_told_with_its_certificate_and_its_anchor(world: TrustWorld) -> None:
    plant = root_authority("Plant CA")
    trusted = world.trust(plant)
    pump = plant.device("pump", serial=0xABC)
    attempt = told(world, sent_by(pump), "d:pump")
    assert isinstance(world.connect(pump, "d:pump"), Admission)
    assert (attempt.outcome, attempt.device, attempt.client_id) == (Outcome.ADMITTED, "pump", "d:pump")
    assert (attempt.address, attempt.tls_version, attempt.mqtt_version) == ("192.0.2.1", "TLSv1.3", "V5_0")
    assert attempt.trusted == trusted.fingerprint
    assert attempt.leaf is not None
    assert (attempt.leaf.subject, attempt.leaf.issuer) == ("CN=pump, O=Example", "CN=Plant CA, O=Example")
    assert (attempt.leaf.serial_number_hex, len(attempt.leaf.sha1), len(attempt.leaf.sha256)) == ("abc", 40, 64)


def test_refusal_is_told_with_sentence_remedy_and_facts(world: TrustWorld) -> None:
    plant = root_authority("Plant CA")
    world.trust(plant)
    attempt = told(world, sent_by(plant.device("pump", valid=EXPIRED)), "pump")
    assert (attempt.tenant, attempt.code) == (ACME, Code.EXPIRED)
    assert attempt.sentence.startswith("The device certificate CN=pump, O=Example expired on")
    assert attempt.remedy == "Renew the device certificate."
    assert attempt.facts["subject"] == "CN=pump, O=Example"


def failing(attempt: ConnectionAttempt) -> list[str]:
    return [certificate.subject for certificate in attempt.chain if certificate.is_at_fault]


def test_certificate_at_fault_is_marked_whatever_the_order_it_was_sent_in(world: TrustWorld) -> None:
    plant = root_authority("Plant CA")
    world.trust(plant)
    hall = plant.authority("Hall 3", valid=EXPIRED)
    pump = hall.device("pump")
    attempt = told(world, [pump.der, plant.der, hall.der], "pump")
    assert attempt.code == Code.ISSUER_EXPIRED
    assert [certificate.subject for certificate in attempt.chain] == [
        "CN=pump, O=Example",
        "CN=Hall 3, O=Example",
        "CN=Plant CA, O=Example",
    ]
    assert failing(attempt) == ["CN=Hall 3, O=Example"]


def test_trusted_certificate_that_was_not_sent_is_named_and_not_shown(world: TrustWorld) -> None:
    plant = root_authority("Plant CA")
    trusted = world.trust(plant)
    attempt = told(world, [plant.device("pump", valid=EXPIRED).der], "pump")
    assert len(attempt.chain) == 1
    assert attempt.trusted == trusted.fingerprint


def test_operator_is_not_told_what_a_tenant_has_uploaded(world: TrustWorld) -> None:
    """A forged chain names the CA of a tenant; nobody signed for it, so it is the operator's to see."""
    plant, impostor = root_authority("Plant CA"), root_authority("Plant CA")
    trusted = world.trust(plant)
    attempt = told(world, [impostor.device("pump").der], "pump")
    assert attempt.tenant == MANAGEMENT_TENANT
    assert attempt.trusted is None
    assert trusted.fingerprint not in repr(attempt)


def test_each_of_several_claimants_is_told_its_own_certificate_only(world: TrustWorld) -> None:
    plant = root_authority("Plant CA")
    renewed = plant.renewed()
    mine, others = world.trust(plant, proven=True), world.trust(renewed, OTHER, proven=True)
    device = [plant.device("pump").der]
    assert told(world, device, "pump").code == Code.AMBIGUOUS_TENANT
    assert others.fingerprint not in repr(told(world, device, "pump", tenant=ACME))
    assert mine.fingerprint not in repr(told(world, device, "pump", tenant=OTHER))


def test_what_a_stranger_calls_itself_is_made_printable_and_short(world: TrustWorld) -> None:
    attempt = told(world, [], "evil\x1b[2J" + "x" * 60_000, user_name="\u202eadmin\0" + "y" * 60_000)
    assert len(repr(attempt)) < 4000
    for text in (attempt.client_id, attempt.user_name, attempt.sentence, *attempt.facts.values()):
        assert text is not None
        assert text.isprintable()


def test_names_in_a_certificate_are_made_printable(world: TrustWorld) -> None:
    attempt = told(world, [root_authority("evil\nCA\0").device("pump\x7f").der], "pump")
    for certificate in attempt.chain:
        assert certificate.subject.isprintable()
        assert certificate.issuer.isprintable()


def test_chain_that_cannot_be_read_is_told_without_certificates(world: TrustWorld) -> None:
    plant = root_authority("Plant CA")
    attempt = told(world, [b"garbage", plant.der], "pump")
    assert (attempt.code, attempt.chain, attempt.device) == (Code.MALFORMED, (), "pump")


def test_unreadable_certificate_above_the_device_leaves_the_device(world: TrustWorld) -> None:
    plant = root_authority("Plant CA")
    attempt = told(world, [plant.device("pump").der, b"garbage", plant.der], "pump")
    assert attempt.code == Code.MALFORMED
    assert [certificate.subject for certificate in attempt.chain] == ["CN=pump, O=Example", "CN=Plant CA, O=Example"]
    assert failing(attempt) == []


def test_chain_that_is_too_much_is_not_read_afterwards(world: TrustWorld) -> None:
    plant = root_authority("Plant CA")
    attempt = told(world, [plant.device("pump").der] * 12, "pump")
    assert (attempt.code, attempt.chain) == (Code.TOO_MANY_CERTIFICATES, ())


def test_client_without_certificate_is_named_by_its_client_id(world: TrustWorld) -> None:
    attempt = told(world, [], "d:pump")
    assert (attempt.code, attempt.device, attempt.leaf) == (Code.NO_CERTIFICATE, "pump", None)


def test_client_id_that_means_nothing_names_no_device(world: TrustWorld) -> None:
    assert told(world, [], "a:b:c:d").device is None


def test_client_with_a_password_is_told_with_its_user_name() -> None:
    sighting = Sighting(ACME, ADMITTED, None, ConnectAttempt((), "pump", "t1000/admin"), ORIGIN)
    attempt = described(sighting, (), AT)
    assert (attempt.user_name, attempt.sentence) == (
        "t1000/admin",
        "The client is connected by user name and password.",
    )


def test_what_ended_before_a_decision_is_told_in_its_own_words() -> None:
    sighting = Sighting(MANAGEMENT_TENANT, "tls/timeout", Explanation("Too slow.", "Hurry."), None, Origin("::1"))
    attempt = described(sighting, (), AT)
    assert (attempt.sentence, attempt.remedy, attempt.outcome) == ("Too slow.", "Hurry.", Outcome.REFUSED)
    assert (attempt.client_id, attempt.device, attempt.chain) == (None, None, ())


def test_summary_names_nobody() -> None:
    attempt = summary(ACME, "password/wrong", "192.0.2.1", AT)
    assert (attempt.is_summary, attempt.device, attempt.client_id, attempt.leaf) == (True, None, None, None)


def test_facts_of_a_certificate_stay_short(world: TrustWorld) -> None:
    units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "x" * 60) for _ in range(100)]
    wordy = root_authority("Plant CA", subject=x509.Name(units))
    attempt = told(world, [wordy.device("pump").der], "pump")
    assert isinstance(attempt.leaf, PresentedCertificate)
    assert len(attempt.leaf.issuer) < 300
