"""The openssl and keytool commands of the device certificate recipe, and what a reader must know about each.

None of this needs certinel; ``test_seed_recipe_connects.py`` connects with the results.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from support.commands import shell
from support.seed_recipe import (
    CA_PASSWORD,
    DEVICE_PASSWORD,
    STORE_PASSWORD,
    Authority,
    Device,
    SeedRecipe,
    subject,
)

JKS_MAGIC = bytes.fromhex("feedfeed")
PKCS12_FIRST_BYTE = 0x30
"""PKCS#12 is DER: a SEQUENCE."""

SIGN_DEVICE = (
    "openssl ca -config caConfig.cnf -extensions v3_signed -days 365 -notext -md sha256"
    " -in deviceCertificates/deviceCsr.pem -out deviceCertificates/deviceCert.pem"
)


@pytest.fixture
def own(recipe: SeedRecipe, tmp_path: Path) -> SeedRecipe:
    """A copy of the recipe's files that a test may change."""
    return recipe.copied_to(tmp_path)


@pytest.fixture
def server_certificate(own: SeedRecipe) -> Path:
    """A stand-in for the server's certificate, where the trust store commands look for it."""
    path = own.device.folder / "serverCertificate.pem"
    path.write_bytes(own.root.certificate.read_bytes())
    return path


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def aliases(store: Path, password: str = STORE_PASSWORD) -> list[str]:
    listing = shell(f"keytool -list -v -keystore {store} -storepass {password}").succeeded().output
    return re.findall(r"^Alias name: (.+)$", listing, re.MULTILINE)


# R1, the configuration


def test_root_is_a_self_signed_ca_with_the_path_length_of_the_configuration(recipe: SeedRecipe) -> None:
    root = read(recipe.root.certificate)
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (root.subject, constraints.critical) == (root.issuer, True)
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=10)


def test_root_prints_as_text(recipe: SeedRecipe) -> None:
    text = recipe.root.run("openssl x509 -noout -text -in caCert.pem").succeeded().output
    assert "CA:TRUE, pathlen:10" in text


def test_path_length_of_ten_below_a_path_length_of_ten_verifies(recipe: SeedRecipe) -> None:
    line = "openssl verify -CAfile caCert.pem intermediateCertificate/intermediateCert.pem"
    assert recipe.root.run(line).succeeded().output.endswith("OK\n")


def test_locality_disappears_from_what_the_policy_signs(recipe: SeedRecipe) -> None:
    in_root, in_device = (
        read(path).subject.get_attributes_for_oid(NameOID.LOCALITY_NAME)
        for path in (recipe.root.certificate, recipe.device.certificate)
    )
    assert (len(in_root), in_device) == (1, [])


def test_device_certificate_has_neither_alternative_name_nor_extended_usage(recipe: SeedRecipe) -> None:
    present = {extension.oid for extension in read(recipe.device.certificate).extensions}
    assert not present & {x509.SubjectAlternativeName.oid, x509.ExtendedKeyUsage.oid}


# R2, passwords


@pytest.mark.parametrize("authority", ["root", "intermediate"])
def test_authority_key_is_encrypted_pkcs8_and_opens_with_its_password(recipe: SeedRecipe, authority: str) -> None:
    signer: Authority = getattr(recipe, authority)
    pem = signer.key.read_bytes()
    key = serialization.load_pem_private_key(pem, signer.password.encode())
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 4096


def test_keys_are_encrypted_with_aes_256(recipe: SeedRecipe) -> None:
    structure = recipe.root.run("openssl asn1parse -in caKey.pem").succeeded().output
    assert "PBES2" in structure
    assert "aes-256-cbc" in structure


def test_wrong_password_of_the_ca_key_signs_nothing(own: SeedRecipe) -> None:
    own.device.certificate.unlink()
    refused = own.root.run(SIGN_DEVICE, ["not the password", "y", "y"])
    assert refused.status != 0
    assert not own.device.certificate.exists() or own.device.certificate.read_bytes() == b""


# R3, requests


def test_request_whose_seven_answers_are_all_empty_fails(own: SeedRecipe) -> None:
    line = "openssl req -config caConfig.cnf -new -sha256 -key deviceCertificates/deviceKey.pem -out empty.pem"
    assert own.root.run(line, [DEVICE_PASSWORD, *[""] * 7]).status != 0


# R4, signing


def test_signing_without_answers_exits_with_zero_and_writes_no_certificate(own: SeedRecipe) -> None:
    line = (
        "openssl req -config caConfig.cnf -new -sha256 -key deviceCertificates/deviceKey.pem -out"
        " deviceCertificates/deviceCsr.pem"
    )
    own.root.run(line, [DEVICE_PASSWORD, *subject("another device")]).succeeded()
    own.device.certificate.unlink()
    assert own.root.run(SIGN_DEVICE, [CA_PASSWORD]).status == 0
    assert not own.device.certificate.exists() or own.device.certificate.read_bytes() == b""


def test_same_subject_is_signed_only_once(own: SeedRecipe) -> None:
    again = own.root.run(SIGN_DEVICE, [CA_PASSWORD, "y", "y"])
    assert again.status != 0
    assert "already a certificate" in again.text


# R5, the revocation list


def test_revocation_list_needs_a_number_file_that_the_recipe_never_makes(own: SeedRecipe) -> None:
    line = "openssl ca -config caConfig.cnf -gencrl -out crl/caCrl.pem"
    without_number = own.root.run(line, [CA_PASSWORD])
    own.root.run("echo 1000 > crl/crlnumber").succeeded()
    own.root.run(line, [CA_PASSWORD]).succeeded()
    assert without_number.status != 0
    assert x509.load_pem_x509_crl((own.root.folder / "crl/caCrl.pem").read_bytes()).is_signature_valid(
        read(own.root.certificate).public_key()  # type: ignore[arg-type]  # an RSA key, as the recipe makes it
    )


# R6, the intermediate


def test_intermediate_configuration_differs_in_exactly_four_lines(recipe: SeedRecipe) -> None:
    of_root, of_intermediate = (
        authority.config.read_text().splitlines() for authority in (recipe.root, recipe.intermediate)
    )
    changed = difflib.ndiff(of_root, of_intermediate)
    names = [line.split()[1] for line in changed if line.startswith("+ ")]
    assert names == ["dir", "private_key", "certificate", "crl"]


# R7, verification


def test_device_verifies_against_the_certificate_that_signed_it(recipe: SeedRecipe) -> None:
    line = "openssl verify -partial_chain -CAfile caCert.pem deviceCertificates/deviceCert.pem"
    assert recipe.root.run(line).succeeded().output.endswith("OK\n")


def test_partial_chain_is_what_makes_an_intermediate_count_as_an_anchor(recipe: SeedRecipe) -> None:
    line = "openssl verify {} -CAfile intermediateCert.pem deviceCertificates/deviceCert.pem"
    assert recipe.intermediate.run(line.format("-partial_chain")).succeeded().output.endswith("OK\n")
    assert recipe.intermediate.run(line.format("")).status != 0


def test_chain_files_hold_the_device_first_and_the_root_last(recipe: SeedRecipe) -> None:
    chain = x509.load_pem_x509_certificates(recipe.device_below_intermediate.chain.read_bytes())
    files = (recipe.device_below_intermediate.certificate, recipe.intermediate.certificate, recipe.root.certificate)
    assert chain == [read(path) for path in files]


# R8, PKCS#12


def test_pkcs12_store_and_its_key_open_with_the_export_password(recipe: SeedRecipe) -> None:
    store = pkcs12.load_pkcs12((recipe.device.folder / "deviceKeystore.pkcs12").read_bytes(), STORE_PASSWORD.encode())
    assert store.key is not None
    assert store.cert is not None
    assert (store.cert.friendly_name, store.cert.certificate) == (b"devicekeyentry", read(recipe.device.certificate))
    assert [entry.certificate for entry in store.additional_certs] == [read(recipe.root.certificate)]


def test_password_of_the_device_key_does_not_open_the_pkcs12_store(recipe: SeedRecipe) -> None:
    with pytest.raises(ValueError, match="Invalid password"):
        pkcs12.load_pkcs12((recipe.device.folder / "deviceKeystore.pkcs12").read_bytes(), DEVICE_PASSWORD.encode())


def test_chain_in_the_wrong_order_still_makes_a_store_that_keytool_reads(own: SeedRecipe) -> None:
    device = own.device_below_intermediate
    own.root.run(f"cat caCert.pem {device.certificate} {own.intermediate.certificate} > {device.chain}").succeeded()
    device.run(
        "openssl pkcs12 -export -name devicekeyentry -inkey deviceKey.pem -in deviceCertChain.pem -out other.pkcs12",
        [DEVICE_PASSWORD, STORE_PASSWORD, STORE_PASSWORD],
    ).succeeded()
    listing = device.run(f"keytool -list -v -keystore other.pkcs12 -storepass {STORE_PASSWORD}").succeeded().output
    assert "Certificate chain length: 3" in listing
    assert listing.index(f"Owner: CN={own.INTERMEDIATE_DEVICE}") < listing.index("Owner: CN=Example Intermediate CA")


# R9, JKS


def test_keytool_converts_the_store_to_a_real_jks_file(recipe: SeedRecipe) -> None:
    store = recipe.device.folder / "deviceKeystore.jks"
    assert store.read_bytes().startswith(JKS_MAGIC)
    assert aliases(store) == ["devicekeyentry"]


def test_key_in_a_jks_store_keeps_the_password_of_the_store_it_came_from(own: SeedRecipe) -> None:
    convert = (
        "keytool -importkeystore -srckeystore deviceKeystore.pkcs12 -srcstoretype PKCS12"
        " -destkeystore other.jks -deststoretype JKS"
    )
    own.device.run(convert, ["another password", "another password", STORE_PASSWORD]).succeeded()
    read_key = "keytool -certreq -alias devicekeyentry -keystore other.jks -storepass 'another password' -keypass '{}'"
    assert own.device.run(read_key.format("another password")).status != 0
    own.device.run(read_key.format(STORE_PASSWORD)).succeeded()


def test_keytool_takes_no_store_password_shorter_than_six_characters(own: SeedRecipe) -> None:
    convert = "keytool -importkeystore -srckeystore deviceKeystore.pkcs12 -destkeystore other.jks -deststoretype JKS"
    assert "at least 6 characters" in own.device.run(convert, ["five5"] * 6).text


# R10, trust stores


def import_as_jks(device: Device, answers: list[str], options: str = "") -> int:
    """The recipe's command for a trust store "in JKS format"."""
    line = "keytool -import -file serverCertificate.pem -alias servercertificate -keystore deviceTruststore.jks"
    return device.run(f"{line} {options}", answers).status


def test_trust_store_in_pkcs12_format_holds_the_server_certificate(own: SeedRecipe, server_certificate: Path) -> None:
    line = (
        "keytool -importcert -noprompt -keystore deviceTruststore.pkcs12 -alias servercertificate -file"
        " serverCertificate.pem"
    )
    own.device.run(line, [STORE_PASSWORD] * 2).succeeded()
    store = own.device.folder / "deviceTruststore.pkcs12"
    (entry,) = pkcs12.load_pkcs12(store.read_bytes(), STORE_PASSWORD.encode()).additional_certs
    assert entry.certificate == read(server_certificate)


def test_trust_store_named_jks_is_pkcs12_all_the_same(own: SeedRecipe, server_certificate: Path) -> None:
    assert import_as_jks(own.device, [STORE_PASSWORD, STORE_PASSWORD, "yes"]) == 0
    store = own.device.folder / "deviceTruststore.jks"
    assert aliases(store) == ["servercertificate"]
    assert store.read_bytes()[0] == PKCS12_FIRST_BYTE


def test_trust_store_is_jks_when_the_type_is_asked_for(own: SeedRecipe, server_certificate: Path) -> None:
    assert import_as_jks(own.device, [STORE_PASSWORD, STORE_PASSWORD, "yes"], "-storetype JKS") == 0
    assert (own.device.folder / "deviceTruststore.jks").read_bytes().startswith(JKS_MAGIC)


def test_saying_no_to_keytool_exits_with_zero_and_makes_no_trust_store(
    own: SeedRecipe, server_certificate: Path
) -> None:
    assert import_as_jks(own.device, [STORE_PASSWORD, STORE_PASSWORD, "no"]) == 0
    assert not (own.device.folder / "deviceTruststore.jks").exists()


def test_used_alias_is_refused(own: SeedRecipe, server_certificate: Path) -> None:
    assert import_as_jks(own.device, [STORE_PASSWORD, STORE_PASSWORD, "yes"]) == 0
    assert import_as_jks(own.device, [STORE_PASSWORD, "yes"]) != 0


# R12, serial numbers


def test_intermediate_and_its_first_device_have_the_same_serial_number(recipe: SeedRecipe) -> None:
    files = (recipe.intermediate.certificate, recipe.device_below_intermediate.certificate)
    assert [read(path).serial_number for path in files] == [0x1000, 0x1000]


# R13, proof of possession


def test_signature_made_with_the_ca_key_verifies_against_the_ca_certificate(own: SeedRecipe) -> None:
    code = own.root.folder / "code.txt"
    code.write_text("the text that the platform gives out")
    own.root.run("openssl dgst -sha256 -sign caKey.pem -out signature.bin code.txt", [CA_PASSWORD]).succeeded()
    key = read(own.root.certificate).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signature = (own.root.folder / "signature.bin").read_bytes()
    key.verify(signature, code.read_bytes(), padding.PKCS1v15(), hashes.SHA256())


# R14, a certificate on one line


def test_certificate_on_one_line_is_nothing_openssl_reads(own: SeedRecipe) -> None:
    own.root.run("tr -d '\\n' < caCert.pem > oneLine.pem").succeeded()
    assert own.root.run("openssl x509 -noout -in oneLine.pem").status != 0


# R15, everything in one store


@pytest.mark.parametrize(
    ("store", "command"),
    [
        (
            "deviceKeystore.pkcs12",
            (
                "keytool -importcert -noprompt -keystore deviceKeystore.pkcs12 -alias servercertificate"
                " -file serverCertificate.pem"
            ),
        ),
        (
            "deviceKeystore.jks",
            "keytool -import -file serverCertificate.pem -alias servercertificate -keystore deviceKeystore.jks",
        ),
    ],
)
def test_server_certificate_can_join_the_device_key_in_one_store(
    own: SeedRecipe, server_certificate: Path, store: str, command: str
) -> None:
    own.device.run(command, [STORE_PASSWORD, "yes"]).succeeded()
    assert sorted(aliases(own.device.folder / store)) == ["devicekeyentry", "servercertificate"]
