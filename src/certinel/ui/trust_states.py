"""What is worth knowing of a trusted certificate at first sight: expired, about to expire, inert, waiting for proof."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from certinel.domain.certificate import Certificate
from certinel.domain.trust_store import TrustStore
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus

ALARMING: Final = timedelta(days=90)
WORTH_KNOWING: Final = timedelta(days=365)
"""Before the end of a CA: a new one has to be made, uploaded, and issue for every device."""


@dataclass(frozen=True, slots=True)
class State:
    """One such thing; its words are the texts ``trusted.state.<key>`` and ``trusted.explained.<key>``."""

    key: str
    kind: str
    """Which color and icon: see ``parts.state``."""


def validity_of(certificate: Certificate, at: datetime) -> State | None:
    """Return what is to be said of the validity; None when it is long."""
    if at > certificate.not_after:
        return State("expired", "bad")
    if at < certificate.not_before:
        return State("not-yet-valid", "wait")
    if at + ALARMING > certificate.not_after:
        return State("expiring", "alarm")
    return State("ending", "warn") if at + WORTH_KNOWING > certificate.not_after else None


def standing_of(trusted: TrustedCertificate, trust: TrustStore, at: datetime) -> State | None:
    """Return why devices are not let in by ``trusted`` although it is enabled and valid."""
    if not trusted.in_trust_store:
        return State("stored-only", "off")
    return State("inert", "warn") if trust.is_overruled(trusted, at) else None


def lets_in(trusted: TrustedCertificate, trust: TrustStore, at: datetime) -> bool:
    """Tell whether devices can be let in by ``trusted``, as far as it alone decides."""
    is_usable = trusted.status is TrustStatus.ENABLED and trusted.certificate.is_valid(at)
    return is_usable and standing_of(trusted, trust, at) is None
