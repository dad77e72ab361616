"""``certinel pki show`` reads what the seed's recipe makes, and says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certinel.domain.der import SEQUENCE, content_of
from integration.pki.conftest import Toolkit
from support.commands import shell
from support.der import bit_string, object_identifier, sequence, tlv
from support.seed_recipe import STORE_PASSWORD, SeedRecipe

EXTENSIONS = 0xA3
FIELDS = [
    "Version",
    "Serial number",
    "Issuer",
    "Not before",
    "Not after",
    "Subject",
    "Public key algorithm",
    "Subject public key",
    "Certificate signature algorithm",
    "Certificate signature",
    "Issuer unique identifier",
    "Subject unique identifier",
]


def shown(toolkit: Toolkit, file: Path | str, **environment: str) -> Any:
    return json.loads(toolkit.succeeds("show", file, "--json", **environment))


def test_every_field_of_version_3_is_shown(toolkit: Toolkit, recipe: SeedRecipe) -> None:
    (answer,) = shown(toolkit, recipe.root.certificate)
    assert set(FIELDS) <= set(answer)
    assert answer["Self-signed"] == "yes"
    assert answer["findings"][0] == "good as trusted certificate"
    text = toolkit.succeeds("show", recipe.root.certificate)
    assert all(field in text for field in FIELDS)
    assert "CA:TRUE" in text


def test_chain_is_shown_whole(toolkit: Toolkit, recipe: SeedRecipe) -> None:
    answers = shown(toolkit, recipe.device_below_intermediate.chain)
    assert [answer["Self-signed"] for answer in answers] == ["no", "no", "yes"]
    assert "not as trusted certificate" in answers[0]["findings"][0]
    assert answers[0]["findings"][1] == "good as device certificate"


@pytest.mark.parametrize("name", ["deviceKeystore.pkcs12", "deviceKeystore.jks"])
def test_recipe_stores_are_read(toolkit: Toolkit, recipe: SeedRecipe, name: str) -> None:
    file = recipe.device.chain.with_name(name)
    assert len(shown(toolkit, file, CERTINEL_STORE_PASSPHRASE=STORE_PASSWORD)) == 2
    assert "wrong horse" not in toolkit.complains("show", file, CERTINEL_STORE_PASSPHRASE="wrong horse")


def test_revocation_list_is_shown(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    toolkit.succeeds("device", "pump-7")
    toolkit.succeeds("revoke", "pump-7")
    toolkit.succeeds("crl")
    assert len(shown(toolkit, "ca.crl")["revoked"]) == 1
    shell("openssl crl -in ca.crl -outform DER -out der.crl", folder=toolkit.folder).succeeded()
    assert "Revoked certificates" in toolkit.succeeds("show", "der.crl")


def test_der_certificate_is_shown(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    shell("openssl x509 -in ca.pem -outform DER -out ca.der", folder=toolkit.folder).succeeded()
    assert len(shown(toolkit, "ca.der")) == 1


def test_file_with_nothing_to_show_is_refused(toolkit: Toolkit) -> None:
    (toolkit.folder / "empty").write_text("nothing")
    assert "no certificate" in toolkit.complains("show", "empty")


@pytest.mark.parametrize(("file", "told"), [("pump.key", "never shown"), ("pump.csr", "signing request")])
def test_what_is_no_certificate_is_told_by_its_name(toolkit: Toolkit, file: str, told: str) -> None:
    toolkit.succeeds("csr", "pump", "--out", "pump.csr")
    assert told in toolkit.complains("show", file)


def test_entries_of_a_jks_store_are_named(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    password = {"CERTINEL_STORE_PASSPHRASE": "password-of-stores"}
    for alias in ("first", "second"):
        toolkit.succeeds("truststore", "ca.pem", "--type", "jks", "--out", "trust.jks", "--alias", alias, **password)
    assert {answer["entry"] for answer in shown(toolkit, "trust.jks", **password)} == {"entry first", "entry second"}


def test_ca_is_a_device_only_where_it_is_trusted_itself(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "pump-7")
    (answer,) = shown(toolkit, "ca.pem")
    assert answer["findings"][1] == "good as device certificate, but only of a tenant that trusts this very one"


def with_unique_identifiers(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The certificate with both of them before its extensions, signed again: no tool makes such a one any more."""
    tbs = certificate.tbs_certificate_bytes
    start, end = content_of(tbs, 0, len(tbs), SEQUENCE)
    position = start
    while tbs[position] != EXTENSIONS:
        _, position = content_of(tbs, position, end, *range(0x100))
    identifiers = tlv(0x81, b"\x00", b"\xca\xfe") + tlv(0x82, b"\x00", b"\xbe\xef")
    signed = sequence(tbs[start:position], identifiers, tbs[position:])
    algorithm = sequence(object_identifier("1.2.840.10045.4.3.2"))
    return sequence(signed, algorithm, bit_string(key.sign(signed, ec.ECDSA(hashes.SHA256()))))


def test_unique_identifiers_are_shown(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    certificate = x509.load_pem_x509_certificate((toolkit.folder / "ca.pem").read_bytes())
    key = load_pem_private_key((toolkit.folder / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    (toolkit.folder / "old.der").write_bytes(with_unique_identifiers(certificate, key))
    (answer,) = shown(toolkit, "old.der")
    assert (answer["Issuer unique identifier"], answer["Subject unique identifier"]) == ("cafe", "beef")
    assert answer["Self-signed"] == "yes"
    text = shell("openssl x509 -inform DER -in old.der -noout -text", folder=toolkit.folder).succeeded().text
    assert "be:ef" in text
