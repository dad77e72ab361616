"""The server's certificate and key: what is refused, in which words, and how they are replaced."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from certinel.gateway.tls import ServerCertificateError, ServerTls, TlsOptions
from support.house import Issued, issue


@pytest.fixture
def server() -> Issued:
    return issue("server")


@pytest.fixture
def options(server: Issued, tmp_path: Path) -> TlsOptions:
    certificate, key = server.write(tmp_path, "server")
    return TlsOptions(certificate=certificate, key=key)


def refusal(options: TlsOptions) -> str:
    with pytest.raises(ServerCertificateError) as caught:
        ServerTls(options)
    return str(caught.value)


def test_a_missing_file_is_named(options: TlsOptions) -> None:
    options.key.unlink()
    assert refusal(options) == f"{options.key}: cannot be read (No such file or directory)"


def test_a_file_without_a_certificate_is_named(options: TlsOptions) -> None:
    options.certificate.write_text("nothing")
    assert refusal(options) == f"{options.certificate}: holds no certificate in PEM that can be read"


def test_a_file_without_a_key_is_named(options: TlsOptions) -> None:
    options.key.write_text("nothing")
    assert refusal(options) == f"{options.key}: holds no private key in PEM that can be read"


def test_the_key_of_another_certificate_is_refused(options: TlsOptions) -> None:
    options.key.write_bytes(issue("other").key_pem)
    assert f"{options.key}: is not the key of the first certificate in {options.certificate}" in refusal(options)


def test_a_chain_that_does_not_begin_with_the_server_is_refused(options: TlsOptions, server: Issued) -> None:
    options.certificate.write_bytes(issue("issuer").pem + server.pem)
    assert "which must be the server's own" in refusal(options)


def test_an_encrypted_key_needs_a_passphrase_and_is_used_with_it(options: TlsOptions, server: Issued) -> None:
    encryption = BestAvailableEncryption(b"correct")
    options.key.write_bytes(server.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    assert refusal(options) == f"{options.key}: is encrypted, and no passphrase is set"
    files = {"certificate": options.certificate, "key": options.key}
    assert "with this passphrase" in refusal(TlsOptions(**files, key_passphrase="wrong"))
    assert ServerTls(TlsOptions(**files, key_passphrase="correct"))


def test_a_key_that_small_devices_do_not_know_is_refused(options: TlsOptions) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    options.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert "must be an RSA or EC key" in refusal(options)


def test_a_certificate_too_weak_for_openssl_is_refused_in_its_words(tmp_path: Path) -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - on purpose
    certificate, key = issue("server", key=weak).write(tmp_path, "server")
    assert "ee key too small" in refusal(TlsOptions(certificate=certificate, key=key))


def test_a_passphrase_does_not_show(options: TlsOptions) -> None:
    assert "secret" not in repr(TlsOptions(certificate=options.certificate, key=options.key, key_passphrase="secret"))


def test_reloading_unchanged_files_keeps_the_context(options: TlsOptions) -> None:
    tls = ServerTls(options)
    before = tls.context
    assert not tls.reload()
    assert tls.context is before


def test_reloading_bad_files_names_the_fault_and_keeps_the_old_context(options: TlsOptions) -> None:
    tls = ServerTls(options)
    before = tls.context
    options.certificate.write_bytes(issue("renewed").pem)
    with pytest.raises(ServerCertificateError, match="is not the key of the first certificate"):
        tls.reload()
    assert tls.context is before
