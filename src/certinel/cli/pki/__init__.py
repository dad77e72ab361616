"""``certinel pki …``: keys, CAs, device certificates, stores and lists, in files."""

from typing import Any

import typer
from typer.core import TyperGroup
from typing_extensions import override

from certinel.cli.pki.authorities import ca, intermediate
from certinel.cli.pki.chain import chain
from certinel.cli.pki.devices import device
from certinel.cli.pki.proof import proof
from certinel.cli.pki.requests import csr, sign
from certinel.cli.pki.revocation import crl, revoke
from certinel.cli.pki.serve_config import serve_config
from certinel.cli.pki.show import show
from certinel.cli.pki.stores import keystore, truststore
from certinel.cli.terminal import CommandError
from certinel.pki.errors import PkiError


class _PkiGroup(TyperGroup):
    """Its commands may fail for what is wrong with what they are given."""

    @override
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except PkiError as error:
            raise CommandError(str(error)) from None


app = typer.Typer(
    help="Make and read keys, CAs, device certificates, stores and revocation lists. Nothing leaves this computer.",
    no_args_is_help=True,
    cls=_PkiGroup,
)
for command in (
    ca,
    intermediate,
    device,
    csr,
    sign,
    chain,
    keystore,
    truststore,
    revoke,
    crl,
    proof,
    show,
    serve_config,
):
    app.command()(command)
