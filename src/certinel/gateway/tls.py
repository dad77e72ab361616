"""The server side of TLS: the one place that builds a TLS context.

Whom to let in is *not* decided here. The handshake proves that a client holds the key of the leaf it presented, and
nothing more; what the chain is worth is decided when CONNECT has arrived.
"""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

TLS12_CIPHERS = ":".join(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)
"""Forward secret and authenticated only. Small devices often know nothing but the first pair. Every one of these is
good, so the client's order decides: a device without AES instructions asks for ChaCha20 first."""

_OPTIONS = SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION

_LEAF_ALONE = -2
"""A verify depth at which OpenSSL builds no chain of its own, which bounds what a hostile one can cost. At 0 it would
still look for the leaf's issuer and check that signature, which admission does itself; -1 stands for "not set"."""

ServerKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions:
    """With what a port introduces itself, and whether it asks who is calling."""

    certificate: Path
    """PEM: the server's own certificate, then those of its issuers, all of which are presented."""

    key: Path
    """PEM: the private key (RSA, or EC on a named curve) of the first certificate."""

    key_passphrase: str | None = field(default=None, repr=False)
    """For a key file that is encrypted."""

    ask_client_certificate: bool = True
    """Ask for a client certificate. A client without one is let through all the same: the inner protocol answers it."""


class ServerCertificateError(Exception):
    """The server's certificate or key cannot be used; says which file and what to do."""

    code = "tls/server-certificate"

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file = file
        self.problem = problem


class ServerTls:
    """A port's TLS identity, replaceable while connections are up.

    Client certificates are taken whatever they are and sessions are never resumed, so every connection shows its whole
    chain; TLS 1.2 and 1.3 only. Renegotiation and compression are off. The list of acceptable authorities is empty.
    """

    def __init__(self, options: TlsOptions) -> None:
        self._options = options
        self._loaded = _read(options)
        self.context = _build_context(options, *self._loaded)

    def reload(self) -> bool:
        """Use the files' present content for connections yet to come; whether anything had changed.

        Connections that are up go on as they are. If the new files are no good, ServerCertificateError is raised and
        the old identity stays in use.
        """
        found = _read(self._options)
        if found == self._loaded:
            return False
        self.context = _build_context(self._options, *found)
        self._loaded = found
        return True


def _read(options: TlsOptions) -> tuple[bytes, bytes]:
    contents = []
    for file in (options.certificate, options.key):
        try:
            contents.append(file.read_bytes())
        except OSError as error:
            raise ServerCertificateError(file, f"cannot be read ({error.strerror})") from error
    return contents[0], contents[1]


def _build_context(options: TlsOptions, certificate_pem: bytes, key_pem: bytes) -> SSL.Context:
    chain = _parse_chain(options.certificate, certificate_pem)
    key = _parse_key(options.key, key_pem, options.key_passphrase)
    if chain[0].public_key() != key.public_key():
        problem = f"is not the key of the first certificate in {options.certificate}, which must be the server's own"
        raise ServerCertificateError(options.key, problem)
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(TLS12_CIPHERS.encode())
    context.set_options(_OPTIONS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # an idle connection then holds no record buffers
    if options.ask_client_certificate:
        # No list of authorities is set: it would grow with every tenant, and small clients choke on a long one.
        context.set_verify(SSL.VERIFY_PEER, _accept)
        context.set_verify_depth(_LEAF_ALONE)
    try:
        context.use_certificate(chain[0])
        for issuer in chain[1:]:
            context.add_extra_chain_cert(issuer)
        context.use_privatekey(key)
        context.check_privatekey()
    except SSL.Error as error:
        raise ServerCertificateError(options.certificate, f"is not accepted by OpenSSL ({error})") from error
    return context


def _parse_chain(file: Path, pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ServerCertificateError(file, "holds no certificate in PEM that can be read") from error


def _parse_key(file: Path, pem: bytes, passphrase: str | None) -> ServerKey:
    try:
        key = load_pem_private_key(pem, None if passphrase is None else passphrase.encode())
    except TypeError as error:  # so says cryptography for "encrypted, no passphrase" and for the reverse
        problem = (
            "is encrypted, and no passphrase is set" if passphrase is None else "is not encrypted, yet has one set"
        )
        raise ServerCertificateError(file, problem) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        problem = "holds no private key in PEM that can be read" + (" with this passphrase" if passphrase else "")
        raise ServerCertificateError(file, problem) from error
    if not isinstance(key, ServerKey):
        raise ServerCertificateError(file, "must be an RSA or EC key: embedded clients know nothing else")
    return key


def _accept(*_: object) -> bool:
    """The verify callback: possession of the leaf's key is proved, everything else is for the admission to judge."""
    return True
