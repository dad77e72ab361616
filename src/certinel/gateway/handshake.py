"""How TLS handshakes fail, as stable codes with a sentence for whoever reads the log."""

from dataclasses import dataclass
from enum import StrEnum

from OpenSSL import SSL
from typing_extensions import override


class HandshakeFault(StrEnum):
    """Why a peer never got as far as its first byte of MQTT or HTTP."""

    OVERLOAD = "tls/overload"
    TIMEOUT = "tls/timeout"
    TOO_LARGE = "tls/too-large"
    PEER_CLOSED = "tls/peer-closed"
    PROXY_HEADER = "proxy/header"
    PROXY_NOT_TRUSTED = "proxy/not-trusted"
    NOT_TLS = "tls/not-tls"
    PLAIN_HTTP = "tls/plain-http"
    VERSION = "tls/version"
    NO_SHARED_CIPHER = "tls/no-shared-cipher"
    SERVER_NOT_TRUSTED = "tls/server-not-trusted"
    PROOF_FAILED = "tls/proof-failed"
    CERTIFICATE_UNREADABLE = "tls/certificate-unreadable"
    BROKEN = "tls/broken"


SENTENCES = {
    HandshakeFault.OVERLOAD: "too many connections at once, in all or from this address",
    HandshakeFault.TIMEOUT: "the handshake was not finished in time",
    HandshakeFault.TOO_LARGE: "more was sent before the handshake was finished than any acceptable chain needs",
    HandshakeFault.PEER_CLOSED: "the peer closed the connection in the middle of the handshake",
    HandshakeFault.PROXY_HEADER: "a load balancer of gateway.trusted_proxies did not say whom it speaks for",
    HandshakeFault.PROXY_NOT_TRUSTED: "the peer sent a PROXY protocol header, but is not in gateway.trusted_proxies",
    HandshakeFault.NOT_TLS: "the peer does not speak TLS, which this port demands",
    HandshakeFault.PLAIN_HTTP: "the peer speaks plain HTTP, but this port wants HTTPS",
    HandshakeFault.VERSION: "the peer offers no TLS version above 1.1",
    HandshakeFault.NO_SHARED_CIPHER: "the peer offers no cipher suite, group or signature algorithm that is acceptable",
    HandshakeFault.SERVER_NOT_TRUSTED: "the peer does not accept this server's certificate; give it server-ca.pem",
    HandshakeFault.PROOF_FAILED: "the peer did not prove that it holds the key of the certificate it presented",
    HandshakeFault.CERTIFICATE_UNREADABLE: "the certificate the peer presented cannot be read",
    HandshakeFault.BROKEN: "the peer broke the TLS protocol",
}


@dataclass(frozen=True, slots=True)
class HandshakeFailure:
    """One failed handshake: the fault, and OpenSSL's own words where there are any."""

    fault: HandshakeFault
    detail: str = ""

    @override
    def __str__(self) -> str:
        return SENTENCES[self.fault] + (f" ({self.detail})" if self.detail else "")


_FAULT_OF_REASON = {
    "http request": HandshakeFault.PLAIN_HTTP,
    "https proxy request": HandshakeFault.PLAIN_HTTP,
    "wrong version number": HandshakeFault.NOT_TLS,
    "packet length too long": HandshakeFault.NOT_TLS,
    "bad record type": HandshakeFault.NOT_TLS,
    "unsupported protocol": HandshakeFault.VERSION,
    "version too low": HandshakeFault.VERSION,
    "no protocols available": HandshakeFault.VERSION,
    "no shared cipher": HandshakeFault.NO_SHARED_CIPHER,
    "no suitable signature algorithm": HandshakeFault.NO_SHARED_CIPHER,
    "no suitable groups": HandshakeFault.NO_SHARED_CIPHER,
    "no suitable key share": HandshakeFault.NO_SHARED_CIPHER,
    "bad signature": HandshakeFault.PROOF_FAILED,
    "bad signature type": HandshakeFault.PROOF_FAILED,
    "wrong signature type": HandshakeFault.PROOF_FAILED,
    "wrong signature size": HandshakeFault.PROOF_FAILED,
    "missing certificate verify": HandshakeFault.PROOF_FAILED,
    "excessive message size": HandshakeFault.TOO_LARGE,
    "unknown certificate type": HandshakeFault.CERTIFICATE_UNREADABLE,
    "wrong certificate type": HandshakeFault.CERTIFICATE_UNREADABLE,
    "decode error": HandshakeFault.CERTIFICATE_UNREADABLE,
}

_ALERTS_ABOUT_OUR_CERTIFICATE = ("unknown ca", "certificate", "access denied")


def failure_of(error: SSL.Error) -> HandshakeFailure:
    """What an error raised by a handshake says about the peer."""
    if isinstance(error, SSL.SysCallError | SSL.ZeroReturnError):
        return HandshakeFailure(HandshakeFault.PEER_CLOSED)
    reasons = [entry[-1] for entry in error.args[0]] if error.args and isinstance(error.args[0], list) else []
    for reason in reasons:
        if reason in _FAULT_OF_REASON:
            return HandshakeFailure(_FAULT_OF_REASON[reason], reason)
        if "alert" in reason and any(words in reason for words in _ALERTS_ABOUT_OUR_CERTIFICATE):
            return HandshakeFailure(HandshakeFault.SERVER_NOT_TRUSTED, reason)
    return HandshakeFailure(HandshakeFault.BROKEN, ", ".join(reasons))
