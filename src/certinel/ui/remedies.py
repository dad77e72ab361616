"""What can be done about a refusal from a page: a button that does it, or a link to where it is done."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

from certinel.domain.connection_attempt import ConnectionAttempt
from certinel.domain.errors import Code
from certinel.domain.pem import armoured
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.ui.chain_drawing import address_of
from certinel.ui.rights import CHANGE_DEVICES, CHANGE_TRUST, REGISTER, Right

ADD: Final = "/ui/trusted-certificates/add"


@dataclass(frozen=True, slots=True)
class Remedy:
    """A button or a link; its words are the text ``remedy.<key>``."""

    key: str
    address: str
    right: Right
    fields: Mapping[str, str] | None = field(default=None, repr=False)
    """What is posted; None makes it a link."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """For the text."""


def remedies_for(code: str, trusted: TrustedCertificate | None, device: str | None) -> Iterator[Remedy]:
    """Yield what helps against ``code``, the best first; ``trusted`` is at the end of the path."""
    if trusted is not None:
        yield from _on_trusted(code, trusted)
    match code:
        case Code.REGISTRATION_REQUIRED if device is not None:
            yield Remedy("register", f"/ui/registration/bulk?{urlencode({'device': device})}", REGISTER)
        case Code.DEVICE_DISABLED if device is not None:
            page = f"/ui/devices/{quote(device, safe='')}"
            yield Remedy("let-in", f"{page}/enabled", CHANGE_DEVICES, {"enabled": "true"}, {"name": device})
        case Code.INTERMEDIATE_MISSING:
            yield Remedy("add-missing", ADD, CHANGE_TRUST)
        case Code.UNKNOWN_ISSUER | Code.TRUST_DELETED | Code.TRUST_EXPIRED:
            yield Remedy("add", ADD, CHANGE_TRUST)
        case Code.DEVICE_REVOKED | Code.AUTHORITY_REVOKED:
            yield Remedy("revocation", "/ui/settings#revocation", CHANGE_TRUST)
        case Code.LIST_STALE:
            yield Remedy("lists", "/ui/settings#authority-lists", CHANGE_TRUST)
        case _:
            return


def _on_trusted(code: str, trusted: TrustedCertificate) -> Iterator[Remedy]:
    page = address_of(trusted)
    name = {"name": trusted.label}
    match code:
        case Code.TRUST_DISABLED:
            yield Remedy("enable", page, CHANGE_TRUST, {"status": TrustStatus.ENABLED.value}, name)
        case Code.REGISTRATION_REQUIRED if not trusted.auto_registration:
            yield Remedy("auto-registration", page, CHANGE_TRUST, {"auto-registration": "on"}, name)
        case Code.NEEDS_PROOF | Code.AMBIGUOUS_TENANT if not trusted.is_proven:
            yield Remedy("prove", f"{page}/proof", CHANGE_TRUST, None, name)
        case _:
            return


def remedies_of(attempt: ConnectionAttempt, trusted: TrustedCertificate | None) -> list[Remedy]:
    """Return what helps a client that was refused, the CAs that it has presented among it."""
    uploads = [
        Remedy("upload", f"{ADD}/read", CHANGE_TRUST, {"text": armoured(one.der)}, {"name": one.subject})
        for one in attempt.chain
        if one.der is not None and (trusted is None or one.sha1 != trusted.fingerprint)
    ]
    return [*uploads, *remedies_for(attempt.code, trusted, attempt.device)]


def attempts_of(trusted: TrustedCertificate) -> str:
    """Return the page of the attempts under a trusted certificate."""
    return f"/ui/attempts?trusted={quote(trusted.fingerprint)}"
