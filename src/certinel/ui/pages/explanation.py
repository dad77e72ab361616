"""Why can this chain connect, or not? Asked without connecting; nothing is stored."""

from typing import Final

from starlette.responses import Response

from certinel.domain.admission import Admission
from certinel.domain.errors import Refusal
from certinel.domain.explained_chain import ExplainedChain
from certinel.domain.identifiers import TenantId
from certinel.domain.pem import CertificateTextError, armoured, first_der
from certinel.services import explanation, tenants
from certinel.services.explanation import ChainQuestion
from certinel.services.tenants import TenantNotFoundError
from certinel.ui import chain_drawing
from certinel.ui.files import MAX_CERTIFICATES, brought
from certinel.ui.forms import Form
from certinel.ui.remedies import Remedy, remedies_for
from certinel.ui.rights import SEE_TRUST
from certinel.ui.routing import FaultError, Pages, shown_with
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

EXPLAIN: Final = "/ui/explain"
MAX_CLIENT_ID_CHARACTERS: Final = 1024


@pages.show("/explain", SEE_TRUST)
async def show_explain(visit: Visit) -> Response:
    """Ask for a chain; when one was read, draw it with the verdict on it."""
    chain = await _explained(visit)
    return visit.page(
        "explain.html",
        title=ENGLISH("explain.title"),
        lead=ENGLISH("explain.lead"),
        chain=chain,
        admission=chain.verdict if chain is not None and isinstance(chain.verdict, Admission) else None,
        drawing=chain_drawing.of_explained(chain) if chain is not None else None,
        remedies=_remedies(visit, chain),
        remarks=visit.typed.get("remark", ()),
    )


async def _explained(visit: Visit) -> ExplainedChain | None:
    presented = [_der(pem) for pem in visit.typed.get("pem", ())[:MAX_CERTIFICATES]]
    if not presented:
        return None
    client_id = visit.typed.get("client-id", [""])[-1].strip()
    question = ChainQuestion(
        presented=presented,
        client_id=client_id[:MAX_CLIENT_ID_CHARACTERS] or None,
        tenant=await _named_tenant(visit),
    )
    return explanation.explain(visit.platform, question, visit.session.tenant)


def _der(pem: str) -> bytes:
    try:
        return first_der(pem)
    except CertificateTextError:
        return b""


async def _named_tenant(visit: Visit) -> TenantId | None:
    """Return the tenant that the device would name; people of the management tenant may say any."""
    named = visit.typed.get("tenant", [""])[-1].strip()
    if not named or not visit.session.is_operator:
        return None
    async with visit.platform.database.reading() as tx:
        return (await tenants.get(tx, TenantId(named))).id


def _remedies(visit: Visit, chain: ExplainedChain | None) -> list[Remedy]:
    if chain is None or not isinstance(chain.verdict, Refusal):
        return []
    is_own = chain.trusted is not None and chain.trusted.tenant == visit.session.tenant
    leaf = chain.links[0].certificate if chain.links else None
    device = leaf.common_names[0] if leaf is not None and leaf.common_names else None
    return list(remedies_for(chain.verdict.code, chain.trusted if is_own else None, device))


@pages.act("/explain", SEE_TRUST)
async def explain(visit: Visit, form: Form) -> Response:
    """Read a chain out of files and text, and explain it."""
    found = await brought(
        visit.platform, form.files.get("file", ()), form.whole_text("text"), form.whole_text("passphrase")
    )
    if not found.certificates:
        raise FaultError(" ".join(found.faults) or ENGLISH("files.none"))
    named = form.text("tenant")
    if named and visit.session.is_operator:
        try:
            async with visit.platform.database.reading() as tx:
                await tenants.get(tx, TenantId(named))
        except TenantNotFoundError:
            raise FaultError(ENGLISH("explain.no-tenant", name=named)) from None
    typed = {
        "pem": [armoured(der) for der in found.certificates],
        "client-id": [form.text("client-id")],
        "tenant": [named],
        "remark": [*found.faults, *([ENGLISH("files.key")] if found.has_key else [])],
    }
    return shown_with(EXPLAIN, visit.session, typed)
