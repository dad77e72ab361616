"""Which tenant a device belongs to when several have uploaded its CA (trust.md section 4).

Nobody can take a device over by uploading a CA whose key he does not hold, and nobody can lock one out.
"""

from collections.abc import Sequence

from certinel.domain.claims import Claim
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import TenantId
from certinel.domain.trust_store import TrustStore


def named_tenant(
    user_name: str | None, server_name: str | None, trust: TrustStore
) -> tuple[TenantId | None, str | None]:
    """Read which tenant the client names: by user name ``t`` or ``t/user``, else by the TLS server name.

    The second value is a name of a tenant that does not exist.
    """
    if user_name:
        name, slash, _ = user_name.partition("/")
        if trust.tenant(TenantId(name)) is not None:
            return TenantId(name), None
        if slash:  # a bare name that is no tenant is somebody's habit, not a tenant
            return None, name
    return (trust.tenant_of_domain(server_name) if server_name else None), None


def choose_tenant(claims: Sequence[Claim], named: TenantId | None) -> list[Claim] | Refusal:
    """Return all claims of the one tenant that the device belongs to; ``claims`` is not empty.

    Proven claims displace unproven ones, then the tenant that the client named narrows the rest, then the earliest
    upload wins among unproven ones. Several proven tenants are ambiguous. The unproven claims of the tenant that was
    chosen are among those returned: they can no longer take the device from anybody.
    """
    proven = [claim for claim in claims if claim.trusted.is_proven]
    left = proven or list(claims)
    if named is not None:
        left = [claim for claim in left if claim.trusted.tenant == named]
        if not left:
            return _wrong_tenant(claims, proven or claims, named)
    tenants = _tenants_by_upload(left)
    if proven and len(tenants) > 1:
        return Refusal(Code.AMBIGUOUS_TENANT, tenant=tenants[0], other_tenants=tuple(tenants[1:]), path=claims[0].path)
    return [claim for claim in claims if claim.trusted.tenant == tenants[0]]


def _tenants_by_upload(claims: Sequence[Claim]) -> list[TenantId]:
    ordered = sorted(claims, key=lambda claim: claim.trusted.place)
    return list(dict.fromkeys(claim.trusted.tenant for claim in ordered))


def _wrong_tenant(claims: Sequence[Claim], left: Sequence[Claim], named: TenantId) -> Refusal:
    inert = next((claim for claim in claims if claim.trusted.tenant == named), None)
    if inert is not None:
        facts = {"name": inert.trusted.label, "why": "another tenant has proven that it holds the key of this CA"}
        return Refusal(Code.NEEDS_PROOF, facts, len(inert.path) - 1, tenant=named, path=inert.path)
    return Refusal(Code.WRONG_TENANT, {"tenant": named}, tenant=_tenants_by_upload(left)[0], path=left[0].path)
