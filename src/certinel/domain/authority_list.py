"""Reading the revocation list of a CA (RFC 5280, section 5) and deciding whether a tenant may upload it.

Whether a certificate is on a list that was accepted is *not* decided here: see revocation.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from certinel.domain.certificate import Certificate
from certinel.domain.distinguished_name import text_of
from certinel.domain.errors import shown
from certinel.domain.path_fault import day
from certinel.domain.revocation import AuthorityList
from certinel.domain.revocation_list_form import (
    ListFault,
    ListParts,
    ListSignature,
    UnacceptableListError,
    check_extensions,
    entries_of,
)
from certinel.domain.revoked_serials import RevokedSerials
from certinel.domain.signature import MAX_VERIFICATION_COST, is_signed_by

MAX_LIST_BYTES: Final = 64 * 1024 * 1024
"""A million entries with serials of 20 bytes and a reason take 50 MB."""
MAX_SUPPLIED_CERTIFICATES: Final = 10
"""Intermediate certificates that come along with a list; as many as a presented chain may have."""
CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far the clock of the CA may be ahead of ours."""

_SAFE_HASHES: Final = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedList:
    """A revocation list as it was read; nobody has vouched for it yet."""

    der: bytes = field(repr=False)
    issuer: bytes = field(repr=False)
    issuer_text: str
    number: int | None
    this_update: datetime
    next_update: datetime | None
    serials: RevokedSerials = field(repr=False)
    head: x509.CertificateRevocationList = field(repr=False)
    """The list without its entries."""
    signature: ListSignature = field(repr=False)

    @classmethod
    def read(cls, der: bytes) -> Self:
        """Read strict DER of a list that is complete: neither a delta nor one for some certificates only.

        Raises:
            UnacceptableListError: for everything else, whatever the bytes are.
        """
        if len(der) > MAX_LIST_BYTES:
            raise UnacceptableListError(
                ListFault.TOO_LARGE, f"The revocation list has more than {MAX_LIST_BYTES} bytes."
            )
        try:
            return cls._read(der)
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion) as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise UnacceptableListError(
                ListFault.MALFORMED, f"The revocation list cannot be read: {reason}."
            ) from error

    @classmethod
    def _read(cls, der: bytes) -> Self:
        parts = ListParts.of(der)
        head = x509.load_der_x509_crl(parts.head)
        number = check_extensions(head.extensions)
        serials = RevokedSerials()
        serials.update(entries_of(der, *parts.entries))
        return cls(
            der=der,
            issuer=head.issuer.public_bytes(),
            issuer_text=shown(text_of(head.issuer)),
            number=number,
            this_update=head.last_update_utc,
            next_update=head.next_update_utc,
            serials=serials,
            head=head,
            signature=parts.signature,
        )

    def accepted_from(
        self, trusted: Sequence[Certificate], supplied: Sequence[Certificate], at: datetime
    ) -> Certificate:
        """Return the CA certificate that vouches for this list.

        That is one of ``trusted``, or one of ``supplied`` that is issued, over any number of others, by one of
        ``trusted``. The list must be current at ``at``.

        Raises:
            UnacceptableListError: nobody known vouches for it, or its time is not now.
        """
        issuer = self._signer(trusted, supplied, at)
        if self.this_update > at + CLOCK_SKEW:
            sentence = f"The revocation list is valid only from {day(self.this_update)}."
            raise UnacceptableListError(ListFault.NOT_YET_VALID, sentence)
        if self.next_update is None:
            sentence = "The revocation list does not say when the next one comes (nextUpdate), so it would never end."
            raise UnacceptableListError(ListFault.NO_NEXT_UPDATE, sentence)
        if self.next_update < at:
            sentence = f"The revocation list ended on {day(self.next_update)}: upload the current one."
            raise UnacceptableListError(ListFault.STALE, sentence)
        return issuer

    def _signer(self, trusted: Sequence[Certificate], supplied: Sequence[Certificate], at: datetime) -> Certificate:
        named = [one for one in trusted if one.subject == self.issuer]
        named += [one for one in supplied if one.subject == self.issuer and _is_below(one, trusted, supplied, at)]
        if not named:
            sentence = (
                f"The tenant has no trusted certificate {self.issuer_text}, and no certificate of that name that a "
                "trusted certificate has issued came along with the revocation list."
            )
            raise UnacceptableListError(ListFault.UNKNOWN_ISSUER, sentence)
        algorithm = self.head.signature_hash_algorithm
        if algorithm is None or algorithm.name not in _SAFE_HASHES:
            name = algorithm.name if algorithm is not None else self.head.signature_algorithm_oid.dotted_string
            sentence = f"The revocation list is signed with {name}, which is not accepted: sign it with SHA-256."
            raise UnacceptableListError(ListFault.WEAK_SIGNATURE, sentence)
        signers = [one for one in named if self._is_signed_by(one)]
        if not signers:
            sentence = (
                f"The signature of the revocation list was not made with the key of {self.issuer_text}: "
                "it was changed, or it is of another CA of the same name."
            )
            raise UnacceptableListError(ListFault.BAD_SIGNATURE, sentence)
        for signer in signers:
            if signer.key_usage is None or signer.key_usage.crl_sign:
                return signer
        sentence = f"The key usage of {self.issuer_text} does not allow it to sign revocation lists (cRLSign)."
        raise UnacceptableListError(ListFault.MAY_NOT_SIGN, sentence)

    def _is_signed_by(self, issuer: Certificate) -> bool:
        if issuer.key_weakness is not None or issuer.verification_cost > MAX_VERIFICATION_COST:
            return False
        algorithm = self.head.signature_hash_algorithm
        assert algorithm is not None  # noqa: S101 - checked by the caller
        safe = _SAFE_HASHES[algorithm.name]
        digest = hashlib.new(safe.name, memoryview(self.der)[self.signature.signed]).digest()
        hashed = utils.Prehashed(safe)
        key, parameters = issuer.parsed.public_key(), self.head.signature_algorithm_parameters
        try:
            match key, parameters:
                case rsa.RSAPublicKey(), padding.PKCS1v15() | padding.PSS():
                    key.verify(self.signature.value, digest, parameters, hashed)
                case ec.EllipticCurvePublicKey(), ec.ECDSA():
                    key.verify(self.signature.value, digest, ec.ECDSA(hashed))
                case _:
                    return False
        except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
            return False
        return True

    def check_newer_than(self, known: AuthorityList) -> None:
        """Refuse a list that came before the one that is stored; the same once more is no fault.

        Raises:
            UnacceptableListError: with what shows that it is older.
        """
        if known.number is not None and (self.number is None or self.number < known.number):
            mine = "no number" if self.number is None else f"the number {self.number}"
            sentence = f"The revocation list has {mine}; the one uploaded before has {known.number}."
            raise UnacceptableListError(ListFault.OLDER, sentence)
        has_same_rank = known.number is None or self.number == known.number
        if has_same_rank and self.this_update < known.this_update:
            sentence = (
                f"The revocation list is of {day(self.this_update)}; the one uploaded before is of "
                f"{day(known.this_update)}."
            )
            raise UnacceptableListError(ListFault.OLDER, sentence)


def _is_below(
    certificate: Certificate, trusted: Sequence[Certificate], supplied: Sequence[Certificate], at: datetime
) -> bool:
    """Tell whether an intermediate certificate was issued, directly or over ``supplied`` ones, by a trusted one."""
    reached = [certificate]
    for one in reached:  # grows as issuers are found
        if not (one.is_ca and one.is_valid(at)) or one.key_weakness is not None or one.is_signature_weak:
            continue
        if any(_has_issued(issuer, one) for issuer in trusted):
            return True
        reached += [issuer for issuer in supplied if issuer not in reached and _has_issued(issuer, one)]
    return False


def _has_issued(issuer: Certificate, certificate: Certificate) -> bool:
    return (
        issuer.may_have_issued(certificate)
        and issuer.is_ca
        and issuer.may_sign_certificates
        and issuer.key_weakness is None
        and is_signed_by(certificate, issuer)
    )
