"""The pages as one ASGI application, below ``/ui/``."""

from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from certinel.services.platform import Platform
from certinel.ui import frame
from certinel.ui.forms import ROOT
from certinel.ui.live import LiveStreams
from certinel.ui.pages import (
    connection_attempts,
    device,
    devices,
    explanation,
    groups,
    new_trusted_certificates,
    overview,
    possession,
    registration,
    revocation,
    search,
    settings,
    signing_in,
    tenants,
    trusted_certificates,
    users,
)
from certinel.ui.routing import sign_in_first
from certinel.ui.security import PageHeaders
from certinel.ui.session import session_of
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

ROUTES: Final = (
    *signing_in.routes,
    *overview.pages.routes,
    *search.pages.routes,
    *devices.pages.routes,
    *device.pages.routes,
    *registration.pages.routes,
    *groups.pages.routes,
    *new_trusted_certificates.pages.routes,
    *trusted_certificates.pages.routes,
    *possession.pages.routes,
    *connection_attempts.pages.routes,
    *explanation.pages.routes,
    *settings.pages.routes,
    *revocation.pages.routes,
    *users.pages.routes,
    *tenants.pages.routes,
)


def create_ui(platform: Platform) -> Starlette:
    """Return the application that shows ``platform``; it opens and closes nothing of its own."""
    app = Starlette(
        routes=[
            Route(f"{ROOT}/static/{{version}}/{{name}}", frame.assets.answer, methods=["GET"]),
            *ROUTES,
            Route("/{path:path}", _nothing_here, methods=["GET", "POST"]),
        ],
        middleware=[Middleware(PageHeaders)],
    )
    app.router.redirect_slashes = False
    app.state.platform = platform
    app.state.streams = LiveStreams()
    return app


async def _nothing_here(request: Request) -> Response:
    if request.url.path in {"/", ROOT}:
        return RedirectResponse(f"{ROOT}/", status_code=303)
    platform: Platform = request.app.state.platform
    session = await session_of(platform, request)
    if session is None:
        return sign_in_first(request)
    visit = Visit(request=request, platform=platform, session=session)
    return visit.page("problem.html", status=404, title=ENGLISH("problem.404.title"), kind="404")
