"""What we make is read by the tools that people have."""

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certinel.pki.authority import Validity, distinguished_name, issue_device, issue_intermediate, make_ca
from certinel.pki.chain import chain_from_pem, chain_to_pem
from certinel.pki.keys import KeyType, generate_key, key_from_pem, key_to_pem
from certinel.pki.keystore import make_keystore, make_truststore, read_store, with_trusted
from certinel.pki.server import SERVER_DAYS, issue_server_certificate, make_server_ca

NOW = datetime.now(UTC)
VALIDITY = Validity.of_days(30, at=NOW)

needs_keytool = pytest.mark.skipif(shutil.which("keytool") is None, reason="keytool comes with a Java runtime")


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def openssl() -> str:
    program = shutil.which("openssl")
    assert program is not None, "these tests need the openssl command"
    return program


@pytest.mark.parametrize("key_type", [KeyType.EC_P256, KeyType.EC_P384, KeyType.RSA_2048])
def test_openssl_verifies_root_intermediate_and_device(openssl: str, tmp_path: Path, key_type: KeyType) -> None:
    root = make_ca(distinguished_name("Root"), generate_key(key_type), VALIDITY, path_length=1)
    middle = issue_intermediate(root, distinguished_name("Middle"), generate_key(key_type), VALIDITY)
    device = issue_device(middle, "pump-7", generate_key(key_type).public_key(), VALIDITY)
    for name, certificate in (("root", root.certificate), ("middle", middle.certificate), ("device", device)):
        (tmp_path / name).write_bytes(chain_to_pem([certificate]))
    strict = (openssl, "verify", "-x509_strict", "-purpose", "sslclient")
    run(*strict, "-CAfile", tmp_path / "root", "-untrusted", tmp_path / "middle", tmp_path / "device")
    run(*strict, "-partial_chain", "-CAfile", tmp_path / "middle", tmp_path / "device")


def test_openssl_verifies_an_ed25519_device(openssl: str, tmp_path: Path) -> None:
    root = make_ca(distinguished_name("Root"), generate_key(), VALIDITY)
    device = issue_device(root, "pump-7", generate_key(KeyType.ED25519).public_key(), VALIDITY)
    (tmp_path / "root").write_bytes(chain_to_pem([root.certificate]))
    (tmp_path / "device").write_bytes(chain_to_pem([device]))
    run(openssl, "verify", "-x509_strict", "-CAfile", tmp_path / "root", tmp_path / "device")


@pytest.mark.parametrize("check", [("-verify_hostname", "gateway.example"), ("-verify_ip", "::1")])
def test_openssl_verifies_the_server_certificate_and_its_names(
    openssl: str, tmp_path: Path, check: tuple[str, str]
) -> None:
    authority = make_server_ca(generate_key(), at=NOW)
    names = ["localhost", "127.0.0.1", "::1", "gateway.example"]
    validity = Validity.of_days(SERVER_DAYS, at=NOW)
    certificate = issue_server_certificate(authority, names, generate_key().public_key(), validity)
    (tmp_path / "ca").write_bytes(chain_to_pem([authority.certificate]))
    (tmp_path / "server").write_bytes(chain_to_pem([certificate]))
    strict = (openssl, "verify", "-x509_strict", "-purpose", "sslserver", *check)
    run(*strict, "-CAfile", tmp_path / "ca", tmp_path / "server")


@pytest.mark.parametrize("key_type", [KeyType.EC_P256, KeyType.RSA_2048, KeyType.ED25519])
@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_openssl_reads_our_keys(openssl: str, tmp_path: Path, key_type: KeyType, passphrase: str | None) -> None:
    (tmp_path / "key").write_bytes(key_to_pem(generate_key(key_type), passphrase))
    run(openssl, "pkey", "-in", tmp_path / "key", "-passin", f"pass:{passphrase or ''}", "-noout")


@pytest.mark.parametrize(
    "options",
    [
        ("genrsa", "-aes256", "-passout", "pass:secret", "2048"),
        ("genrsa", "-traditional", "-aes256", "-passout", "pass:secret", "2048"),
        ("ecparam", "-name", "prime256v1", "-genkey"),
        ("genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:secret"),
    ],
)
def test_we_read_the_keys_of_openssl(openssl: str, options: tuple[str, ...]) -> None:
    key_from_pem(run(openssl, *options).encode(), "secret")


def test_we_read_chains_with_the_text_that_openssl_writes_around_them(openssl: str, tmp_path: Path) -> None:
    root = make_ca(distinguished_name("Root"), generate_key(), VALIDITY)
    (tmp_path / "root").write_bytes(chain_to_pem([root.certificate]))
    assert chain_from_pem(run(openssl, "x509", "-text", "-in", tmp_path / "root").encode()) == [root.certificate]


def test_openssl_reads_our_keystore(openssl: str, tmp_path: Path) -> None:
    root = make_ca(distinguished_name("Root"), generate_key(), VALIDITY)
    key = generate_key()
    device = issue_device(root, "pump-7", key.public_key(), VALIDITY)
    (tmp_path / "store").write_bytes(make_keystore(key, [device, root.certificate], "changeit"))
    printed = run(openssl, "pkcs12", "-in", tmp_path / "store", "-passin", "pass:changeit", "-nodes")
    assert "friendlyName: devicekeyentry" in printed
    assert chain_from_pem(printed.encode()) == [device, root.certificate]


def test_we_read_the_keystore_of_openssl(openssl: str, tmp_path: Path) -> None:
    root = make_ca(distinguished_name("Root"), generate_key(), VALIDITY)
    key = generate_key()
    device = issue_device(root, "pump-7", key.public_key(), VALIDITY)
    (tmp_path / "key").write_bytes(key_to_pem(key))
    (tmp_path / "chain").write_bytes(chain_to_pem([device, root.certificate]))
    source = ("-inkey", tmp_path / "key", "-in", tmp_path / "chain")
    run(
        *(openssl, "pkcs12", "-export", "-name", "devicekeyentry", *source),
        *("-passout", "pass:changeit", "-out", tmp_path / "store"),
    )
    store = read_store((tmp_path / "store").read_bytes(), "changeit")
    assert (store.key_alias, store.chain) == ("devicekeyentry", [device, root.certificate])


@needs_keytool
def test_keytool_lists_the_device_key_with_its_chain(tmp_path: Path) -> None:
    root = make_ca(distinguished_name("Root"), generate_key(), VALIDITY)
    key = generate_key(KeyType.RSA_2048)
    device = issue_device(root, "pump-7", key.public_key(), VALIDITY)
    (tmp_path / "store").write_bytes(make_keystore(key, [device, root.certificate], "changeit"))
    listed = run("keytool", "-list", "-v", "-keystore", tmp_path / "store", "-storepass", "changeit")
    assert "Alias name: devicekeyentry" in listed
    assert "Entry type: PrivateKeyEntry" in listed
    assert "Certificate chain length: 2" in listed


@needs_keytool
def test_keytool_converts_our_keystore_to_jks(tmp_path: Path) -> None:
    root = make_ca(distinguished_name("Root"), generate_key(), VALIDITY)
    key = generate_key()
    device = issue_device(root, "pump-7", key.public_key(), VALIDITY)
    (tmp_path / "store").write_bytes(make_keystore(key, [device, root.certificate], "changeit"))
    run(
        *("keytool", "-importkeystore", "-srckeystore", tmp_path / "store", "-srcstoretype", "PKCS12"),
        *("-destkeystore", tmp_path / "jks", "-deststoretype", "JKS"),
        *("-srcstorepass", "changeit", "-deststorepass", "changeit"),
    )
    assert "PrivateKeyEntry" in run("keytool", "-list", "-keystore", tmp_path / "jks", "-storepass", "changeit")


@needs_keytool
def test_keytool_lists_trusted_certificates_also_after_one_was_added(tmp_path: Path) -> None:
    first, second = (make_ca(distinguished_name(name), generate_key(), VALIDITY).certificate for name in ("A", "B"))
    store = with_trusted(make_truststore({"servercertificate": first}, "changeit"), "second", second, "changeit")
    (tmp_path / "store").write_bytes(store)
    listed = run("keytool", "-list", "-keystore", tmp_path / "store", "-storepass", "changeit")
    assert listed.count("trustedCertEntry") == 2
    assert "servercertificate" in listed


@needs_keytool
def test_we_read_and_extend_the_truststore_of_keytool(tmp_path: Path) -> None:
    first, second = (make_ca(distinguished_name(name), generate_key(), VALIDITY).certificate for name in ("A", "B"))
    (tmp_path / "first").write_bytes(chain_to_pem([first]))
    run(
        *("keytool", "-importcert", "-noprompt", "-keystore", tmp_path / "store", "-storepass", "changeit"),
        *("-alias", "servercertificate", "-file", tmp_path / "first"),
    )
    store = (tmp_path / "store").read_bytes()
    assert read_store(store, "changeit").trusted == {"servercertificate": first}
    (tmp_path / "store").write_bytes(with_trusted(store, "second", second, "changeit"))
    listed = run("keytool", "-list", "-keystore", tmp_path / "store", "-storepass", "changeit")
    assert listed.count("trustedCertEntry") == 2
