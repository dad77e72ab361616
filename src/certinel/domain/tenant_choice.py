"""Which tenant a device belongs to when several have uploaded its CA (trust.md section 4).

Nobody can take a device over by uploading a CA whose key he does not hold, and nobody can lock one out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import TenantId
from certinel.domain.path_fault import Path
from certinel.domain.trusted_certificate import TrustedCertificate


@dataclass(frozen=True, slots=True)
class Claim:
    """A verified path to a trusted certificate, whatever the state of that certificate."""

    trusted: TrustedCertificate
    path: Path


def choose_tenant(claims: Sequence[Claim], hint: TenantId | None) -> list[Claim] | Refusal:
    """Return the claims of the one tenant that the device belongs to; ``claims`` is not empty.

    Proven claims displace unproven ones, then the tenant that the client named narrows the rest, then the earliest
    upload wins among unproven ones. Several proven tenants are ambiguous.
    """
    are_proven = any(claim.trusted.is_proven for claim in claims)
    left = [claim for claim in claims if claim.trusted.is_proven] if are_proven else list(claims)
    if hint is not None:
        named = [claim for claim in left if claim.trusted.tenant == hint]
        if not named:
            return _wrong_tenant(claims, left, hint)
        left = named
    tenants = {claim.trusted.tenant for claim in left}
    if len(tenants) == 1:
        return left
    if are_proven:
        return Refusal(Code.AMBIGUOUS_TENANT, tenant=_earliest(left))
    keeper = _earliest(left)
    return [claim for claim in left if claim.trusted.tenant == keeper]


def _earliest(claims: Sequence[Claim]) -> TenantId:
    return min(claims, key=lambda claim: (claim.trusted.uploaded_at, claim.trusted.id)).trusted.tenant


def _wrong_tenant(claims: Sequence[Claim], left: Sequence[Claim], hint: TenantId) -> Refusal:
    inert = next((claim.trusted for claim in claims if claim.trusted.tenant == hint), None)
    if inert is not None:
        facts = {"name": inert.name, "why": "another tenant has proven the possession of this CA"}
        return Refusal(Code.NEEDS_PROOF, facts, tenant=hint)
    return Refusal(Code.WRONG_TENANT, {"tenant": hint}, tenant=_earliest(left))
