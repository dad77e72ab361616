"""Is there a platform, and is it the one that is meant? Asked once, before anything else, for an answer in words."""

import socket
import ssl
import tempfile
from pathlib import Path

from certinel.cli.terminal import EXIT_USAGE, CommandError
from certinel.pki.authority import Validity, distinguished_name, make_ca
from certinel.pki.chain import chain_to_pem
from certinel.pki.keys import generate_key, key_to_pem
from certinel.services.clock import SystemClock

PATIENCE_SECONDS = 15.0
"""Of one handshake."""
_HOSTNAME_MISMATCH, _ADDRESS_MISMATCH, _NOT_YET_VALID, _EXPIRED = 62, 64, 9, 10
"""OpenSSL's X509_V_ERR codes."""
_WITHOUT_CERTIFICATE = "SSLV3_ALERT_HANDSHAKE_FAILURE"
_OF_ANOTHER_CA = frozenset({"TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_UNKNOWN"})
"""What servers that demand a client certificate answer: to none, and to one of a CA that they do not trust."""


def trust_in(server_ca: Path | None) -> ssl.SSLContext:
    """Return a context that trusts the CA in a file, or without one whom this computer trusts."""
    try:
        return ssl.create_default_context(cafile=str(server_ca) if server_ca is not None else None)
    except ssl.SSLError:
        raise CommandError(f"{server_ca}: there is no certificate in PEM in it", EXIT_USAGE) from None
    except OSError as error:
        raise CommandError(f"{server_ca}: {error.strerror or error}", EXIT_USAGE) from None


def check_server(host: str, port: int, server_ca: Path | None) -> str:
    """Shake hands with a platform once, as nobody, and return its address when its certificate is good.

    Raises:
        CommandError: there is no platform, or not the one that is meant; says what to do.
    """
    context = trust_in(server_ca)
    try:
        with socket.create_connection((host, port), timeout=PATIENCE_SECONDS) as plain:
            return _address_of_trusted(plain, host, context)
    except OSError as error:
        raise CommandError(f"{host}:{port}: {why_not(error, server_ca)}", EXIT_USAGE) from None


def _address_of_trusted(plain: socket.socket, host: str, context: ssl.SSLContext) -> str:
    address, port = plain.getpeername()[:2]
    try:
        with context.wrap_socket(plain, server_hostname=host):
            return str(address)
    except ssl.SSLError as error:
        if error.reason == _WITHOUT_CERTIFICATE and _refuses_strangers(host, port, context):
            return str(address)
        raise


def _refuses_strangers(host: str, port: int, context: ssl.SSLContext) -> bool:
    """Tell whether a server that shakes hands only with those who have a certificate refuses one of nobody's.

    In TLS 1.2 it does so before the handshake is over. It looks at a client's certificate only after the client has
    found the server's to be good.
    """
    key = generate_key()
    stranger = make_ca(distinguished_name("nobody"), key, Validity.of_days(1, at=SystemClock().now()))
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:  # 0600; the ssl module takes nothing but files
        file.write(key_to_pem(key) + chain_to_pem([stranger.certificate]))
        file.flush()
        context.load_cert_chain(file.name)
    try:
        with (
            socket.create_connection((host, port), timeout=PATIENCE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return True
    except ssl.SSLError as error:
        return error.reason in _OF_ANOTHER_CA
    except OSError:
        return False


def why_not(error: OSError, server_ca: Path | None) -> str:
    """Say in words why there is no connection to a server."""
    match error:
        case ssl.SSLCertVerificationError():
            return _distrust(error, server_ca)
        case ssl.SSLError():
            return "what answers there does not speak TLS as a platform does; is the port right?"
        case socket.gaierror():
            return "there is no host of that name"
        case ConnectionRefusedError():
            return "nobody listens there; is the platform running, and the port right?"
        case TimeoutError():
            return "there is no answer; is a firewall in between?"
        case _:
            return error.strerror or type(error).__name__


def _distrust(error: ssl.SSLCertVerificationError, server_ca: Path | None) -> str:
    code = error.verify_code
    if code in {_HOSTNAME_MISMATCH, _ADDRESS_MISMATCH}:
        return f"its certificate is for another name ({error.verify_message.rstrip('.')})"
    if code == _NOT_YET_VALID:
        return "its certificate is not valid yet; or is the clock of this computer behind?"
    if code == _EXPIRED:
        return "its certificate has expired; or is the clock of this computer ahead?"
    if server_ca is None:
        return "this computer does not trust its certificate; name its CA (server-ca.pem of the data directory)"
    return f"its certificate is not from the CA in {server_ca} ({error.verify_message})"
