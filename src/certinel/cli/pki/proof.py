"""``certinel pki proof``: signs a verification code, which proves that one holds the key of a CA."""

from pathlib import Path
from typing import Annotated

import typer

from certinel.cli.pki.files import content_of, read_key
from certinel.cli.pki.secrets_given import KEY_VARIABLE, PassphraseFile
from certinel.pki.proof import signature_of


def proof(
    code: Annotated[Path, typer.Argument(help="File with the verification code; - is standard input.")],
    key: Annotated[Path, typer.Option(help="Private key of the uploaded certificate.")] = Path("ca.key"),
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign a verification code, byte for byte as the file has it, and print the signature in base64.

    The same as: openssl dgst -sha256 -sign KEY CODE | openssl base64 -A
    """
    typer.echo(signature_of(content_of(code), read_key(key, passphrase_file, KEY_VARIABLE)))
