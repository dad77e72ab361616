"""What can be uploaded as a trusted certificate, and how the rest is named."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.domain.trusted_certificate import TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft, UnacceptableCertificateError
from support.certificates import AT, EXPIRED, NOT_A_CA, NOT_YET_VALID, Issued, root_authority, self_signed_device

ROOT = root_authority("Plant CA")


def draft(text: str, name: str | None = "Plant") -> TrustedCertificateDraft:
    return TrustedCertificateDraft(certificate_text=text, status=TrustStatus.ENABLED, name=name)


def test_a_ca_certificate_is_accepted() -> None:
    assert draft(ROOT.pem).accepted_certificate(AT).der == ROOT.der


def test_bare_base64_is_accepted() -> None:
    assert draft(base64.b64encode(ROOT.der).decode()).accepted_certificate(AT).der == ROOT.der


def test_a_self_signed_device_certificate_that_says_ca_is_accepted() -> None:
    draft(self_signed_device("pump-7").pem).accepted_certificate(AT)


def test_a_ca_without_key_usage_is_accepted() -> None:
    draft(root_authority("Plain", key_usage=None).pem).accepted_certificate(AT)


def test_a_ca_that_is_not_valid_yet_is_accepted() -> None:
    draft(root_authority("Next year", valid=NOT_YET_VALID).pem).accepted_certificate(AT)


def test_the_own_signature_of_the_ca_may_be_old() -> None:
    draft(root_authority("Old", digest="sha1").pem).accepted_certificate(AT)


@pytest.mark.parametrize("key", ["rsa-2048", "rsa-4096", "ec-p256", "ec-p384", "ec-p521"])
def test_every_usual_key_is_accepted(key: str) -> None:
    draft(root_authority("Plant CA", key=key).pem).accepted_certificate(AT)


@pytest.mark.parametrize(
    ("issued", "words"),
    [
        (root_authority("Weak", key="rsa-1024"), "Cannot process certificate data. : .*RSA of 1024 bits"),
        (root_authority("Odd", key="ec-secp256k1"), "curve secp256k1"),
        (root_authority("Edward", key="ed25519"), "Ed25519, which is accepted for device certificates only"),
        (root_authority("First", version1=True), "X.509 version 3, not 1"),
        (root_authority("None", basic_constraints=None), "Certificate must be a CA certificate"),
        (root_authority("No", basic_constraints=NOT_A_CA), "Certificate must be a CA certificate"),
        (
            root_authority("Old", valid=EXPIRED),
            "^Can not activate a certificate which is either expired or not yet valid$",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_a_trust_anchor_is_refused_and_its_fault_named(issued: Issued, words: str) -> None:
    with pytest.raises(UnacceptableCertificateError, match=words):
        draft(issued.pem).accepted_certificate(AT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA",
        base64.b64encode(ROOT.der + b"\0").decode(),
        base64.b64encode(ROOT.der[:-1]).decode(),
        "A" * 65_540,
    ],
)
def test_what_is_no_certificate_is_refused_in_the_words_of_the_contract(text: str) -> None:
    expected = re.escape("Cannot parse X509 certificate. : Could not parse certificate: ")
    with pytest.raises(UnacceptableCertificateError, match=f"^{expected}"):
        draft(text).accepted_certificate(AT)


@given(text=st.text(max_size=300) | st.binary(max_size=300).map(lambda der: base64.b64encode(der).decode()))
def test_any_text_is_refused_with_its_own_error(text: str) -> None:
    with pytest.raises(UnacceptableCertificateError):
        draft(text).accepted_certificate(AT)


@pytest.mark.parametrize("name", ["a\nb", "a\0", "\u2028", "\ud800", "a" * 257])
def test_a_name_that_is_no_line_of_text_is_refused(name: str) -> None:
    with pytest.raises(UnacceptableCertificateError, match="name"):
        draft(ROOT.pem, name).accepted_certificate(AT)


@pytest.mark.parametrize("name", [None, "", "Werk Süd 👩‍🔧", "a" * 256])
def test_any_other_name_is_taken(name: str | None) -> None:
    draft(ROOT.pem, name).accepted_certificate(AT)
