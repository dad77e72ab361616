"""Why a path does not verify: the first fault, in words, with the certificate that has it.

The verifiers decide; this module only finds the reason for their verdict, in an order in which the cause comes
before what follows from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.x509 import ExtendedKeyUsage
from cryptography.x509.oid import ExtendedKeyUsageOID

from certinel.domain.certificate import Certificate
from certinel.domain.errors import Code

MAX_NAME_COMPARISONS = 100_000
"""Names times name constraints of a path. OpenSSL stops at ten times as many, and only for one pair of certificates."""

_CLIENT_USAGES = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})
_V3 = 3
_DIRECT = 2

Path = tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class PathFault:
    """What is wrong with a path, and which of its certificates has the fault."""

    code: Code
    path: Path
    index: int
    facts: Mapping[str, str]

    @classmethod
    def invalid(cls, path: Path, index: int, reason: str, *, is_name_constraint: bool = False) -> "PathFault":
        """A verifier refuses the path, in its own words."""
        code = Code.NAME_CONSTRAINT if is_name_constraint else Code.CHAIN_INVALID
        return cls(code, path, index, {"subject": path[index].subject_text, "reason": reason})


def allows_client_authentication(usage: ExtendedKeyUsage) -> bool:
    """Tell whether an extended key usage lets its certificate be used by a TLS client."""
    return any(purpose in _CLIENT_USAGES for purpose in usage)


def fault_of_form(path: Path) -> PathFault | None:
    """Refuse what is too weak or too costly, before the path is verified (rule 2)."""
    last = len(path) - 1
    for index, certificate in enumerate(path):
        weakness = certificate.key_weakness
        if weakness is None and index > 0 and certificate.is_ed25519:
            weakness = "Ed25519 is not accepted for a CA"
        if weakness is not None:
            return PathFault(Code.WEAK_KEY, path, index, {"subject": certificate.subject_text, "key": weakness})
        if certificate.is_signature_weak and index != last:
            facts = {"subject": certificate.subject_text, "algorithm": certificate.algorithm_name}
            return PathFault(Code.WEAK_SIGNATURE, path, index, facts)
    comparisons = sum(
        issuer.name_constraint_count * sum(below.name_count for below in path[:index])
        for index, issuer in enumerate(path)
        if issuer.name_constraint_count
    )
    if comparisons > MAX_NAME_COMPARISONS:
        reason = f"comparing them takes {comparisons} steps, more than {MAX_NAME_COMPARISONS}"
        return PathFault.invalid(path, 0, reason, is_name_constraint=True)
    return None


def diagnose(path: Path, *, at: datetime) -> PathFault | None:
    """Return the first fault of ``path`` at ``at`` that can be told in plain words, or None.

    Whether the trusted certificate itself is valid is left out, and so are signatures: see lineage.
    """
    for find in (_validity_fault, _issuer_fault, _path_length_fault, _leaf_fault):
        fault = find(path, at)
        if fault is not None:
            return fault
    return None


def _validity_fault(path: Path, at: datetime) -> PathFault | None:
    for index, certificate in enumerate(path[:-1] if len(path) > 1 else path):
        if certificate.is_valid(at):
            continue
        has_ended = at > certificate.not_after
        facts = {
            "subject": certificate.subject_text,
            "not_before": day(certificate.not_before),
            "not_after": day(certificate.not_after),
            "date": day(certificate.not_after if has_ended else certificate.not_before),
        }
        if index > 0:
            return PathFault(Code.ISSUER_EXPIRED, path, index, facts)
        return PathFault(Code.EXPIRED if has_ended else Code.NOT_YET_VALID, path, index, facts)
    return None


def _issuer_fault(path: Path, _at: datetime) -> PathFault | None:
    for index, issuer in enumerate(path[1:], start=1):
        facts = {"subject": issuer.subject_text, "version": str(issuer.version)}
        if issuer.version != _V3:
            return PathFault(Code.VERSION, path, index, facts)
        if not issuer.is_ca:
            return PathFault(Code.ISSUER_NOT_A_CA, path, index, facts)
        if not issuer.may_sign_certificates:
            return PathFault(Code.ISSUER_MAY_NOT_SIGN, path, index, facts)
    return None


def _path_length_fault(path: Path, _at: datetime) -> PathFault | None:
    for index, issuer in enumerate(path[1:], start=1):
        # self-issued certificates do not count (RFC 5280, 4.2.1.9)
        between = sum(1 for certificate in path[1:index] if certificate.subject != certificate.issuer)
        if issuer.path_length is not None and between > issuer.path_length:
            facts = {"subject": issuer.subject_text, "allowed": str(issuer.path_length), "found": str(between)}
            return PathFault(Code.PATH_LENGTH_EXCEEDED, path, index, facts)
    return None


def _leaf_fault(path: Path, _at: datetime) -> PathFault | None:
    leaf = path[0]
    if len(path) == 1:
        return None
    facts = {"subject": leaf.subject_text, "version": str(leaf.version)}
    if leaf.version != _V3 and len(path) > _DIRECT:
        return PathFault(Code.VERSION, path, 0, facts)
    if leaf.is_ca:
        return PathFault(Code.IS_A_CA, path, 0, facts)
    usage = leaf.extended_key_usage
    if usage is not None and not allows_client_authentication(usage):
        return PathFault(Code.WRONG_USAGE, path, 0, facts)
    return None


def day(moment: datetime) -> str:
    """Write a moment as people do who look for the day, in UTC."""
    return f"{moment:%-d %b %Y, %H:%M} UTC"
