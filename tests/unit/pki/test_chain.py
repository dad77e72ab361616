"""Chains of certificates as PEM files."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.pki.authority import Validity, distinguished_name, issue_device, issue_intermediate, make_ca
from certinel.pki.chain import chain_from_pem, chain_to_pem, ordered
from certinel.pki.errors import NotACertificateError
from certinel.pki.keys import generate_key

VALIDITY = Validity.of_days(30, at=datetime(2026, 11, 23, tzinfo=UTC))
KEY = generate_key()
ROOT = make_ca(distinguished_name("Root"), KEY, VALIDITY)
MIDDLE = issue_intermediate(ROOT, distinguished_name("Middle"), generate_key(), VALIDITY)
DEVICE = issue_device(MIDDLE, "pump-7", generate_key().public_key(), VALIDITY)
CHAIN = [DEVICE, MIDDLE.certificate, ROOT.certificate]


def test_a_written_chain_reads_back_in_its_order() -> None:
    assert chain_from_pem(chain_to_pem(CHAIN)) == CHAIN


def test_each_certificate_is_followed_by_its_issuer() -> None:
    assert ordered(DEVICE, [ROOT.certificate, DEVICE, MIDDLE.certificate]) == CHAIN


def test_certificates_that_are_not_issuers_are_left_out() -> None:
    stranger = make_ca(distinguished_name("Middle"), KEY, VALIDITY).certificate
    assert ordered(DEVICE, [stranger, ROOT.certificate]) == [DEVICE]


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"\xff",
        b"hello, world",
        chain_to_pem(CHAIN)[:-40],
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_is_no_chain(pem: bytes) -> None:
    with pytest.raises(NotACertificateError):
        chain_from_pem(pem)


@given(st.binary())
def test_any_bytes_are_a_chain_or_one_of_our_errors(body: bytes) -> None:
    with pytest.raises(NotACertificateError):
        chain_from_pem(b"-----BEGIN CERTIFICATE-----\n" + body + b"\n-----END CERTIFICATE-----\n")
