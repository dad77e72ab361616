"""The two unique identifiers of a certificate (RFC 5280, 4.1.2.8), which hardly any has."""

from certinel.domain.certificate import Certificate
from certinel.domain.der import SEQUENCE, MalformedDerError, content_of

_VERSION = 0xA0
_ISSUER = 0x81
_SUBJECT = 0x82
_FIELDS = range(0x100)


def unique_identifiers(certificate: Certificate) -> tuple[bytes | None, bytes | None]:
    """Return the issuer's and the subject's unique identifier, each without its count of unused bits."""
    tbs = certificate.parsed.tbs_certificate_bytes
    found: dict[int, bytes] = {}
    try:
        position, end = content_of(tbs, 0, len(tbs), SEQUENCE)
        while position < end:
            tag = tbs[position]
            start, position = content_of(tbs, position, end, *_FIELDS)
            if tag in {_ISSUER, _SUBJECT}:
                found[tag] = tbs[start + 1 : position]
    except MalformedDerError:
        return None, None
    return found.get(_ISSUER), found.get(_SUBJECT)
