"""Certificates as text: every form that clients of the REST contract send (rest.md 1.3)."""

import base64
import binascii

BEGIN = "-----BEGIN CERTIFICATE-----"
END = "-----END CERTIFICATE-----"


class CertificateTextError(ValueError):
    """The text holds no certificate that can be read; the message says what is missing."""


def first_der(text: str) -> bytes:
    """Return the DER of the first certificate in ``text``.

    Taken are armour with any line ends, indented or none at all, text around the armour, and bare base64.
    Whether the DER is a certificate is *not* checked.
    """
    body = text
    if BEGIN in text:
        body, end, _ = text.split(BEGIN, 1)[1].partition(END)
        if not end:
            raise CertificateTextError("Incomplete data")
    return _decoded(body)


def all_der(text: str) -> list[bytes]:
    """Return the DER of every certificate in ``text``, in order; bare base64 counts as one."""
    if BEGIN not in text:
        return [_decoded(text)]
    found = []
    for part in text.split(BEGIN)[1:]:
        body, end, _ = part.partition(END)
        if not end:
            raise CertificateTextError("Incomplete data")
        found.append(_decoded(body))
    return found


def armoured(der: bytes) -> str:
    """Return ``der`` as PEM with lines of 64 characters and a final line end."""
    body = base64.b64encode(der).decode()
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join([BEGIN, *lines, END, ""])


def _decoded(body: str) -> bytes:
    try:
        der = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise CertificateTextError("Incomplete data") from error
    if not der:
        raise CertificateTextError("Incomplete data")
    return der
