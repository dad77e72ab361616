"""``certinel pki chain``: puts certificates in the order in which a device sends them, and checks them."""

from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certinel.api.explanation_answer import ExplanationAnswer
from certinel.cli.explained_cards import drawing_of
from certinel.cli.pki.files import Force, read_chain, refuse_existing, write_public
from certinel.cli.pki.outcome import AsJson
from certinel.cli.terminal import EXIT_FAILURE, EXIT_USAGE, CommandError, console
from certinel.domain.chain_alone import judge_alone
from certinel.domain.explained_chain import explained
from certinel.pki.chain import chain_to_pem, ordered
from certinel.services.clock import SystemClock


def chain(
    files: Annotated[list[Path], typer.Argument(help="Certificates in PEM, in any order and any number of files.")],
    out: Annotated[Path | None, typer.Option(help="Write the chain, device first, here.")] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Put certificates into the order in which a device sends them, draw the chain and check it.

    Without --out nothing is written. Ends with 1 when a device with this chain would be refused.
    """
    found = list({one: None for file in files for one in read_chain(file)})
    chained = ordered(_first(found), found)
    if out is not None:
        refuse_existing(out, force=force)
    presented = [one.public_bytes(Encoding.DER) for one in chained]
    at = SystemClock().now()
    alone = judge_alone(presented, at)
    answer = ExplanationAnswer.of(explained(presented, alone.verdict, alone.trust, at))
    if as_json:
        typer.echo(answer.model_dump_json(exclude_none=True, indent=2))
    else:
        console.print(drawing_of(answer), soft_wrap=False)
        left_out = [one for one in found if one not in chained]
        for one in left_out:
            console.print(f"\nNot part of it: {one.subject.rfc4514_string()}", markup=False)
    if answer.refusal is not None:
        raise typer.Exit(EXIT_FAILURE)
    if out is not None:
        write_public(out, chain_to_pem(chained), force=force)
        if not as_json:
            console.print(f"\n✓ {len(chained)} certificates written: {out}", markup=False)


def _first(certificates: list[x509.Certificate]) -> x509.Certificate:
    """Return the certificate that has issued none of the others."""
    firsts = [
        one for one in certificates if all(one == other or one not in ordered(other, [one]) for other in certificates)
    ]
    if len(firsts) == 1:
        return firsts[0]
    names = ", ".join(one.subject.rfc4514_string() for one in firsts)
    raise CommandError(f"it is not one chain: no other certificate is issued by {names}", EXIT_USAGE)
