"""May this device connect? One pure decision: admit, admit and register, or refuse (trust.md sections 3 and 4)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from certinel.domain.certificate import Certificate
from certinel.domain.chain import MAX_CANDIDATE_PATHS, PresentedChain, candidate_paths
from certinel.domain.client_id import ClientId, MalformedClientIdError
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.path_fault import Path, PathFault, day
from certinel.domain.tenant_choice import Claim, choose_tenant
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
    presented = memory.read(attempt.presented)
    if isinstance(presented, Refusal):
        return presented
    try:
        client_id = ClientId.parse(attempt.client_id)
    except MalformedClientIdError:
        return Refusal(Code.CLIENT_ID_MALFORMED, {"client_id": repr(attempt.client_id)})
    found = find_claims(presented, trust, memory, at)
    if isinstance(found, Refusal):
        return found
    hint = _tenant_hint(attempt, trust)
    if isinstance(hint, Refusal):
        return hint
    claims = choose_tenant(found, hint)
    if isinstance(claims, Refusal):
        return claims
    return _first_admitting(claims, client_id, trust, policy, at)


def find_claims(
    presented: PresentedChain, trust: TrustStore, memory: VerdictMemory, at: datetime
) -> list[Claim] | Refusal:
    """Return every verified path to a trusted certificate in whatever state, or why there is none (rules 3 and 4)."""
    candidates = trust.candidates(presented.certificates, at)
    paths: dict[bytes, Path] = {}
    open_anchors = []
    for anchor in dict.fromkeys(trusted.certificate for trusted in candidates):
        known = memory.path(presented.digest, anchor, at)
        if known is not None:
            paths[anchor.der] = known
        else:
            open_anchors.append(anchor)
    faults = []
    tried = 0
    for path in candidate_paths(presented, open_anchors) if open_anchors else ():
        if path[-1].der in paths:
            continue
        if tried == MAX_CANDIDATE_PATHS:
            break
        tried += 1
        fault = memory.verify(presented.digest, path, at)
        if fault is None:
            paths[path[-1].der] = path
        else:
            faults.append(fault)
    claims = [Claim(trusted, paths[der]) for trusted in candidates if (der := trusted.certificate.der) in paths]
    return claims or _no_claim(presented, candidates, faults)


def _no_claim(
    presented: PresentedChain, candidates: Sequence[TrustedCertificate], faults: Sequence[PathFault]
) -> Refusal:
    """Explain by the path that came furthest: one whose signatures hold before one whose do not, short before long."""
    if faults:
        fault = min(faults, key=lambda fault: (not fault.is_genuine, len(fault.path)))
        # a stranger can name any CA as issuer; only holding signatures make it the business of the CA's tenant
        owners = [trusted for trusted in candidates if trusted.certificate == fault.path[-1] and fault.is_genuine]
        tenant = _owner(owners)
        return Refusal(fault.code, fault.facts, certificate=fault.index, tenant=tenant)
    leaf = presented.leaf
    facts = {"subject": leaf.subject_text, "issuer": leaf.issuer_text}
    if candidates:
        gap = _last_connected(presented)
        facts = {"subject": gap.subject_text, "issuer": gap.issuer_text}
        return Refusal(Code.INTERMEDIATE_MISSING, facts, certificate=presented.certificates.index(gap))
    return Refusal(Code.UNKNOWN_ISSUER, facts, certificate=0)


def _last_connected(presented: PresentedChain) -> Certificate:
    """Follow the issuers from the leaf as far as they were sent."""
    reached = presented.leaf
    for _ in presented.certificates:
        issuer = next((one for one in presented.certificates if one != reached and one.may_have_issued(reached)), None)
        if issuer is None:
            break
        reached = issuer
    return reached


def _owner(trusted: Iterable[TrustedCertificate]) -> TenantId | None:
    ranked = sorted(trusted, key=lambda one: (not one.is_proven, one.uploaded_at, one.id))
    return ranked[0].tenant if ranked else None


def _tenant_hint(attempt: ConnectAttempt, trust: TrustStore) -> TenantId | Refusal | None:
    """Read which tenant the client names: by user name ``t`` or ``t/user``, else by the TLS server name."""
    if attempt.user_name:
        name, slash, _ = attempt.user_name.partition("/")
        if trust.tenant(TenantId(name)) is not None:
            return TenantId(name)
        if slash:  # a bare name that is no tenant is somebody's habit, not a tenant
            return Refusal(Code.TENANT_UNKNOWN, {"tenant": repr(name)})
    return trust.tenant_of_domain(attempt.server_name) if attempt.server_name else None


def _first_admitting(
    claims: Sequence[Claim], client_id: ClientId, trust: TrustStore, policy: TrustPolicy, at: datetime
) -> Admission | Refusal:
    """Apply rules 6 to 10 to the claims of one tenant, the one nearest the leaf first."""
    verdicts = (
        _apply_rules(claim, client_id, trust, policy, at) for claim in sorted(claims, key=lambda one: len(one.path))
    )
    first = next(verdicts)
    if isinstance(first, Admission):
        return first
    return next((verdict for verdict in verdicts if isinstance(verdict, Admission)), first)


def _apply_rules(
    claim: Claim, client_id: ClientId, trust: TrustStore, policy: TrustPolicy, at: datetime
) -> Admission | Refusal:
    trusted, tenant = claim.trusted, claim.trusted.tenant
    return (
        _state_refusal(claim, trust, policy, at)
        or _length_refusal(claim, policy)
        or _name_refusal(claim, client_id)
        or _registered(trusted, tenant, client_id, claim.path, trust)
    )


def _state_refusal(claim: Claim, trust: TrustStore, policy: TrustPolicy, at: datetime) -> Refusal | None:
    trusted = claim.trusted
    last = len(claim.path) - 1
    facts = {
        "name": trusted.name or trusted.certificate.subject_text,
        "not_before": day(trusted.certificate.not_before),
        "not_after": day(trusted.certificate.not_after),
        "tenant": trusted.tenant,
        "why": "this platform requires it (trust.require_proof)",
    }
    tenant = trust.tenant(trusted.tenant)
    if tenant is None or not tenant.is_active:
        return Refusal(Code.TENANT_SUSPENDED, facts, tenant=trusted.tenant)
    if trusted.deleted_at is not None:
        facts["date"] = day(trusted.deleted_at)
        return Refusal(Code.TRUST_DELETED, facts, certificate=last, tenant=trusted.tenant)
    if trusted.status is TrustStatus.DISABLED or not trusted.in_trust_store:
        return Refusal(Code.TRUST_DISABLED, facts, certificate=last, tenant=trusted.tenant)
    if not trusted.certificate.is_valid(at):
        return Refusal(Code.TRUST_EXPIRED, facts, certificate=last, tenant=trusted.tenant)
    if policy.require_proof and not trusted.is_proven:
        return Refusal(Code.NEEDS_PROOF, facts, certificate=last, tenant=trusted.tenant)
    return None


def _length_refusal(claim: Claim, policy: TrustPolicy) -> Refusal | None:
    if len(claim.path) <= policy.max_chain_length:
        return None
    facts = {"length": str(len(claim.path)), "limit": str(policy.max_chain_length)}
    return Refusal(Code.CHAIN_TOO_LONG, facts, certificate=policy.max_chain_length, tenant=claim.trusted.tenant)


def _name_refusal(claim: Claim, client_id: ClientId) -> Refusal | None:
    common_name = claim.path[0].common_names[0]
    if client_id.device == common_name:
        return None
    facts = {"device": client_id.device, "common_name": common_name}
    return Refusal(Code.CLIENT_ID_MISMATCH, facts, certificate=0, tenant=claim.trusted.tenant)


def _registered(
    trusted: TrustedCertificate, tenant: TenantId, client_id: ClientId, path: Path, trust: TrustStore
) -> Admission | Refusal:
    facts = {"device": client_id.device, "name": trusted.name or trusted.certificate.subject_text}
    match trust.device_user(tenant, client_id.device):
        case DeviceUserState.ENABLED:
            return Admission(tenant, client_id.device, client_id, trusted, path, must_register=False)
        case DeviceUserState.DISABLED:
            return Refusal(Code.DEVICE_DISABLED, facts, tenant=tenant)
        case DeviceUserState.UNKNOWN if trusted.auto_registration:
            return Admission(tenant, client_id.device, client_id, trusted, path, must_register=True)
        case DeviceUserState.UNKNOWN:
            return Refusal(Code.REGISTRATION_REQUIRED, facts, tenant=tenant)
