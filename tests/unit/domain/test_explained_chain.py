"""A chain in the order of its path, with its facts and the place where it breaks."""

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from certinel.domain.certificate import Certificate
from certinel.domain.certificate_facts import extended_key_usages, key_text, key_usages
from certinel.domain.chain_alone import judge_alone
from certinel.domain.errors import Refusal
from certinel.domain.explained_chain import ChainRole, ExplainedChain, explained
from support import der
from support.certificates import (
    AT,
    CLIENT_AUTH,
    EXPIRED,
    Issued,
    name,
    new_key,
    root_authority,
    self_signed_device,
    usage,
)
from support.trust import TrustWorld

ROOT = root_authority("Plant CA")
HALL = ROOT.authority("Hall 3")
PUMP = HALL.device("pump-7")
ODD_PURPOSE = x509.ObjectIdentifier("1.2.3.4")


def by(world: TrustWorld, *presented: Issued, client_id: str | None = None) -> ExplainedChain:
    ders = [one.der for one in presented]
    return explained(ders, world.connect(presented, client_id), world.store, world.at)


def trusting_world() -> TrustWorld:
    world = TrustWorld()
    world.trust(ROOT)
    return world


def roles(chain: ExplainedChain) -> list[tuple[ChainRole, int | None]]:
    return [(link.role, link.position) for link in chain.links]


def test_trusted_certificate_that_was_not_sent_has_no_position() -> None:
    assert roles(by(trusting_world(), PUMP, HALL)) == [
        (ChainRole.DEVICE, 1),
        (ChainRole.INTERMEDIATE, 2),
        (ChainRole.TRUSTED, None),
    ]


def test_certificates_stand_in_the_order_of_the_path() -> None:
    assert roles(by(trusting_world(), PUMP, ROOT, HALL)) == [
        (ChainRole.DEVICE, 1),
        (ChainRole.INTERMEDIATE, 3),
        (ChainRole.TRUSTED, 2),
    ]


def test_unknown_chain_is_shown_up_to_its_root() -> None:
    chain = by(TrustWorld(), *PUMP.chain)
    assert [link.role for link in chain.links] == [ChainRole.DEVICE, ChainRole.INTERMEDIATE, ChainRole.ROOT]
    assert (chain.broken_after, chain.missing_issuer) == (2, None)


def test_fault_before_any_path_shows_the_chain_too() -> None:
    chain = by(trusting_world(), *HALL.device("a", "b").chain)
    assert [link.role for link in chain.links] == [ChainRole.DEVICE, ChainRole.INTERMEDIATE, ChainRole.TRUSTED]
    assert (chain.broken_after, chain.links[0].is_at_fault) == (0, True)


def test_device_trusted_itself_is_one_link() -> None:
    device = self_signed_device("pump-7")
    world = TrustWorld()
    world.trust(device)
    chain = by(world, device)
    assert roles(chain) == [(ChainRole.DEVICE, 1)]
    assert chain.trusted is not None


@pytest.mark.parametrize(("client_id", "broken_after"), [("pump-8", 0), ("x:y", 0), ("pump-7", None)])
def test_chain_breaks_at_the_device_when_its_client_id_is_wrong(client_id: str, broken_after: int | None) -> None:
    assert by(trusting_world(), *PUMP.chain, client_id=client_id).broken_after == broken_after


def test_chain_breaks_at_its_end_when_the_tenant_does_not_want_the_device() -> None:
    world = trusting_world()
    world.device_user("pump-7", is_enabled=False)
    assert by(world, *PUMP.chain).broken_after == 2


def test_certificate_that_is_not_needed_is_noted() -> None:
    (note,) = by(trusting_world(), *PUMP.chain, root_authority("Another CA")).notes
    assert note == "Certificate 4, CN=Another CA, O=Example, is not on the path and need not be sent."


def test_chain_alone_tells_what_else_is_wrong_with_a_chain_that_nobody_trusts() -> None:
    chain = by(TrustWorld(), *ROOT.device("pump-7", valid=EXPIRED).chain)
    assert chain.also_wrong is not None
    assert chain.also_wrong.code == "certificate/expired"


@given(st.lists(st.binary(max_size=40) | st.sampled_from([one.der for one in PUMP.chain]), max_size=13))
def test_whatever_is_presented_can_be_explained(presented: list[bytes]) -> None:
    alone = judge_alone(presented, AT)
    chain = explained(presented, alone.verdict, alone.trust, AT)
    assert chain.broken_after is None or chain.broken_after < len(chain.links)
    assert all(note.isprintable() for note in chain.notes)


@given(st.data())
def test_certificate_with_any_byte_changed_can_be_explained(data: st.DataObject) -> None:
    changed = bytearray(PUMP.der)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    presented = [bytes(changed), HALL.der, ROOT.der]
    alone = judge_alone(presented, AT)
    assert isinstance(alone.verdict, Refusal)
    explained(presented, alone.verdict, alone.trust, AT)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("rsa-2048", "RSA 2048"),
        ("ec-p256", "EC P-256"),
        ("ec-p521", "EC P-521"),
        ("ec-secp256k1", "EC secp256k1"),
        ("ed25519", "Ed25519"),
        ("ed448", "Ed448"),
    ],
)
def test_keys_have_the_names_that_people_know(kind: str, text: str) -> None:
    assert key_text(Certificate.parse(ROOT.device("x", key=new_key(kind)).der)) == text


def test_key_that_cannot_be_read_says_so() -> None:
    unknown = der.sequence(der.sequence(der.object_identifier("1.2.3.4")), der.bit_string(b"key"))
    assert key_text(Certificate.parse(ROOT.device("x", public_key=unknown, key_identifiers=False).der)) == "unreadable"


def test_usages_have_the_names_of_the_standard() -> None:
    device = ROOT.device("x", key_usage=usage("digital_signature", "key_agreement"), eku=[CLIENT_AUTH, ODD_PURPOSE])
    certificate = Certificate.parse(device.der)
    assert key_usages(certificate) == ("digitalSignature", "keyAgreement")
    assert extended_key_usages(certificate) == ("clientAuth", "1.2.3.4")
    assert key_usages(Certificate.parse(self_signed_device("x", subject=name("x")).der)) is None
