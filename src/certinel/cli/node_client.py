"""A running node, asked over REST by somebody at a terminal."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from certinel.cli.terminal import EXIT_USAGE, CommandError

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where a node is, and who asks."""

    url: str
    user: str
    """``TENANT/NAME``, or a name alone where the host tells the tenant."""
    password: str = field(repr=False)
    server_ca: Path | None = None
    """Who has signed the node's certificate; None trusts whom the system trusts."""

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send ``body`` and return what is answered; raises CommandError when that is no answer to the question."""
        return self._call("POST", path, json=body)

    def get(self, path: str, query: Mapping[str, Any]) -> Any:
        """Return what is at ``path``; raises CommandError when there is no answer."""
        return self._call("GET", path, params=query)

    def _call(self, method: str, path: str, **content: Any) -> Any:
        try:
            with httpx.Client(
                base_url=self.url,
                verify=self._trust(),
                auth=httpx.BasicAuth(self.user, self.password),
                timeout=PATIENCE_SECONDS,
            ) as client:
                answer = client.request(method, path, **content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CommandError(f"{self.url}: {str(error) or type(error).__name__}", EXIT_USAGE) from None
        if answer.is_success:
            return _json(answer)
        raise CommandError(f"{self.url} answers {answer.status_code}: {_message(answer)}", EXIT_USAGE)

    def _trust(self) -> ssl.SSLContext | bool:
        if self.server_ca is None:
            return True
        try:
            return ssl.create_default_context(cafile=str(self.server_ca))
        except (OSError, ssl.SSLError) as error:
            raise CommandError(f"{self.server_ca}: {error}", EXIT_USAGE) from None


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise CommandError(f"{answer.url} does not answer in JSON", EXIT_USAGE) from None


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
