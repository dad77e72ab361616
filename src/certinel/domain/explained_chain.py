"""A chain and the verdict on it, as people are shown them: in path order, with the place where it breaks.

The verdict is admission's; nothing is decided here. Who may see what of it is *not* decided here either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certinel.domain.admission import Admission
from certinel.domain.certificate import Certificate
from certinel.domain.chain_alone import fault_alone, readable
from certinel.domain.errors import Code, Refusal, shown
from certinel.domain.path_fault import Path
from certinel.domain.trust_store import TrustStore
from certinel.domain.trusted_certificate import TrustedCertificate


class ChainRole(StrEnum):
    """What a certificate is in its chain."""

    DEVICE = "DEVICE"
    INTERMEDIATE = "INTERMEDIATE"
    ROOT = "ROOT"
    """Its own issuer, and not trusted."""
    TRUSTED = "TRUSTED"


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One certificate of a chain."""

    role: ChainRole
    certificate: Certificate | None
    """None when its bytes cannot be read."""
    position: int | None
    """Which of the presented certificates it is, from 1; None when it was not sent but is known as trusted."""
    is_at_fault: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedChain:
    """What somebody is told about a chain."""

    verdict: Admission | Refusal
    at: datetime
    """The moment that the verdict is for."""
    links: tuple[ChainLink, ...]
    """From the device certificate upwards, as far as it is known; empty when there is too much to read."""
    unused: tuple[ChainLink, ...] = ()
    """Presented certificates that are not on the path."""
    trusted: TrustedCertificate | None = None
    """The trusted certificate at the end of ``links``, if the chain has got one."""
    also_wrong: Refusal | None = None
    """The first fault of the chain itself, which would be left if its issuer were trusted."""

    @property
    def missing_issuer(self) -> str | None:
        """The issuer of the last certificate, when the chain ends there without a trusted one."""
        top = self.links[-1].certificate if self.links else None
        if self.trusted is not None or top is None or top.subject == top.issuer:
            return None
        return top.issuer_text

    @property
    def broken_after(self) -> int | None:
        """The index of the link above which the chain is broken; None when it holds, or there is no link.

        The last link when no certificate is at fault, but the tenant's side, or when no trusted certificate follows.
        """
        if isinstance(self.verdict, Admission) or not self.links:
            return None
        last = len(self.links) - 1
        if self.verdict.code is Code.UNKNOWN_ISSUER:
            return last
        if self.verdict.code in {Code.CLIENT_ID_MALFORMED, Code.CLIENT_ID_MISMATCH}:
            return 0
        return next((index for index, link in enumerate(self.links) if link.is_at_fault), last)

    @property
    def notes(self) -> tuple[str, ...]:
        """What else is worth knowing of the presented certificates, in sentences."""
        return tuple(_notes_on_order(self) or _notes_on_unused(self))


def explained(
    presented: Sequence[bytes], verdict: Admission | Refusal, trust: TrustStore, at: datetime
) -> ExplainedChain:
    """Put the certificates of ``presented`` into the order of the verdict's path.

    ``trust`` is asked only which trusted certificate the path ends with. Above the path certificates follow by their
    names alone, so that what was sent is seen: their signatures are *not* checked.
    """
    if isinstance(verdict, Refusal) and verdict.code in {Code.CHAIN_TOO_LARGE, Code.TOO_MANY_CERTIFICATES}:
        return ExplainedChain(verdict=verdict, at=at, links=())
    certificates = readable(presented)
    if None in certificates:
        fault = verdict.certificate if isinstance(verdict, Refusal) else None
        return ExplainedChain(verdict=verdict, at=at, links=_as_sent(certificates, fault))
    sent = [one for one in certificates if one is not None]
    path, trusted = _whole_path(verdict, sent, trust, at)
    links = tuple(
        ChainLink(_role(index, path, trusted), certificate, _position(certificate, sent), _is_at_fault(verdict, index))
        for index, certificate in enumerate(path)
    )
    unused = tuple(
        ChainLink(ChainRole.INTERMEDIATE, certificate, position, is_at_fault=False)
        for position, certificate in enumerate(sent, start=1)
        if certificate not in path
    )
    is_unknown = isinstance(verdict, Refusal) and verdict.code is Code.UNKNOWN_ISSUER
    also_wrong = fault_alone(presented, at) if is_unknown else None
    return ExplainedChain(verdict=verdict, at=at, links=links, unused=unused, trusted=trusted, also_wrong=also_wrong)


def _as_sent(certificates: Sequence[Certificate | None], fault: int | None) -> tuple[ChainLink, ...]:
    return tuple(
        ChainLink(
            ChainRole.DEVICE if index == 0 else ChainRole.INTERMEDIATE,
            certificate,
            index + 1,
            is_at_fault=index == fault,
        )
        for index, certificate in enumerate(certificates)
    )


def _whole_path(
    verdict: Admission | Refusal, sent: Sequence[Certificate], trust: TrustStore, at: datetime
) -> tuple[Path, TrustedCertificate | None]:
    path = verdict.path or tuple(sent[:1])
    if isinstance(verdict, Admission):
        return path, verdict.trusted
    while path:
        trusted = _trusted_at_end(path, verdict, trust, at)
        issuer = next((one for one in sent if one not in path and one.may_have_issued(path[-1])), None)
        if trusted is not None or issuer is None:
            return path, trusted
        path = (*path, issuer)
    return path, None


def _trusted_at_end(path: Path, verdict: Refusal, trust: TrustStore, at: datetime) -> TrustedCertificate | None:
    same = [one for one in trust.candidates(path[-1:], at) if one.certificate == path[-1]]
    return next((one for one in same if one.tenant == verdict.tenant), same[0] if same else None)


def _role(index: int, path: Path, trusted: TrustedCertificate | None) -> ChainRole:
    if index == 0:
        return ChainRole.DEVICE
    if index < len(path) - 1:
        return ChainRole.INTERMEDIATE
    if trusted is not None:
        return ChainRole.TRUSTED
    return ChainRole.ROOT if path[index].subject == path[index].issuer else ChainRole.INTERMEDIATE


def _position(certificate: Certificate, sent: Sequence[Certificate]) -> int | None:
    return sent.index(certificate) + 1 if certificate in sent else None


def _is_at_fault(verdict: Admission | Refusal, index: int) -> bool:
    return isinstance(verdict, Refusal) and verdict.certificate == index


def _notes_on_order(chain: ExplainedChain) -> list[str]:
    everything = [link.certificate for link in (*chain.links, *chain.unused) if link.certificate is not None]
    if not everything:
        return []
    first = everything[0]
    issued = next((one for one in everything if one != first and first.may_have_issued(one)), None)
    if issued is None:
        return []
    rule = "a device sends its own certificate first, then its issuers"
    return [f"The first certificate, {shown(first.subject_text)}, has issued {shown(issued.subject_text)}: {rule}."]


def _notes_on_unused(chain: ExplainedChain) -> list[str]:
    is_admitted = isinstance(chain.verdict, Admission)
    what = "is not on the path and need not be sent" if is_admitted else "does not follow from the others"
    return [
        f"Certificate {link.position}, {shown(link.certificate.subject_text)}, {what}."
        for link in chain.unused
        if link.certificate is not None
    ]
