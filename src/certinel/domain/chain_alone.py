"""The verdict on a chain without a platform: what its own certificates say, if its end were trusted.

By the same `decide` as everywhere. What depends on a tenant (state, limits, revocation, registration) is *not* in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certinel.domain.admission import Admission, ConnectAttempt, TrustPolicy, decide
from certinel.domain.certificate import Certificate, MalformedCertificateError
from certinel.domain.chain import MAX_CERTIFICATES, read_presented, verify
from certinel.domain.errors import Code, Explanation, Refusal
from certinel.domain.identifiers import TenantId
from certinel.domain.trust_store import TenantFacts, TrustStore
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.verdict_memory import VerdictMemory

NO_TENANT = TenantId("offline")
"""Stands for whoever may trust the chain."""

NONE_GIVEN = Explanation(
    "None of the given trusted certificates issued {subject}; its issuer is {issuer}.",
    "Give the CA certificate {issuer} as trusted certificate, or add the intermediate certificates to the chain.",
)
"""In place of the words of ``chain/unknown-issuer``: there are no tenants here."""


@dataclass(frozen=True, slots=True)
class ChainAlone:
    """The verdict, and the trust it was made by."""

    verdict: Admission | Refusal
    trust: TrustStore


def judge_alone(
    presented: Sequence[bytes], at: datetime, *, trusted: Sequence[Certificate] = (), client_id: str | None = None
) -> ChainAlone:
    """Judge a chain as if ``trusted`` were uploaded, or else the certificates that the chain itself ends with.

    Without a client id the device connects under the name in its certificate.
    """
    trust = TrustStore()
    trust.put_tenant(TenantFacts(NO_TENANT, None, is_active=True))
    anchors = list(trusted) or _ends_of(presented)
    uploads = [_uploaded(number, certificate, at) for number, certificate in enumerate(anchors)]
    trust.replace_trusted_certificates(NO_TENANT, uploads)
    attempt = ConnectAttempt(presented, client_id if client_id is not None else own_client_id(presented))
    verdict = decide(attempt, trust, VerdictMemory(), TrustPolicy(max_chain_length=MAX_CERTIFICATES), at)
    if isinstance(verdict, Refusal) and verdict.code is Code.UNKNOWN_ISSUER:
        verdict = Refusal(verdict.code, verdict.facts, verdict.certificate, path=verdict.path, wording=NONE_GIVEN)
    return ChainAlone(verdict, trust)


def own_client_id(presented: Sequence[bytes]) -> str:
    """Return the client id under which the device of this chain may connect; empty when it has no usable name."""
    chain = read_presented(presented)
    return "" if isinstance(chain, Refusal) else chain.common_name


def readable(presented: Sequence[bytes]) -> list[Certificate | None]:
    """Read the presented certificates one by one; None stands for one that cannot be read.

    More than a device may present are left out.
    """
    return [_read(der) for der in presented[:MAX_CERTIFICATES]]


def _read(der: bytes) -> Certificate | None:
    try:
        return Certificate.parse(der)
    except MalformedCertificateError:
        return None


def fault_alone(presented: Sequence[bytes], at: datetime) -> Refusal | None:
    """Return the first fault of the chain itself, or None; that nobody is known to trust it is none."""
    verdict = judge_alone(presented, at).verdict
    if isinstance(verdict, Admission):
        return None
    if verdict.code is not Code.UNKNOWN_ISSUER:
        return verdict
    leaf = verdict.path[0]
    fault = verify((leaf,), at=at)
    return Refusal(fault.code, fault.facts, fault.index, path=fault.path) if fault is not None else None


def _ends_of(presented: Sequence[bytes]) -> list[Certificate]:
    """Return the certificates at which the presented ones end: those whose issuer is not among them.

    The first counts only when it is its own issuer and has issued no other: then it is a device that is trusted itself.
    """
    certificates = [one for one in readable(presented) if one is not None]
    ends = [one for one in certificates if not any(_is_above(other, one) for other in certificates)]
    first = certificates[0] if certificates else None
    is_own = (
        first is not None and first.may_have_issued(first) and not any(_is_above(first, one) for one in certificates)
    )
    return [one for one in ends if one != first or is_own]


def _is_above(other: Certificate, one: Certificate) -> bool:
    return not other.has_identity_of(one) and other.may_have_issued(one)


def _uploaded(number: int, certificate: Certificate, at: datetime) -> TrustedCertificate:
    return TrustedCertificate(
        id=number,
        tenant=NO_TENANT,
        name="",
        status=TrustStatus.ENABLED,
        auto_registration=True,
        certificate=certificate,
        fingerprint=certificate.fingerprint,
        uploaded_at=at,
    )
