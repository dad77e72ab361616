"""HTTP for an ASGI application, over whatever transport a listener has: TLS or plain TCP."""

from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

KEEP_ALIVE_SECONDS = 15
"""How long an idle connection is kept for the next request."""


class HttpServer:
    """Makes one protocol a connection; all of them serve the same application."""

    def __init__(self, app: Any) -> None:
        self._config = Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self._config.load()
        self._state = ServerState()

    def make_protocol(self) -> HttpToolsProtocol:
        """Return the protocol of a new connection."""
        return HttpToolsProtocol(self._config, self._state, {})
