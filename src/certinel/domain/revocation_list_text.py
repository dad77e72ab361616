"""A revocation list as it is sent: DER, or PEM, perhaps with the certificates of the CAs above its issuer."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final, Self

from certinel.domain.authority_list import MAX_SUPPLIED_CERTIFICATES
from certinel.domain.certificate import Certificate, MalformedCertificateError
from certinel.domain.revocation_list_form import ListFault, UnacceptableListError

_LIST_LABELS: Final = (b"X509 CRL", b"CRL")
_CERTIFICATE_LABELS: Final = (b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE")
_BEGIN: Final = b"-----BEGIN "
_DASHES: Final = b"-----"
_BLANKS: Final = b" \t\r\n\v\f"
MAX_SECTIONS: Final = MAX_SUPPLIED_CERTIFICATES + 2


@dataclass(frozen=True, slots=True)
class SentList:
    """What was sent."""

    der: bytes = field(repr=False)
    """Of the list; whether it is one is *not* checked."""
    certificates: tuple[Certificate, ...] = ()

    @classmethod
    def read(cls, sent: bytes) -> Self:
        """Take apart what was sent; what has no armour counts as DER.

        Raises:
            UnacceptableListError: not exactly one list, too many certificates, or something is not PEM.
        """
        if _BEGIN not in sent:
            return cls(sent)
        sections = _sections(sent)
        lists = [der for label, der in sections if label in _LIST_LABELS]
        if len(lists) != 1:
            count = "no revocation list" if not lists else "more than one revocation list"
            raise UnacceptableListError(ListFault.MALFORMED, f"The file holds {count} (BEGIN X509 CRL).")
        found = [der for label, der in sections if label in _CERTIFICATE_LABELS]
        if len(found) > MAX_SUPPLIED_CERTIFICATES:
            sentence = f"More than {MAX_SUPPLIED_CERTIFICATES} certificates came along with the revocation list."
            raise UnacceptableListError(ListFault.TOO_LARGE, sentence)
        try:
            return cls(lists[0], tuple(Certificate.parse(der) for der in found))
        except MalformedCertificateError as error:
            sentence = f"A certificate that came along with the revocation list cannot be read: {error}."
            raise UnacceptableListError(ListFault.MALFORMED, sentence) from None


def _sections(sent: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    for part in sent.split(_BEGIN, MAX_SECTIONS + 1)[1:]:
        label, dashes, rest = part.partition(_DASHES)
        body, end, _ = rest.partition(b"-----END " + label + _DASHES)
        if not dashes or not end:
            raise UnacceptableListError(ListFault.MALFORMED, "The file is cut off: a line of PEM armour is missing.")
        try:
            found.append((label, base64.b64decode(body.translate(None, _BLANKS), validate=True)))
        except (binascii.Error, ValueError):
            raise UnacceptableListError(ListFault.MALFORMED, "The file is not valid PEM (base64).") from None
    return found
