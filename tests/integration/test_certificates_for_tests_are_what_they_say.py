"""The odd certificates that tests make are what openssl sees in them too."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from support.certificates import (
    AT,
    CLIENT_AUTH,
    EXPIRED,
    NOT_A_CA,
    NOT_YET_VALID,
    DeviceFiles,
    Issued,
    name,
    new_key,
    root_authority,
    rsa_public_key,
    self_signed_device,
)

OPENSSL = shutil.which("openssl") or "openssl"


def printed(issued: Issued) -> str:
    command = [OPENSSL, "x509", "-inform", "DER", "-noout", "-text", "-nameopt", "RFC2253"]
    done = subprocess.run(command, input=issued.der, capture_output=True, check=True, timeout=30)
    return done.stdout.decode()


def verified(issued: Issued, folder: Path, *options: str) -> str:
    (folder / "root").write_text(issued.chain[-1].pem)
    (folder / "others").write_text(issued.chain_pem)
    (folder / "leaf").write_text(issued.pem)
    files: list[str | Path] = ["-CAfile", folder / "root", "-untrusted", folder / "others", folder / "leaf"]
    command: list[str | Path] = [OPENSSL, "verify", "-attime", str(int(AT.timestamp())), *options, *files]
    done = subprocess.run(command, capture_output=True, check=False, timeout=30)
    return (done.stdout + done.stderr).decode()


ROOT = root_authority("Root")
RSA_ROOT = root_authority("Root", key="rsa-2048")


@pytest.mark.parametrize("key", ["ec-p256", "ec-p384", "ec-p521", "rsa-2048", "ed25519", "ed448"])
def test_a_usual_chain_passes_the_strictest_verification(tmp_path: Path, key: str) -> None:
    root = root_authority("Root", key=key, path_length=1)
    device = root.authority("Middle", key=key, path_length=0).device("pump-7", key=key, eku=[CLIENT_AUTH])
    assert verified(device, tmp_path, "-x509_strict", "-purpose", "sslclient").endswith("OK\n")
    assert device.chain[-1] is root


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        (ROOT.device("x", version1=True), "Version: 1 (0x0)"),
        (RSA_ROOT.device("x", digest="md5"), "md5WithRSAEncryption"),
        (RSA_ROOT.device("x", digest="sha1"), "sha1WithRSAEncryption"),
        (ROOT.device("x", digest="sha1"), "ecdsa-with-SHA1"),
        (RSA_ROOT.device("x", pss=True), "rsassaPss"),
        (ROOT.device("x", key="rsa-1024"), "Public-Key: (1024 bit)"),
        (ROOT.device("x", key="rsa-2048-e3"), "Exponent: 3 (0x3)"),
        (ROOT.device("x", public_key=rsa_public_key(16384)), "Public-Key: (16384 bit)"),
        (ROOT.device("x", explicit_curve=True), "Field Type: prime-field"),
        (ROOT.device("x", key="ec-secp256k1"), "ASN1 OID: secp256k1"),
        (ROOT.device("x", key="ed25519"), "ED25519 Public-Key"),
        (ROOT.device(), "Subject: O=Example\n"),
        (ROOT.device("x", "y"), "Subject: CN=y,CN=x,O=Example\n"),
        (ROOT.device("a\0b"), r"CN=a\00b"),
        (ROOT.device("x", subject=name("x", organization=None)), "Subject: CN=x\n"),
        (ROOT.device("x" * 100), "CN=" + "x" * 100),
        (ROOT.device("x", serial=4096), "Serial Number: 4096 (0x1000)"),
        (ROOT.device("x", serial=-1), "(Negative)01"),
        (ROOT.authority("x", path_length=3), "CA:TRUE, pathlen:3"),
    ],
)
def test_a_certificate_is_as_odd_as_asked_for(device: Issued, expected: str) -> None:
    assert expected in printed(device)


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        (ROOT.device("x", valid=EXPIRED), "has expired"),
        (ROOT.device("x", valid=NOT_YET_VALID), "not yet valid"),
        (ROOT.device("x", signed_with=new_key()), "certificate signature failure"),
        (ROOT.authority("x", basic_constraints=NOT_A_CA).device("y"), "invalid CA certificate"),
        (ROOT.authority("x", path_length=0).authority("y").device("z"), "path length constraint exceeded"),
        (ROOT.device("x", issuer_name=name("Stranger")), "unable to get local issuer"),
        (
            ROOT.authority(
                "x",
                name_constraints=x509.NameConstraints([x509.DNSName("a.example")], None),
            ).device("y", san=[x509.DNSName("b.example")]),
            "permitted subtree violation",
        ),
    ],
)
def test_a_broken_chain_is_broken_in_the_way_asked_for(tmp_path: Path, device: Issued, expected: str) -> None:
    assert expected in verified(device, tmp_path)


def test_a_v1_device_directly_under_its_ca_passes(tmp_path: Path) -> None:
    assert verified(ROOT.device("x", version1=True), tmp_path).endswith("OK\n")


def test_a_renewed_ca_has_the_old_subject_key_and_extensions(tmp_path: Path) -> None:
    old = root_authority("Root", path_length=1, valid=EXPIRED)
    new = old.renewed(valid=(EXPIRED[0], NOT_YET_VALID[1]))
    assert new.der != old.der
    assert new.certificate.subject == old.certificate.subject
    assert new.certificate.public_key() == old.certificate.public_key()
    assert set(new.certificate.extensions) == set(old.certificate.extensions)
    (tmp_path / "root").write_text(new.pem)
    (tmp_path / "leaf").write_text(old.device("x").pem)
    run: list[str | Path] = [OPENSSL, "verify", "-x509_strict", "-CAfile", tmp_path / "root", tmp_path / "leaf"]
    assert subprocess.run(run, check=False, timeout=30, capture_output=True).returncode == 0


def test_a_self_signed_device_says_that_it_is_a_ca() -> None:
    device = self_signed_device("tedge-1")
    assert "CA:TRUE" in printed(device)
    assert device.chain == (device,)


def test_extensions_can_be_there_twice() -> None:
    device = ROOT.device("x", extensions=[(NOT_A_CA, True)])
    assert printed(device).count("Basic Constraints") == 2


def test_the_files_of_a_device_hold_its_chain_and_key(tmp_path: Path) -> None:
    files = DeviceFiles.of(ROOT.device("pump-7"), tmp_path)
    assert files.chain.read_text().count("BEGIN CERTIFICATE") == 2
    assert "BEGIN PRIVATE KEY" in files.key.read_text()


def test_four_rsa_keys_in_a_row_are_different() -> None:
    assert len({new_key("rsa-2048").private_numbers() for _ in range(4)}) == 4  # type: ignore[union-attr]
    assert len({new_key("rsa-2048").private_numbers() for _ in range(8)}) == 4  # type: ignore[union-attr]
