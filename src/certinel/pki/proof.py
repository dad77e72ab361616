"""Proof of possession: what ``openssl dgst -sha256 -sign`` writes, in base64."""

import base64

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

from certinel.pki.errors import NotAKeyError
from certinel.pki.keys import PrivateKey


def signature_of(code: bytes, key: PrivateKey) -> str:
    """Sign the bytes of a verification code as they are, a line end included."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raise NotAKeyError("a code is signed with SHA-256, which Ed25519 keys do not do")
    if isinstance(key, ec.EllipticCurvePrivateKey):
        signature = key.sign(code, ec.ECDSA(hashes.SHA256()))
    else:
        signature = key.sign(code, padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()
