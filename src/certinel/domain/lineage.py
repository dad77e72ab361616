"""Who signed whom: from a presented device certificate up to the trusted certificates, by signatures.

Names and key identifiers are anybody's to choose: a hundred tenants can upload a CA that is called like another's.
Only signatures tell them apart, so they are checked first, each key once, before any path is verified in full.
That a path is allowed to be used is *not* decided here: see `chain.verify`.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from certinel.domain.certificate import Certificate
from certinel.domain.chain import MAX_CERTIFICATES, PresentedChain
from certinel.domain.path_fault import Path
from certinel.domain.signature import is_signed_by
from certinel.domain.trusted_certificate import TrustedCertificate

MAX_CANDIDATE_PATHS = 16
"""Paths that are verified in full for one decision (trust.md section 3, rule 3)."""

MAX_WORK = 900
"""Verification of signatures for one decision, in tenths of a millisecond: see `Certificate.verification_cost`."""

MAX_PATH_STEPS = 256
"""How many partial paths are looked at; certificates that sign each other crosswise would otherwise multiply."""

_VERIFIERS = 2


@dataclass(slots=True)
class Effort:
    """What one decision has spent on signatures and may still spend."""

    work: int = 0
    signatures: int = 0
    """Signatures checked to find out who signed whom."""
    paths: int = 0
    """Paths verified in full, those remembered included."""

    def spend_on_signature(self, issuer: Certificate) -> bool:
        """Count a check with the key of ``issuer``; False when it is too much and must not be made."""
        if self.work + issuer.verification_cost > MAX_WORK:
            return False
        self.work += issuer.verification_cost
        self.signatures += 1
        return True

    def spend_on_path(self, path: Path) -> bool:
        """Count a verification of ``path``; False when it is too much and must not be made."""
        work = sum(issuer.verification_cost for issuer in path[1:]) * _VERIFIERS
        if self.paths == MAX_CANDIDATE_PATHS or self.work + work > MAX_WORK:
            return False
        self.work += work
        self.paths += 1
        return True


class Lineage:
    """What stands above a leaf by signatures that hold."""

    def __init__(
        self,
        leaf: Certificate,
        issuers: Mapping[Certificate, Sequence[Certificate]],
        trusted_issuers: Mapping[Certificate, Collection[Certificate]],
    ) -> None:
        """Take, for every certificate that is reached from the leaf, who signed it: presented and trusted ones."""
        self._leaf = leaf
        self._issuers = issuers
        self._trusted_issuers = trusted_issuers
        self._partial_paths = list(islice(self._walks(), MAX_PATH_STEPS))

    def _walks(self) -> Iterator[Path]:
        waiting: deque[Path] = deque([(self._leaf,)])
        while waiting:
            path = waiting.popleft()
            yield path
            if len(path) < MAX_CERTIFICATES:
                waiting.extend((*path, issuer) for issuer in self._issuers[path[-1]] if _may_follow(issuer, path))

    def paths_to(self, anchor: Certificate) -> Iterator[Path]:
        """Yield the paths to a trusted certificate, shortest first.

        No path holds two issuers of the same subject and key.
        """
        if self._leaf == anchor:
            yield (self._leaf,)
        for path in self._partial_paths:
            if anchor in self._trusted_issuers[path[-1]] and _may_follow(anchor, path):
                yield (*path, anchor)

    def first_walk(self) -> Path:
        """Return the presented certificates as far as they follow from each other."""
        walk = self._partial_paths[0]
        for path in self._partial_paths:
            if path[:-1] == walk:
                walk = path
        return walk


def _may_follow(issuer: Certificate, path: Path) -> bool:
    return issuer != path[0] and not any(issuer.has_identity_of(used) for used in path[1:])


def trace(
    presented: PresentedChain, candidates: Sequence[TrustedCertificate], verified: Iterable[Path], effort: Effort
) -> Lineage:
    """Find out which presented and trusted certificates stand above the leaf.

    ``verified`` are paths of the same chain that are known to hold: their signatures are not checked again.
    """
    signers = {child: issuer.public_key for path in verified for child, issuer in pairwise(path)}
    trusted_by_subject: dict[bytes, list[TrustedCertificate]] = {}
    for trusted in candidates:
        trusted_by_subject.setdefault(trusted.certificate.subject, []).append(trusted)
    issuers: dict[Certificate, list[Certificate]] = {}
    trusted_issuers: dict[Certificate, set[Certificate]] = {}
    reached = [presented.leaf]
    for child in reached:  # grows as issuers are found
        sent = [one for one in dict.fromkeys(presented.certificates) if one.may_have_issued(child)]
        kept = [one for one in trusted_by_subject.get(child.issuer, ()) if one.certificate.may_have_issued(child)]
        if child != presented.leaf and not _has_other_identity(child, sent, kept):
            issuers[child], trusted_issuers[child] = [], set()  # a root: its own signature leads nowhere
            continue
        key = _signing_key(child, signers.get(child), sent, kept, effort)
        issuers[child] = [one for one in sent if one.public_key == key]
        trusted_issuers[child] = {one.certificate for one in kept if one.certificate.public_key == key}
        reached.extend(one for one in issuers[child] if one not in reached)
    return Lineage(presented.leaf, issuers, trusted_issuers)


def is_undisputed(anchor: Certificate, presented: PresentedChain, candidates: Sequence[TrustedCertificate]) -> bool:
    """Tell whether ``anchor`` can have issued the leaf and no other key can, by names and key identifiers.

    Then the path of the two is the one that `trace` finds first, if it finds any: it holds when it verifies.
    """
    leaf = presented.leaf
    if leaf == anchor or not anchor.may_have_issued(leaf):
        return False
    trusted = (one.certificate for one in candidates)
    return all(
        one.public_key == anchor.public_key for one in (*presented.certificates, *trusted) if one.may_have_issued(leaf)
    )


def _has_other_identity(child: Certificate, sent: Sequence[Certificate], kept: Sequence[TrustedCertificate]) -> bool:
    return any(not one.has_identity_of(child) for one in sent) or any(
        not one.certificate.has_identity_of(child) for one in kept
    )


def _signing_key(
    child: Certificate,
    known: bytes | None,
    sent: Sequence[Certificate],
    kept: Sequence[TrustedCertificate],
    effort: Effort,
) -> bytes | None:
    """Return the first key that verifies the signature of ``child``.

    A second one can only be a key computed from the signature, of which nobody has the private half.
    """
    by_key = {one.public_key: one for one in sent}
    if known is not None and (known in by_key or any(one.certificate.public_key == known for one in kept)):
        return known
    for one in _in_fair_order(kept):
        by_key.setdefault(one.public_key, one)
    for key, issuer in by_key.items():
        if not effort.spend_on_signature(issuer):
            return None
        if is_signed_by(child, issuer):
            return key
    return None


def _in_fair_order(trusted: Sequence[TrustedCertificate]) -> list[Certificate]:
    """Give every tenant its turn, the proven ones first: many uploads of one do not keep another's from its check."""
    turns: Counter[tuple[str, bool]] = Counter()
    ranked = []
    keys_seen = set()
    for one in sorted(trusted, key=lambda one: (one.uploaded_at, one.id)):
        identity = (one.tenant, one.is_proven, one.certificate.public_key)
        if identity not in keys_seen:
            keys_seen.add(identity)
            ranked.append((not one.is_proven, turns[one.tenant, one.is_proven], one.uploaded_at, one.id, one))
            turns[one.tenant, one.is_proven] += 1
    ranked.sort(key=lambda entry: entry[:4])
    return [entry[4].certificate for entry in ranked]
