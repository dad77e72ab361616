"""Proof of possession, step by step: take the code, sign it with the key of the CA, show the signature."""

from typing import Final

from starlette.responses import Response

from certinel.domain.possession import MAX_SIGNATURE_CHARACTERS
from certinel.services import possession
from certinel.ui.files import download, file_name
from certinel.ui.forms import Form
from certinel.ui.pages.trusted_certificates import ONE, found, page_of
from certinel.ui.rights import CHANGE_TRUST, SEE_TRUST, Right
from certinel.ui.routing import FaultError, Pages
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

PROOF: Final = f"{ONE}/proof"
CONFIRM: Final = Right(CHANGE_TRUST.roles, in_management=True)


@pages.show(PROOF, SEE_TRUST)
async def show_proof(visit: Visit) -> Response:
    """Show how far the proof is, with the commands of the next step."""
    async with visit.platform.database.reading() as tx:
        trusted = await found(visit, tx)
    code = trusted.verification_code
    code_file = file_name(trusted.label, ".code.txt")
    signed_file = file_name(trusted.label, ".signed.txt")
    return visit.page(
        "trusted_certificates/proof.html",
        title=ENGLISH("proof.title"),
        lead=ENGLISH("proof.lead"),
        trusted=trusted,
        code=code,
        is_usable=code is not None and code.is_usable(visit.now),
        code_file=code_file,
        signed_file=signed_file,
        openssl=f"openssl dgst -sha256 -sign ca.key {code_file} | openssl base64 -A > {signed_file}",
        certinel=f"certinel pki proof {code_file} --key ca.key > {signed_file}",
        is_own=trusted.tenant == visit.session.tenant,
        may_confirm=visit.may(CONFIRM),
        here=lambda part="": page_of(visit, trusted, part),
    )


@pages.show(f"{PROOF}/code", SEE_TRUST)
async def download_code(visit: Visit) -> Response:
    """Hand out the verification code as a file, byte for byte what is to be signed."""
    async with visit.platform.database.reading() as tx:
        trusted = await found(visit, tx)
    if trusted.verification_code is None:
        return visit.go(page_of(visit, trusted, "/proof"))
    return download(trusted.verification_code.text, "text/plain; charset=utf-8", trusted.label, ".code.txt")


@pages.act(f"{PROOF}/code", CHANGE_TRUST)
async def regenerate(visit: Visit, _: Form) -> Response:
    """Make a new code in place of the last one."""
    async with visit.platform.database.transaction() as tx:
        trusted = await found(visit, tx)
        await possession.regenerate_code(
            tx, visit.platform, visit.session.tenant, trusted.fingerprint, visit.session.actor
        )
    return visit.go(page_of(visit, trusted, "/proof"), "proof.said.regenerated")


@pages.act(PROOF, CHANGE_TRUST)
async def prove(visit: Visit, form: Form) -> Response:
    """Take a signature, typed or in a file, as proof."""
    signature = form.text("signature")
    for file in form.files.get("file", ()):
        signature = (await file.read(MAX_SIGNATURE_CHARACTERS + 1)).decode(errors="replace")
    if not signature:
        raise FaultError(ENGLISH("proof.nothing-signed"))
    async with visit.platform.database.transaction() as tx:
        trusted = await found(visit, tx)
        await possession.prove(
            tx, visit.platform, visit.session.tenant, trusted.fingerprint, signature, visit.session.actor
        )
    return visit.go(page_of(visit, trusted), "proof.said.proven", name=trusted.label)


@pages.act(f"{PROOF}/confirm", CONFIRM)
async def confirm(visit: Visit, _: Form) -> Response:
    """Take the operator's word for it, whichever tenant it is."""
    async with visit.platform.database.transaction() as tx:
        trusted = await found(visit, tx)
        await possession.confirm(tx, visit.platform, trusted.tenant, trusted.fingerprint, visit.session.actor)
    return visit.go(page_of(visit, trusted), "proof.said.confirmed", name=trusted.label)


@pages.act(f"{PROOF}/withdraw", CHANGE_TRUST)
async def withdraw(visit: Visit, _: Form) -> Response:
    """Take the proof back."""
    async with visit.platform.database.transaction() as tx:
        trusted = await found(visit, tx)
        await possession.withdraw(tx, visit.platform, trusted.tenant, trusted.fingerprint, visit.session.actor)
    return visit.go(page_of(visit, trusted), "proof.said.withdrawn", name=trusted.label)
