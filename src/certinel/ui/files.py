"""Files that the pages hand out, and certificates in files that people bring."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.responses import Response

from certinel.pki.errors import PkiError, WrongPassphraseError
from certinel.services.key_stores import certificates_in_file
from certinel.services.platform import Platform
from certinel.ui.forms import KEY_MATERIAL
from certinel.ui.texts import ENGLISH

MAX_CERTIFICATES: Final = 100
"""Of one form: more are sent over REST."""
MAX_FILE_NAME_CHARACTERS: Final = 60


def file_name(name: str, ending: str) -> str:
    """Make a file name of any text: letters, digits and dashes only, so that it is one word on every system."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return (re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:MAX_FILE_NAME_CHARACTERS] or "file") + ending


def download(content: str | bytes, media_type: str, name: str, ending: str) -> Response:
    """Answer with a file to be saved."""
    disposition = f'attachment; filename="{quote(file_name(name, ending))}"'
    return Response(content, media_type=media_type, headers={"Content-Disposition": disposition})


@dataclass(slots=True)
class Brought:
    """Certificates that somebody has brought, and what was wrong with what came with them."""

    certificates: list[bytes] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    has_key: bool = False
    """A private key was among it: it was not looked at, and is not kept."""

    async def add(self, platform: Platform, content: bytes, passphrase: str, name: str) -> None:
        """Take the certificates out of ``content``."""
        self.has_key = self.has_key or KEY_MATERIAL.encode() in content
        try:
            found = await certificates_in_file(platform, content, passphrase or None)
        except WrongPassphraseError:
            self.faults.append(ENGLISH("files.passphrase" if passphrase else "files.encrypted", name=name))
        except PkiError as error:
            self.faults.append(ENGLISH("files.unreadable", name=name, reason=str(error)))
        else:
            self.certificates = list(dict.fromkeys([*self.certificates, *found]))


async def brought(platform: Platform, files: Sequence[UploadFile], text: str, passphrase: str = "") -> Brought:
    """Read the certificates of chosen files and of a text field; what cannot be read is said, and kept from nobody."""
    result = Brought()
    for file in files:
        await result.add(platform, await file.read(), passphrase, file.filename or "")
    if text:
        await result.add(platform, text.encode(), passphrase, ENGLISH("files.text"))
    if len(result.certificates) > MAX_CERTIFICATES:
        result.faults.append(ENGLISH("files.too-many", count=MAX_CERTIFICATES))
        del result.certificates[MAX_CERTIFICATES:]
    return result
