"""Paths from a presented device certificate to a trusted one, and their verification at a moment (trust.md section 3).

Two independent verifiers must agree on a path: OpenSSL, which also bounds what hostile name constraints cost, and
cryptography's. Which tenant a path counts for, and whether it may be used now, is *not* decided here: see admission.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakKeyDictionary

from cryptography import x509
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)
from OpenSSL.crypto import X509, X509Store, X509StoreContext, X509StoreContextError, X509StoreFlags

from certinel.domain.certificate import Certificate, MalformedCertificateError, common_name_fault
from certinel.domain.errors import Code, Refusal
from certinel.domain.path_fault import Path, PathFault, allows_client_authentication, diagnose, fault_of_form
from certinel.domain.signature import NO_CHECK_TIME, is_signed_by

MAX_CERTIFICATES = 11
MAX_CHAIN_BYTES = 32 * 1024
"""Sizes of trust.md section 3, rule 1."""

_NAME_CONSTRAINT_ERRORS = frozenset({47, 48, 49, 51, 52, 53})
"""X509_V_ERR_PERMITTED_VIOLATION, _EXCLUDED_VIOLATION and those of names that cannot be compared (x509_vfy.h)."""

_PROCESSED = re.compile(r"^validation failed: (candidates exhausted: )?| \(encountered processing .*")
"""What cryptography says around its reason."""

_V1 = 1
_DIRECT = 2

_ISSUERS_OF_OPENSSL: WeakKeyDictionary[Certificate, X509] = WeakKeyDictionary()
"""Thousands of devices have the same ones. Holds bytes that were read, and nothing of any verdict."""


@dataclass(frozen=True, slots=True)
class PresentedChain:
    """What a device sent in the handshake, the device certificate first, the others in any order."""

    certificates: tuple[Certificate, ...]
    digest: bytes = field(repr=False)

    @property
    def leaf(self) -> Certificate:
        """The device certificate, whose key the handshake has proven."""
        return self.certificates[0]

    @property
    def common_name(self) -> str:
        """The one common name of the device certificate."""
        return self.leaf.common_names[0]


def digest_of(presented: Sequence[bytes]) -> bytes:
    """Return a digest of the presented bytes that also depends on where each certificate ends."""
    parts = [part for der in presented for part in (len(der).to_bytes(4, "big"), der)]
    return hashlib.sha256(b"".join(parts)).digest()


def read_presented(
    presented: Sequence[bytes], parse: Callable[[bytes], Certificate] = Certificate.parse
) -> PresentedChain | Refusal:
    """Read a presented chain, refusing what is too large, malformed, or names no device (rules 1 and 2).

    ``parse`` is for those who have read some of the certificates before.
    """
    if not presented:
        return Refusal(Code.NO_CERTIFICATE)
    size = sum(len(der) for der in presented)
    if size > MAX_CHAIN_BYTES:
        return Refusal(Code.CHAIN_TOO_LARGE, {"size": str(size), "limit": str(MAX_CHAIN_BYTES)})
    if len(presented) > MAX_CERTIFICATES:
        facts = {"count": str(len(presented)), "limit": str(MAX_CERTIFICATES)}
        return Refusal(Code.TOO_MANY_CERTIFICATES, facts)
    certificates = []
    for position, der in enumerate(presented):
        try:
            certificates.append(parse(der))
        except MalformedCertificateError as error:
            facts = {"position": str(position + 1), "reason": str(error).rstrip(".")}
            return Refusal(Code.MALFORMED, facts, certificate=position)
    leaf = certificates[0]
    reason = common_name_fault(leaf)
    if reason is not None:
        facts = {"subject": leaf.subject_text, "reason": reason}
        return Refusal(Code.COMMON_NAME, facts, certificate=0, path=(leaf,))
    return PresentedChain(tuple(certificates), digest_of(presented))


def verify(path: Path, *, at: datetime) -> PathFault | None:
    """Return what is wrong with ``path`` at ``at``, or None when both verifiers find nothing.

    A trusted certificate at its end that is not valid at ``at`` is *not* a fault here: its claim on the device stays
    (trust.md section 4), and admission refuses by it.
    """
    fault = fault_of_form(path)
    if fault is not None:
        return fault
    if len(path) == 1:  # the leaf is the trusted certificate itself, byte by byte
        return None if path[0].is_valid(at) else diagnose(path, at=at)
    is_anchor_valid = path[-1].is_valid(at)
    fault = _openssl_fault(path, at if is_anchor_valid else None)
    if fault is None and is_anchor_valid:
        fault = _cryptography_fault(path, at)
    # the verifiers decide; what they say is only used when no plainer reason is found
    if fault is None and is_anchor_valid:
        return None
    return diagnose(path, at=at) or fault


def _openssl_fault(path: Path, at: datetime | None) -> PathFault | None:
    # a store for every verification: OpenSSL takes the time of a store only once
    store = X509Store()
    store.add_cert(_read_by_openssl(path[-1]))
    if at is None or _is_last_second(path, at):
        store.set_flags(X509StoreFlags.PARTIAL_CHAIN | NO_CHECK_TIME)
    else:
        store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
        store.set_time(at)
    leaf = X509.from_cryptography(path[0].parsed)
    between = [_read_by_openssl(certificate) for certificate in path[1:-1]]
    try:
        X509StoreContext(store, leaf, between).verify_certificate()
    except X509StoreContextError as error:
        number, depth, _ = error.errors
        return PathFault.invalid(path, depth, str(error), is_name_constraint=number in _NAME_CONSTRAINT_ERRORS)
    return None


def _read_by_openssl(issuer: Certificate) -> X509:
    """Return what OpenSSL makes of an issuer; read once for as long as the certificate is kept."""
    known = _ISSUERS_OF_OPENSSL.get(issuer)
    if known is None:
        known = _ISSUERS_OF_OPENSSL[issuer] = X509.from_cryptography(issuer.parsed)
    return known


def _is_last_second(path: Path, at: datetime) -> bool:
    """Tell whether a validity ends with the second of ``at``; OpenSSL takes that second as past (X509_cmp_time)."""
    return any(certificate.not_after == at.replace(microsecond=0) for certificate in path)


def _cryptography_fault(path: Path, at: datetime) -> PathFault | None:
    if path[0].version == _V1:  # which this verifier never takes
        is_good = len(path) == _DIRECT and is_signed_by(path[0], path[1])
        return None if is_good else PathFault.invalid(path, 0, "version 1 below an intermediate")
    leaf, *between, anchor = (certificate.parsed for certificate in path)
    verifier = (
        PolicyBuilder()
        .time(at)
        .store(Store([anchor]))
        .max_chain_depth(MAX_CERTIFICATES)
        .extension_policies(ca_policy=_CA_POLICY, ee_policy=_LEAF_POLICY)
        .build_client_verifier()
    )
    try:
        verifier.verify(leaf, between)
    except VerificationError as error:
        reason = _PROCESSED.sub("", " ".join(str(error).split()))
        return PathFault.invalid(
            path, 0, reason, is_name_constraint="nameconstraint" in reason.lower().replace(" ", "")
        )
    return None


def _require_ca(_policy: Policy, _certificate: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("an issuer without CA:TRUE")


def _require_signing(_policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("an issuer without keyCertSign")


def _require_no_ca(_policy: Policy, _certificate: x509.Certificate, constraints: x509.BasicConstraints | None) -> None:
    if constraints is not None and constraints.ca:
        raise ValueError("a device certificate with CA:TRUE")


def _require_client_usage(_policy: Policy, _certificate: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
    if usage is not None and not allows_client_authentication(usage):
        raise ValueError("an extended key usage without clientAuth")


_CA_POLICY = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _require_ca)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _require_signing)
)
_LEAF_POLICY = (
    ExtensionPolicy.permit_all()
    .may_be_present(x509.BasicConstraints, Criticality.AGNOSTIC, _require_no_ca)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _require_client_usage)
)
