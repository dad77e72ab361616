"""What the commands say when they have made something."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rich.table import Table
from rich.text import Text

from certinel.cli.terminal import complain, console
from certinel.domain.certificate import Certificate
from certinel.domain.certificate_facts import key_text
from certinel.domain.errors import shown

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def facts_of(certificate: x509.Certificate) -> Certificate:
    """Return the facts of a certificate that was read already."""
    return Certificate.parse(certificate.public_bytes(Encoding.DER))


def report(what: str, chain: Sequence[x509.Certificate], file: Path, key: Path | None, *, as_json: bool) -> None:
    """Say what was made and where it is; and, on standard error, that certinel would not take it as a CA."""
    facts = facts_of(chain[0])
    if facts.is_ca and facts.is_ed25519:
        complain(
            "a CA with an Ed25519 key cannot be a trusted certificate: platforms take Ed25519 of devices only. "
            "For devices that are to connect to them choose EC or RSA."
        )
    rows = {
        "subject": facts.subject_text,
        "issuer": facts.issuer_text,
        "key": key_text(facts),
        "valid to": f"{facts.not_after:%-d %b %Y, %H:%M} UTC",
        "serial": f"{facts.serial_number:x}",
        "fingerprint": facts.fingerprint,
        "certificate": str(file) + (f"  ({len(chain)} in the file)" if len(chain) > 1 else ""),
    }
    if as_json:
        answer = {
            "subject": facts.subject_text,
            "issuer": facts.issuer_text,
            "key": key_text(facts),
            "notBefore": facts.not_before.isoformat(),
            "notAfter": facts.not_after.isoformat(),
            "serialNumber": f"{facts.serial_number:x}",
            "fingerprint": facts.fingerprint,
            "certificateFile": str(file),
            "keyFile": str(key) if key else None,
        }
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    if key is not None:
        rows["private key"] = f"{key}  (only you can read it)"
    console.print(Text.assemble(("✓ ", "bold green"), (f"{what} made", "bold")))
    print_rows(rows)


def print_rows(rows: dict[str, str]) -> None:
    """Print names and values beside each other."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(Text(f"  {name}", "dim"), Text(shown(value)))
    console.print(table, soft_wrap=False)
