"""Which signatures prove possession, and what every other input is answered with."""

import base64
import textwrap
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from certinel.domain.certificate import Certificate
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import TenantId
from certinel.domain.possession import (
    MAX_SIGNATURE_CHARACTERS,
    MalformedSignatureError,
    NothingToProveError,
    VerificationCodeExpiredError,
    WrongSignatureError,
    proven_by,
)
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.verification_code import CODE_BYTES, VerificationCode
from support.certificates import AT, EXPIRED, Issued, PrivateKey, root_authority, self_signed_device

CODE = VerificationCode.made_of(bytes(range(CODE_BYTES)), AT)
RSA_CA = root_authority("RSA CA", key="rsa-2048")
EC_CA = root_authority("EC CA")


def trusted(ca: Issued) -> TrustedCertificate:
    certificate = Certificate.parse(ca.der)
    return TrustedCertificate(
        id=1,
        tenant=TenantId("t1000"),
        name="plant",
        status=TrustStatus.ENABLED,
        auto_registration=True,
        certificate=certificate,
        fingerprint=certificate.fingerprint,
        uploaded_at=AT,
        verification_code=CODE,
    )


Scheme = padding.AsymmetricPadding | None
PKCS1 = padding.PKCS1v15()
SHA256 = hashes.SHA256()


def pss(salt_length: int) -> padding.PSS:
    return padding.PSS(padding.MGF1(hashes.SHA256()), salt_length)


def signature(key: PrivateKey, content: bytes, digest: hashes.HashAlgorithm = SHA256, scheme: Scheme = PKCS1) -> str:
    match key:
        case rsa.RSAPrivateKey():
            assert scheme is not None
            raw = key.sign(content, scheme, digest)
        case ec.EllipticCurvePrivateKey():
            raw = key.sign(content, ec.ECDSA(digest))
        case _:
            raw = key.sign(content)
    return base64.b64encode(raw).decode()


KEYS = ["rsa-2048", "ec-p256", "ec-p384", "ec-p521"]


@pytest.mark.parametrize("kind", KEYS)
def test_signature_with_the_key_of_the_certificate_proves_possession(kind: str) -> None:
    ca = root_authority("CA", key=kind)
    proven = proven_by(trusted(ca), signature(ca.key, CODE.text.encode()), AT)
    assert (proven.proven_at, proven.verification_code) == (AT, None)


@pytest.mark.parametrize("salt_length", [0, 20, 32, padding.PSS.MAX_LENGTH])
def test_pss_with_any_length_of_salt_proves_possession(salt_length: int) -> None:
    text = signature(RSA_CA.key, CODE.text.encode(), scheme=pss(salt_length))
    assert proven_by(trusted(RSA_CA), text, AT).is_proven


def test_self_signed_device_that_is_its_own_authority_can_prove_possession() -> None:
    device = self_signed_device("pump-7")
    assert proven_by(trusted(device), signature(device.key, CODE.text.encode()), AT).is_proven


def test_possession_of_an_expired_certificate_can_be_proven() -> None:
    ca = root_authority("Old CA", valid=EXPIRED)
    assert proven_by(trusted(ca), signature(ca.key, CODE.text.encode()), AT).is_proven


@pytest.mark.parametrize("ca", [RSA_CA, EC_CA], ids=["rsa", "ec"])
@pytest.mark.parametrize("line_end", [b"", b"\n", b"\r\n", b"\r"])
def test_code_may_have_been_saved_with_any_line_end(ca: Issued, line_end: bytes) -> None:
    assert proven_by(trusted(ca), signature(ca.key, CODE.text.encode() + line_end), AT).is_proven


NOT_THE_CODE: dict[str, Callable[[str], bytes]] = {
    "the bytes that it encodes": base64.b64decode,
    "two line ends": lambda text: f"{text}\n\n".encode(),
    "a line end in front": lambda text: f"\n{text}".encode(),
    "a space at the end": lambda text: f"{text} ".encode(),
    "a byte order mark": lambda text: f"\ufeff{text}".encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "another code": lambda text: text[::-1].encode(),
    "nothing": lambda text: text[:0].encode(),
}


@pytest.mark.parametrize("content", NOT_THE_CODE)
@pytest.mark.parametrize("ca", [RSA_CA, EC_CA], ids=["rsa", "ec"])
def test_signature_of_something_else_is_wrong(ca: Issued, content: str) -> None:
    with pytest.raises(WrongSignatureError):
        proven_by(trusted(ca), signature(ca.key, NOT_THE_CODE[content](CODE.text)), AT)


@pytest.mark.parametrize("kind", KEYS)
def test_signature_by_another_key_is_wrong(kind: str) -> None:
    ca = root_authority("CA", key=kind)
    other = root_authority("CA", key=kind)
    with pytest.raises(WrongSignatureError):
        proven_by(trusted(ca), signature(other.key, CODE.text.encode()), AT)


@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA384(), hashes.SHA512()])  # noqa: S303 - must be refused
@pytest.mark.parametrize("ca", [RSA_CA, EC_CA], ids=["rsa", "ec"])
def test_signature_over_another_digest_is_wrong(ca: Issued, digest: hashes.HashAlgorithm) -> None:
    with pytest.raises(WrongSignatureError):
        proven_by(trusted(ca), signature(ca.key, CODE.text.encode(), digest), AT)


def test_signature_by_a_key_that_the_authority_has_issued_is_wrong() -> None:
    device = EC_CA.device("pump-7")
    with pytest.raises(WrongSignatureError):
        proven_by(trusted(EC_CA), signature(device.key, CODE.text.encode()), AT)


@pytest.mark.parametrize(
    "spread",
    [
        lambda text: "\n".join(textwrap.wrap(text, 64)) + "\n",
        lambda text: "\r\n".join(textwrap.wrap(text, 76)) + "\r\n",
        lambda text: f"  {text}\t\n",
        " ".join,
    ],
    ids=["lines of 64", "Windows lines", "around it", "everywhere"],
)
def test_white_space_in_the_signature_does_not_count(spread: Callable[[str], str]) -> None:
    text = signature(RSA_CA.key, CODE.text.encode())
    assert proven_by(trusted(RSA_CA), spread(text), AT).is_proven


MALFORMED = {
    "empty": "",
    "white space only": " \n\t",
    "no base64": "not base64!",
    "unpadded": "QUI",
    "too much padding": "QUI==",
    "url alphabet": "-_-_",
    "armour": "-----BEGIN SIGNATURE-----\nQUJD\n-----END SIGNATURE-----",
    "a letter that looks like one": "QUJ\u0421",
    "NUL": "QUJD\0",
    "too long": "A" * (MAX_SIGNATURE_CHARACTERS + 4),
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_base64_is_malformed(text: str) -> None:
    with pytest.raises(MalformedSignatureError) as caught:
        proven_by(trusted(EC_CA), text, AT)
    assert str(caught.value) == (
        f"Cannot process certificate data <'{trusted(EC_CA).fingerprint}'> for tenant <'t1000'>."
    )


def test_signature_of_the_largest_key_with_line_breaks_is_not_too_long() -> None:
    text = "\r\n".join(textwrap.wrap(base64.b64encode(bytes(1024)).decode(), 64))
    with pytest.raises(WrongSignatureError):
        proven_by(trusted(RSA_CA), text, AT)


def test_code_can_be_signed_until_its_last_moment() -> None:
    text = signature(EC_CA.key, CODE.text.encode())
    assert proven_by(trusted(EC_CA), text, AT + timedelta(days=14)).is_proven


@pytest.mark.parametrize("signer", [EC_CA, RSA_CA], ids=["right key", "wrong key"])
def test_expired_code_proves_nothing_whoever_signed(signer: Issued) -> None:
    text = signature(signer.key, CODE.text.encode())
    with pytest.raises(VerificationCodeExpiredError) as caught:
        proven_by(trusted(EC_CA), text, AT + timedelta(days=14, seconds=1))
    assert str(caught.value) == (
        "Proof of possession verification code used for tenant t1000 expired. "
        f"Certificate {trusted(EC_CA).fingerprint}, usage not granted."
    )


def test_wrong_signature_names_tenant_and_certificate() -> None:
    with pytest.raises(WrongSignatureError) as caught:
        proven_by(trusted(EC_CA), "QUJD", AT)
    assert str(caught.value) == (
        "Wrong proof of possession verification code used for tenant t1000. "
        f"Certificate {trusted(EC_CA).fingerprint}, usage not granted."
    )


def test_used_code_is_gone() -> None:
    text = signature(EC_CA.key, CODE.text.encode())
    proven = proven_by(trusted(EC_CA), text, AT)
    with pytest.raises(NothingToProveError):
        proven_by(proven, text, AT)


def test_without_code_there_is_nothing_to_prove() -> None:
    with pytest.raises(NothingToProveError):
        proven_by(replace(trusted(EC_CA), verification_code=None), "QUJD", AT)


@given(st.one_of(st.text(max_size=200), st.binary(max_size=300).map(lambda raw: base64.b64encode(raw).decode())))
def test_no_text_proves_anything_or_fails_otherwise(text: str) -> None:
    for ca in (RSA_CA, EC_CA):
        with pytest.raises(DeviceIdentityError):
            proven_by(trusted(ca), text, AT)


RIGHT = [(ca, base64.b64decode(signature(ca.key, CODE.text.encode()))) for ca in (RSA_CA, EC_CA)]


@given(st.data())
def test_signature_with_one_byte_changed_is_wrong(data: st.DataObject) -> None:
    ca, right = data.draw(st.sampled_from(RIGHT))
    raw = bytearray(right)
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WrongSignatureError):
        proven_by(trusted(ca), base64.b64encode(raw).decode(), AT)
