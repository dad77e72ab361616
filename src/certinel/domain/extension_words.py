"""What the extensions of a certificate say, in words."""

from collections.abc import Iterator

from cryptography import x509

from certinel.domain.certificate import Certificate
from certinel.domain.certificate_facts import extended_key_usages, key_usages

_MEANINGS = {
    "digitalSignature": "sign in a handshake",
    "keyEncipherment": "encipher keys (RSA)",
    "keyCertSign": "sign certificates",
    "cRLSign": "sign revocation lists",
    "clientAuth": "be a client, as a device is",
    "serverAuth": "be a server",
}


def extension_words(certificate: Certificate) -> Iterator[tuple[str, str]]:
    """Return name and meaning of every extension, in the order of the certificate; critical ones say so."""
    for extension in certificate.parsed.extensions:
        name = extension.oid._name  # noqa: SLF001 - the only name that cryptography has for it
        known = name if name != "Unknown OID" else extension.oid.dotted_string
        yield known + (", critical" if extension.critical else ""), _words(extension.value, certificate)


def _words(value: x509.ExtensionType, certificate: Certificate) -> str:
    match value:
        case x509.BasicConstraints():
            return _constraints(value)
        case x509.KeyUsage():
            return _allowed(key_usages(certificate) or ())
        case x509.ExtendedKeyUsage():
            return _allowed(extended_key_usages(certificate) or ())
        case x509.SubjectKeyIdentifier():
            return value.digest.hex()
        case x509.AuthorityKeyIdentifier():
            return value.key_identifier.hex() if value.key_identifier else "issuer and serial number"
        case x509.SubjectAlternativeName() | x509.IssuerAlternativeName():
            return ", ".join(str(name.value) for name in value)
        case x509.UnrecognizedExtension():
            return value.value.hex()
        case _:
            return repr(value)


def _constraints(value: x509.BasicConstraints) -> str:
    if not value.ca:
        return "CA:FALSE: it cannot sign other certificates"
    if value.path_length is None:
        return "CA:TRUE: it may sign other certificates, chains of any length below it"
    return f"CA:TRUE, pathlen:{value.path_length}: it may sign, with at most {value.path_length} CAs below it"


def _allowed(usages: tuple[str, ...]) -> str:
    return ", ".join(f"{one} ({_MEANINGS[one]})" if one in _MEANINGS else one for one in usages) or "nothing"
