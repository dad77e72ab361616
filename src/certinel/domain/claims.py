"""The claims on a device: verified paths to trusted certificates of any tenant (trust.md section 3, rules 3 and 4).

What the state of a trusted certificate or its tenant means for the device is *not* decided here: see admission.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from certinel.domain.certificate import Certificate
from certinel.domain.chain import PresentedChain, verify
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import TenantId
from certinel.domain.lineage import Effort, Lineage, is_undisputed, trace
from certinel.domain.path_fault import Path, PathFault
from certinel.domain.trust_store import TrustStore
from certinel.domain.trusted_certificate import TrustedCertificate
from certinel.domain.verdict_memory import VerdictMemory


@dataclass(frozen=True, slots=True)
class Claim:
    """A verified path to a trusted certificate, whatever the state of that certificate."""

    trusted: TrustedCertificate
    path: Path


def find_claims(
    presented: PresentedChain,
    trust: TrustStore,
    memory: VerdictMemory,
    at: datetime,
    *,
    named: TenantId | None = None,
    effort: Effort | None = None,
) -> list[Claim] | Refusal:
    """Return the claims on a device that can matter for its tenant, or why there is none.

    ``named`` is the tenant that the client names. A claim that is neither proven, nor of the tenant that is named, nor
    of a tenant that has a claim already, is left out when it comes after another: `choose_tenant` decides the same.

    Paths are verified in the order in which their claims win (proven, named, earliest upload), not shortest first:
    else somebody could upload sixteen certificates of the key of another's intermediate CA, which end shorter paths
    than that other's root does, and would be the only claimant left.
    """
    candidates = trust.candidates(presented.certificates, at)
    if not candidates:
        return _unknown_issuer(presented.leaf)
    candidates.sort(key=_precedence(named))
    search = _Search(presented, candidates, memory, at, effort or Effort())
    claims: list[Claim] = []
    for trusted in candidates:
        if claims and not _can_matter(trusted, claims, named):
            continue
        path = search.path_to(trusted.certificate)
        if path is not None:
            claims.append(Claim(trusted, path))
    return claims or search.explanation()


def likely_tenant(
    presented: PresentedChain, trust: TrustStore, memory: VerdictMemory, at: datetime, *, named: TenantId | None = None
) -> tuple[TenantId | None, bool]:
    """Return whose device this seems to be, without looking at a signature, and whether a path is known to verify.

    Without a known path nothing is proven: then it is None as soon as several tenants could have a claim, so that
    nobody draws another's devices to itself with a certificate that only looks alike.
    """
    candidates = trust.candidates(presented.certificates, at)
    verified = [one for one in candidates if memory.path(presented, one.certificate, at) is not None]
    if verified:
        return min(verified, key=_precedence(named)).tenant, True
    tenants = {one.tenant for one in candidates}
    return (tenants.pop() if len(tenants) == 1 else None), False


def _precedence(named: TenantId | None) -> Callable[[TrustedCertificate], tuple[bool, bool, tuple[datetime, int]]]:
    """Return the order in which claims win: proven, named, earliest upload."""
    return lambda one: (not one.is_proven, one.tenant != named, one.place)


def _can_matter(trusted: TrustedCertificate, claims: Sequence[Claim], named: TenantId | None) -> bool:
    return (
        trusted.is_proven or trusted.tenant == named or any(claim.trusted.tenant == trusted.tenant for claim in claims)
    )


class _Search:
    """The paths of one presented chain: those remembered, the others verified when they are asked for."""

    def __init__(
        self,
        presented: PresentedChain,
        candidates: Sequence[TrustedCertificate],
        memory: VerdictMemory,
        at: datetime,
        effort: Effort,
    ) -> None:
        self._presented = presented
        self._candidates = candidates
        self._memory = memory
        self._at = at
        self._effort = effort
        self._answers: dict[Certificate, Path | None] = {}
        self._lineage: Lineage | None = None
        self._faults: list[PathFault] = []
        self._unsigned_faults: dict[Path, PathFault] = {}
        """Of paths that were verified before it was known who signed them."""

    def path_to(self, anchor: Certificate) -> Path | None:
        """Return a verified path to ``anchor``, if there is one and it is found within the limits."""
        if anchor not in self._answers:
            known = self._memory.path(self._presented, anchor, self._at)
            if known is not None and not self._effort.spend_on_path(known):
                known = None
            self._answers[anchor] = known or self._verified(anchor)
        return self._answers[anchor]

    def _verified(self, anchor: Certificate) -> Path | None:
        if is_undisputed(anchor, self._presented, self._candidates):
            # one key alone can have signed the leaf, as nearly always: the verifiers need not be told whether it did
            direct = (self._presented.leaf, anchor)
            if self._effort.spend_on_path(direct):
                fault = self._fault_of(direct)
                if fault is None:
                    return direct
                self._unsigned_faults[direct] = fault
        for path in self._paths_to(anchor):
            fault = self._unsigned_faults.get(path)
            if fault is None:
                if not self._effort.spend_on_path(path):
                    return None
                fault = self._fault_of(path)
            if fault is None:
                return path
            self._faults.append(fault)
        return None

    def _fault_of(self, path: Path) -> PathFault | None:
        fault = verify(path, at=self._at)
        if fault is None and path[-1].is_valid(self._at):
            self._memory.remember(self._presented, path)
        return fault

    def _paths_to(self, anchor: Certificate) -> Iterator[Path]:
        if self._lineage is None:
            known = (self._memory.path(self._presented, one.certificate, self._at) for one in self._candidates)
            verified = [path for path in known if path is not None]
            self._lineage = trace(self._presented, self._candidates, verified, self._effort)
        return self._lineage.paths_to(anchor)

    def explanation(self) -> Refusal:
        """Say why there is no verified path.

        Only the owner of a trusted certificate whose key did sign the chain is shown the refusal. A chain that merely
        names a CA, or brings its public certificate along, could come from anybody: a bad signature and a missing
        intermediate are the operator's to see, or they would be a way to write into any tenant's list.
        """
        for trusted in self._candidates:
            fault = next((fault for fault in self._faults if fault.path[-1] == trusted.certificate), None)
            if fault is not None:
                return Refusal(fault.code, fault.facts, fault.index, tenant=trusted.tenant, path=fault.path)
        return self._broken_chain()

    def _broken_chain(self) -> Refusal:
        walk = self._lineage.first_walk() if self._lineage is not None else (self._presented.leaf,)
        top = walk[-1]
        named_issuers = [one for one in self._presented.certificates if one.may_have_issued(top)]
        named_issuers += [one.certificate for one in self._candidates if one.certificate.may_have_issued(top)]
        issuer = next((one for one in named_issuers if not one.has_identity_of(top)), None)
        facts = {"subject": top.subject_text, "issuer": top.issuer_text}
        if issuer is not None and issuer.key_weakness is not None:
            facts = {"subject": issuer.subject_text, "key": issuer.key_weakness}
            return Refusal(Code.WEAK_KEY, facts, certificate=len(walk), path=(*walk, issuer))
        if issuer is not None:
            return Refusal(Code.BAD_SIGNATURE, facts, certificate=len(walk) - 1, path=(*walk, issuer))
        if top.subject == top.issuer:  # complete, but of a CA that nobody trusts
            return _unknown_issuer(self._presented.leaf)
        return Refusal(Code.INTERMEDIATE_MISSING, facts, certificate=len(walk) - 1, path=walk)


def _unknown_issuer(leaf: Certificate) -> Refusal:
    facts = {"subject": leaf.subject_text, "issuer": leaf.issuer_text}
    return Refusal(Code.UNKNOWN_ISSUER, facts, certificate=0, path=(leaf,))
