"""The CAs that a tenant vouches for."""

from typing import Final

from starlette.responses import Response

from certinel.services import trusted_certificates
from certinel.storage.page import PageRequest
from certinel.ui.rights import SEE_TRUST
from certinel.ui.routing import Pages
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

PAGE_SIZE: Final = 50


@pages.show("/trusted-certificates", SEE_TRUST)
async def show_list(visit: Visit) -> Response:
    """List what the tenant trusts."""
    wanted = PageRequest(visit.page_number, PAGE_SIZE, with_total_elements=True)
    async with visit.platform.database.reading() as tx:
        page = await trusted_certificates.list_of(tx, visit.session.tenant, wanted)
    return visit.page(
        "trusted_certificates/list.html",
        title=ENGLISH("trusted.title"),
        lead=ENGLISH("trusted.lead"),
        page=page,
    )
