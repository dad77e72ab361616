"""Connections that ended before there was anything to decide: written down for the operator."""

from collections.abc import Mapping
from types import MappingProxyType

from certinel.domain.connection_attempt import Origin, Sighting
from certinel.domain.errors import Explanation
from certinel.domain.identifiers import MANAGEMENT_TENANT
from certinel.gateway.handshake import HandshakeFailure, HandshakeFault
from certinel.gateway.reception import PeerName
from certinel.gateway.surroundings import Surroundings

SILENT_CODE = "protocol/silent"
SILENT = Explanation(
    "The client finished the TLS handshake and then sent no CONNECT in time.",
    "Check that the client speaks MQTT on this port; port scanners and health checks look like this too.",
)

REMEDIES: Mapping[HandshakeFault, str] = MappingProxyType(
    {
        HandshakeFault.OVERLOAD: "Connect again after a random delay, or raise the limits of the gateway.",
        HandshakeFault.TIMEOUT: "Check the network between device and node, or raise gateway.handshake_timeout.",
        HandshakeFault.TOO_LARGE: "Send only the device certificate and its issuers.",
        HandshakeFault.PEER_CLOSED: "Look into the client's own log: it gave up, or it was a health check.",
        HandshakeFault.PROXY_HEADER: "Let the load balancer send PROXY protocol version 2 (HAProxy: send-proxy-v2; its "
        "health checks: check-send-proxy), or take it out of gateway.trusted_proxies.",
        HandshakeFault.PROXY_NOT_TRUSTED: "If this is your load balancer, add its address to gateway.trusted_proxies.",
        HandshakeFault.NOT_TLS: "Switch TLS on in the client, or use the port that the client means.",
        HandshakeFault.PLAIN_HTTP: "Use https:// and the HTTPS port.",
        HandshakeFault.VERSION: "Update the client, so that it offers TLS 1.2 or 1.3.",
        HandshakeFault.NO_SHARED_CIPHER: "Update the client's TLS library or its list of cipher suites.",
        HandshakeFault.SERVER_NOT_TRUSTED: "Give the client server-ca.pem of this node as trusted CA, and connect to a "
        "name that is in the server certificate (public_host).",
        HandshakeFault.PROOF_FAILED: "Check that the client's private key belongs to the certificate it presents.",
        HandshakeFault.CERTIFICATE_UNREADABLE: "Make the device certificate again with a standard tool.",
        HandshakeFault.BROKEN: "Check or update the client's TLS library.",
    }
)


def report_silence(around: Surroundings, origin: Origin) -> None:
    """Write down a client that sent no CONNECT."""
    around.platform.connection_attempts.record(
        Sighting(MANAGEMENT_TENANT, SILENT_CODE, SILENT, None, origin), is_owned=False
    )


def report_handshake_failure(around: Surroundings, failure: HandshakeFailure, peer: PeerName) -> None:
    """Write down a TLS handshake that failed; nothing that was said in it is proven."""
    sentence = f"{failure}."
    explanation = Explanation(sentence[:1].upper() + sentence[1:], REMEDIES[failure.fault])
    sighting = Sighting(MANAGEMENT_TENANT, failure.fault, explanation, None, Origin(str(peer[0])))
    around.platform.connection_attempts.record(sighting, is_owned=False)
