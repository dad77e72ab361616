"""REST and the pages as one application: they know nothing of each other, and share a port."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from certinel.api.app import create_app
from certinel.services.platform import Platform
from certinel.ui.app import create_ui

PAGES: Final = "/ui"


class HttpApplication:
    """Hands what lies below ``/ui`` to the pages, ``/`` too, which leads there, and everything else to REST."""

    def __init__(self, platform: Platform) -> None:
        self.api: ASGIApp = create_app(platform)
        self.ui = create_ui(platform)

    def close(self) -> None:
        """Let pages that go on by themselves end, so that a node that stops need not wait for them."""
        self.ui.state.streams.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope.get("path", "")
        is_page = path in {"/", PAGES} or path.startswith(f"{PAGES}/")
        await (self.ui if is_page else self.api)(scope, receive, send)
