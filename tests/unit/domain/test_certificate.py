"""Reading certificates: every input is either read or refused, never anything else."""

import contextlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from certinel.domain.certificate import Certificate, MalformedCertificateError
from support.certificates import root_authority

ROOT = root_authority("Plant CA", name_constraints=x509.NameConstraints([x509.DNSName("plant.example")], None))
DEVICE = ROOT.authority("Hall 3", key="rsa-2048").device("pump-7", san=[x509.DNSName("pump-7.plant.example")])
SEEDS = [one.der for one in DEVICE.chain]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_bytes_are_read_or_malformed(seed: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(seed)
    for position, value in changes:
        changed[position % len(changed)] = value
    read_or_refuse(bytes(changed))


@given(
    st.binary(max_size=200)
    | st.sampled_from(SEEDS).flatmap(lambda seed: st.integers(0, len(seed)).map(lambda end: seed[:end]))
)
def test_any_bytes_are_read_or_malformed(der: bytes) -> None:
    read_or_refuse(der)


def test_a_version_that_nobody_issues_is_malformed() -> None:
    version_3 = bytes.fromhex("a003020102")  # [0] INTEGER, the first field (RFC 5280, 4.1)
    assert DEVICE.der.count(version_3) == 1
    with pytest.raises(MalformedCertificateError):
        Certificate.parse(DEVICE.der.replace(version_3, bytes.fromhex("a003020101")))


def read_or_refuse(der: bytes) -> None:
    with contextlib.suppress(MalformedCertificateError):
        assert Certificate.parse(der).der == der


@pytest.mark.parametrize("kind", ["ec-p256", "ec-p521", "rsa-2048", "ed25519", "ed448"])
@pytest.mark.parametrize("version1", [True, False])
def test_the_public_key_is_cut_out_as_it_is_written(kind: str, version1: bool) -> None:
    issued = ROOT.device("pump-7", key=kind, version1=version1)
    key = issued.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert Certificate.parse(issued.der).public_key == key
