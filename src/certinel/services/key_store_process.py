"""The process in which one key store is read: a question on standard input, an answer on standard output, both JSON.

Started by `key_stores` and by nobody else.
"""

import base64
import json
import sys

from certinel.pki.certificates_in import certificates_in
from certinel.pki.errors import PkiError, WrongPassphraseError


def answer(question: bytes) -> bytes:
    """Read the store in ``question`` and say what is in it, or why that cannot be known."""
    asked = json.loads(question)
    try:
        found = certificates_in(base64.b64decode(asked["content"]), asked["passphrase"])
    except WrongPassphraseError:
        return json.dumps({"is_passphrase_wrong": True}).encode()
    except PkiError as error:
        return json.dumps({"fault": str(error)}).encode()
    return json.dumps({"found": [base64.b64encode(der).decode() for der in found]}).encode()


if __name__ == "__main__":
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))
