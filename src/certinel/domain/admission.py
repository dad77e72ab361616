"""May this device connect? One pure decision: admit, admit and register, or refuse (trust.md sections 3 and 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certinel.domain.claims import Claim, find_claims
from certinel.domain.client_id import ClientId, MalformedClientIdError
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.path_fault import Path, day
from certinel.domain.tenant_choice import choose_tenant, named_tenant
from certinel.domain.trust_store import DeviceUserState, TrustStore
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.verdict_memory import VerdictMemory


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """The platform-wide settings of trust."""

    max_chain_length: int = 2
    """Certificates of a path, the trusted one included."""
    require_proof: bool = False
    """Whether only trusted certificates with proof of possession admit devices."""


@dataclass(frozen=True, slots=True)
class ConnectAttempt:
    """What a client brings to the decision."""

    presented: Sequence[bytes]
    """DER of the certificates of the handshake, leaf first."""
    client_id: str
    user_name: str | None = None
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """The decision to let a device in."""

    tenant: TenantId
    device: DeviceId
    client_id: ClientId
    trusted: TrustedCertificate
    path: Path
    must_register: bool
    """The device user is still to be made; the device is in only when that succeeded."""

    @property
    def valid_until(self) -> datetime:
        """When the first certificate of the path ends, and the session with it."""
        return min(certificate.not_after for certificate in self.path)


def decide(
    attempt: ConnectAttempt, trust: TrustStore, memory: VerdictMemory, policy: TrustPolicy, at: datetime
) -> Admission | Refusal:
    """Decide on a connection by the rules of trust.md, in their order.

    Guaranteed: the same arguments give the same verdict; nothing is changed but what ``memory`` remembers.
    Passwords are *not* looked at here: a client without a certificate is refused with ``tls/no-certificate``.
    """
    presented = memory.read(attempt.presented)  # rules 1 and 2
    if isinstance(presented, Refusal):
        return presented
    named, unknown = named_tenant(attempt.user_name, attempt.server_name, trust)
    found = find_claims(presented, trust, memory, at, named=named)  # rules 3 and 4
    if isinstance(found, Refusal):
        return found
    claims = choose_tenant(found, named)  # rule 5
    if isinstance(claims, Refusal):
        return claims
    if unknown is not None:
        return _refusal(Code.TENANT_UNKNOWN, claims[0], {"tenant": repr(unknown)})
    return _first_admitting(claims, attempt.client_id, trust, policy, at)  # rules 6 to 10


def _first_admitting(
    claims: Sequence[Claim], client_id: str, trust: TrustStore, policy: TrustPolicy, at: datetime
) -> Admission | Refusal:
    """Apply rules 6 to 10 to the claims of one tenant, the one nearest the leaf first.

    When none admits, the refusal is that of the claim that came furthest: an old CA certificate that was deleted
    does not hide what is wrong under the new one.
    """
    refusals = []
    for claim in sorted(claims, key=lambda claim: len(claim.path)):
        verdict = _verdict_of(claim, client_id, trust, policy, at)
        if isinstance(verdict, Admission):
            return verdict
        refusals.append(verdict)
    return max(refusals, key=lambda refusal: _PROGRESS.index(refusal.code))


_PROGRESS = (
    Code.TENANT_SUSPENDED,
    Code.TRUST_DELETED,
    Code.TRUST_DISABLED,
    Code.TRUST_EXPIRED,
    Code.NEEDS_PROOF,
    Code.CHAIN_TOO_LONG,
    Code.LIST_STALE,
    Code.AUTHORITY_REVOKED,
    Code.DEVICE_REVOKED,
    Code.CLIENT_ID_MALFORMED,
    Code.CLIENT_ID_MISMATCH,
    Code.DEVICE_DISABLED,
    Code.REGISTRATION_REQUIRED,
    Code.REGISTRATION_LIMIT,
)
"""In the order of the rules: the later a code stands here, the closer the device was to being admitted."""


def _verdict_of(
    claim: Claim, client_id: str, trust: TrustStore, policy: TrustPolicy, at: datetime
) -> Admission | Refusal:
    tenant = claim.trusted.tenant
    refusal = (
        _state_refusal(claim, trust, policy, at)
        or _length_refusal(claim, policy)
        or trust.revocation(tenant).refusal(claim.path, tenant, at)  # rule 8
    )
    if refusal is not None:
        return refusal
    try:
        read = ClientId.parse(client_id)
    except MalformedClientIdError:
        return _refusal(Code.CLIENT_ID_MALFORMED, claim, {"client_id": repr(client_id)})
    return _name_refusal(claim, read) or _registered(claim, read, trust)


def _refusal(code: Code, claim: Claim, facts: dict[str, str], certificate: int | None = None) -> Refusal:
    return Refusal(code, facts, certificate, tenant=claim.trusted.tenant, path=claim.path)


def _state_refusal(claim: Claim, trust: TrustStore, policy: TrustPolicy, at: datetime) -> Refusal | None:
    """Rule 6: the tenant is active, the trusted certificate in force, and proven if that is asked for."""
    trusted, last = claim.trusted, len(claim.path) - 1
    tenant = trust.tenant(trusted.tenant)
    if tenant is None or not tenant.is_active:
        return _refusal(Code.TENANT_SUSPENDED, claim, {"tenant": trusted.tenant})
    if trusted.deleted_at is not None:
        return _refusal(Code.TRUST_DELETED, claim, {"name": trusted.label, "date": day(trusted.deleted_at)}, last)
    if trusted.status is TrustStatus.DISABLED:
        facts = {"name": trusted.label, "state": "disabled", "what": "Enable the trusted certificate"}
        return _refusal(Code.TRUST_DISABLED, claim, facts, last)
    if not trusted.in_trust_store:
        state, what = (
            "stored only, not in the trust store",
            "Delete it and upload it again without addToTrustStore=false",
        )
        return _refusal(Code.TRUST_DISABLED, claim, {"name": trusted.label, "state": state, "what": what}, last)
    if not trusted.certificate.is_valid(at):
        facts = {"not_before": day(trusted.certificate.not_before), "not_after": day(trusted.certificate.not_after)}
        return _refusal(Code.TRUST_EXPIRED, claim, {"name": trusted.label, **facts}, last)
    if policy.require_proof and not trusted.is_proven:
        why = "this platform requires it (trust.require_proof)"
        return _refusal(Code.NEEDS_PROOF, claim, {"name": trusted.label, "why": why}, last)
    return None


def _length_refusal(claim: Claim, policy: TrustPolicy) -> Refusal | None:
    """Rule 7: the path, the trusted certificate included, is no longer than the platform allows."""
    if len(claim.path) <= policy.max_chain_length:
        return None
    facts = {"length": str(len(claim.path)), "limit": str(policy.max_chain_length)}
    return _refusal(Code.CHAIN_TOO_LONG, claim, facts, policy.max_chain_length)


def _name_refusal(claim: Claim, client_id: ClientId) -> Refusal | None:
    """Rule 9: the client id names the device that the certificate names."""
    common_name = claim.path[0].common_names[0]
    if client_id.device == common_name:
        return None
    return _refusal(Code.CLIENT_ID_MISMATCH, claim, {"device": client_id.device, "common_name": common_name}, 0)


def _registered(claim: Claim, client_id: ClientId, trust: TrustStore) -> Admission | Refusal:
    """Rule 10: the device user exists and is enabled, or is made in the same step."""
    trusted, device = claim.trusted, client_id.device
    match trust.device_user(trusted.tenant, device):
        case DeviceUserState.ENABLED:
            return Admission(trusted.tenant, device, client_id, trusted, claim.path, must_register=False)
        case DeviceUserState.DISABLED:
            return _refusal(Code.DEVICE_DISABLED, claim, {"device": device})
        case DeviceUserState.UNKNOWN if trusted.auto_registration:
            limit = trust.device_limit_reached(trusted.tenant)
            if limit is not None:
                return _refusal(Code.REGISTRATION_LIMIT, claim, {"device": device, "limit": str(limit)})
            return Admission(trusted.tenant, device, client_id, trusted, claim.path, must_register=True)
        case DeviceUserState.UNKNOWN:
            return _refusal(Code.REGISTRATION_REQUIRED, claim, {"device": device, "name": trusted.label})
