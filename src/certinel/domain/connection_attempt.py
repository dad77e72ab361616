"""One attempt to connect, or many identical ones: what its owner needs to find out why it ended as it did.

Which attempts are kept, and how many are counted as one, is *not* decided here: see the service of the same noun.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from certinel.domain.admission import Admission, ConnectAttempt
from certinel.domain.certificate import Certificate
from certinel.domain.chain_alone import readable
from certinel.domain.client_id import ClientId, MalformedClientIdError
from certinel.domain.errors import Code, Explanation, Refusal, shown
from certinel.domain.identifiers import Fingerprint, TenantId
from certinel.domain.path_fault import Path
from certinel.domain.trusted_certificate import TrustedCertificate

ADMITTED = "admitted"
"""What an accepted attempt has in the place of a refusal's code."""


UPLOADABLE = frozenset({Code.CHAIN_TOO_LONG, Code.UNKNOWN_ISSUER})
"""Refusals whose remedy can be to trust a CA that the client has presented: it is kept with the attempt."""

MAX_UPLOADABLE_BYTES = 4096
"""Of a CA that is kept with an attempt; usual ones have a quarter of it."""


class Outcome(StrEnum):
    """How attempts end."""

    ADMITTED = "ADMITTED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an attempt came from, and what was spoken."""

    address: str
    tls_version: str | None = None
    mqtt_version: str | None = None


@dataclass(frozen=True, slots=True)
class PresentedCertificate:
    """The facts of a presented certificate that tell it from others."""

    subject: str
    issuer: str
    serial_number_hex: str
    sha1: str
    sha256: str
    not_before: datetime
    not_after: datetime
    is_at_fault: bool
    der: bytes | None = field(default=None, repr=False)
    """Only of CAs whose upload would let the client in: see `UPLOADABLE`."""

    @classmethod
    def of(cls, certificate: Certificate, *, is_at_fault: bool, is_uploadable: bool = False) -> "PresentedCertificate":
        """Return the facts of ``certificate`` in printable words."""
        return cls(
            subject=shown(certificate.subject_text),
            issuer=shown(certificate.issuer_text),
            serial_number_hex=f"{certificate.serial_number:x}",
            sha1=certificate.fingerprint,
            sha256=certificate.sha256.hex(),
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            is_at_fault=is_at_fault,
            der=certificate.der if is_uploadable else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionAttempt:
    """What is kept of an attempt, and of those identical to it."""

    id: int = 0
    tenant: TenantId
    code: str
    first_at: datetime
    last_at: datetime
    count: int
    client_id: str | None = None
    device: str | None = None
    """The name in the device certificate, or without one the device that the client id names."""
    address: str | None = None
    user_name: str | None = None
    """Of clients that came with a password."""
    tls_version: str | None = None
    mqtt_version: str | None = None
    chain: tuple[PresentedCertificate, ...] = ()
    """The presented certificates that can be read: first those of the path that was looked at."""
    trusted: Fingerprint | None = None
    """The tenant's own trusted certificate at the end of that path."""
    sentence: str = ""
    remedy: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    is_summary: bool = False
    """Whether it stands for attempts that differ from each other and were too many to be kept one by one."""

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return Outcome.ADMITTED if self.code == ADMITTED else Outcome.REFUSED

    @property
    def leaf(self) -> PresentedCertificate | None:
        """The device certificate, as far as there is one that can be read."""
        return self.chain[0] if self.chain else None


Verdict = Admission | Refusal | Explanation
"""An explanation stands for what ends a connection before there is anything to decide."""


class Sighting(NamedTuple):
    """What is known at the moment of an attempt; turned into words later, when nobody waits for it."""

    tenant: TenantId
    code: str
    verdict: Verdict | None
    """None when a password admitted the client."""
    attempt: ConnectAttempt | None
    origin: Origin


def described(
    sighting: Sighting, trusted_of_tenant: Sequence[TrustedCertificate], first_at: datetime
) -> ConnectionAttempt:
    """Put ``sighting`` into words.

    Of the path only what was presented is told, and the trusted certificate only when it is the tenant's own: a path
    can end with what another tenant has uploaded.
    """
    attempt, verdict, origin = sighting.attempt, sighting.verdict, sighting.origin
    path = _path(verdict)
    chain = _chain(attempt.presented if attempt is not None else (), verdict)
    sentence, remedy = _words(verdict)
    facts = verdict.facts if isinstance(verdict, Refusal) else {}
    return ConnectionAttempt(
        tenant=sighting.tenant,
        code=sighting.code,
        first_at=first_at,
        last_at=first_at,
        count=0,
        client_id=shown(attempt.client_id) if attempt is not None else None,
        device=_device(attempt, chain[0][0] if chain else None),
        address=origin.address,
        user_name=shown(attempt.user_name) if attempt is not None and attempt.user_name else None,
        tls_version=origin.tls_version,
        mqtt_version=origin.mqtt_version,
        chain=tuple(
            PresentedCertificate.of(
                certificate, is_at_fault=is_at_fault, is_uploadable=_is_uploadable(sighting.code, certificate)
            )
            for certificate, is_at_fault in chain
        ),
        trusted=next((one.fingerprint for one in trusted_of_tenant if path and one.certificate == path[-1]), None),
        sentence=sentence,
        remedy=remedy,
        facts={name: shown(value) for name, value in facts.items()},
    )


def summary(tenant: TenantId, code: str, address: str | None, first_at: datetime) -> ConnectionAttempt:
    """Stand for attempts of one ``code`` that are not kept one by one."""
    return ConnectionAttempt(
        tenant=tenant,
        code=code,
        first_at=first_at,
        last_at=first_at,
        count=0,
        address=address,
        sentence="Further attempts that ended like this were counted and not stored one by one.",
        remedy="Look at the attempts of this code that were stored; the log of the node has all of them.",
        is_summary=True,
    )


def _is_uploadable(code: str, certificate: Certificate) -> bool:
    return code in UPLOADABLE and certificate.is_ca and len(certificate.der) <= MAX_UPLOADABLE_BYTES


def _words(verdict: Verdict | None) -> tuple[str, str]:
    match verdict:
        case Refusal() | Explanation():
            return verdict.sentence, verdict.remedy
        case Admission():
            return "The device is connected by its certificate.", ""
        case None:
            return "The client is connected by user name and password.", ""


def _chain(presented: Sequence[bytes], verdict: Verdict | None) -> list[tuple[Certificate, bool]]:
    """Return what was presented and can be read, the path first, each with whether it is at fault."""
    if isinstance(verdict, Refusal) and verdict.code in {Code.CHAIN_TOO_LARGE, Code.TOO_MANY_CERTIFICATES}:
        return []  # refused unread, and not read afterwards either
    path = _path(verdict)
    known = {certificate.der: certificate for certificate in path}
    sent = [known.get(der) or readable((der,))[0] for der in presented]  # what the decision has read is not read again
    if not sent or sent[0] is None:
        return []
    fault = verdict.certificate if isinstance(verdict, Refusal) else None
    of_path = [(certificate, index == fault) for index, certificate in enumerate(path) if certificate in sent]
    others = [
        (certificate, not path and position == fault)
        for position, certificate in enumerate(sent)
        if certificate is not None and certificate not in path
    ]
    return of_path + others


def _path(verdict: Verdict | None) -> Path:
    return verdict.path if isinstance(verdict, Admission | Refusal) else ()


def _device(attempt: ConnectAttempt | None, leaf: Certificate | None) -> str | None:
    if leaf is not None and leaf.common_names:
        return shown(leaf.common_names[0])
    if attempt is None:
        return None
    try:
        return shown(ClientId.parse(attempt.client_id).device)
    except MalformedClientIdError:
        return None
