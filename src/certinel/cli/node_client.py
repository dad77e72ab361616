"""A running node, asked over REST by somebody at a terminal."""

import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, quote, urlsplit

from certinel.cli.terminal import EXIT_FAILURE, EXIT_USAGE, CommandError

if TYPE_CHECKING:
    import httpx

PATIENCE_SECONDS = 30.0
LONG_PATIENCE_SECONDS = 600.0
"""For what may take a node long, such as a part of a large file."""
PAGE_SIZE = 500
"""Members asked for at once when all of a collection are wanted."""
UNAUTHORIZED = 401


class NodeAnswerError(CommandError):
    """The node has answered that it will not, or cannot."""

    def __init__(self, url: str, status: int, message: str, error: str | None = None) -> None:
        code = f" ({error})" if error else ""
        is_unknown = status == UNAUTHORIZED
        super().__init__(f"{url} answers {status}: {message}{code}", EXIT_USAGE if is_unknown else EXIT_FAILURE)
        self.status = status


def path(*segments: str) -> str:
    """Return the path of these segments, each encoded: names may hold ``/`` and blanks."""
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where a node is, and who asks: with a token, else with a password at every call."""

    url: str
    user: str
    """``TENANT/NAME``, or a name alone where the host tells the tenant."""
    password: str | None = field(default=None, repr=False)
    server_ca: Path | str | None = None
    """Who has signed the node's certificate, a file or PEM; None trusts whom the system trusts."""
    token: str | None = field(default=None, repr=False)

    def post(self, where: str, body: Mapping[str, Any]) -> Any:
        """Send ``body`` and return what is answered; raises CommandError when that is no answer to the question."""
        with NodeClient(self) as client:
            return client.post(where, body)

    def get(self, where: str, query: Mapping[str, Any]) -> Any:
        """Return what is at ``where``; raises CommandError when there is no answer."""
        with NodeClient(self) as client:
            return client.get(where, query)


class NodeClient:
    """One connection to a node, kept for all calls of a command; closed at the end of its ``with`` block.

    Every method raises ``NodeAnswerError`` for an answer that is an error, and ``CommandError`` when there is none.
    """

    def __init__(
        self,
        address: NodeAddress,
        renew: Callable[[], str] | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Ask ``address``; ``renew`` gives another token when the node no longer takes the one there is."""
        self._patience = patience_seconds
        self.url = address.url
        self._address = address
        self._renew = renew
        self._opened: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def get(self, where: str, query: Mapping[str, Any] | None = None) -> Any:
        """Return what is at ``where``; a query value that is None is left out."""
        return _json(self._call("GET", where, params=_given(query or {})))

    def post(self, where: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send ``body`` as JSON and return the answer."""
        return _json(self._call("POST", where, json=body))

    def put(self, where: str, body: Any) -> Any:
        """Replace what is at ``where`` and return the answer."""
        return _json(self._call("PUT", where, json=body))

    def delete(self, where: str) -> None:
        """Remove what is at ``where``."""
        self._call("DELETE", where)

    def form(self, where: str, query: Mapping[str, Any], fields: Mapping[str, str]) -> Any:
        """Send a form and return the answer."""
        return _json(self._call("POST", where, params=_given(query), data=dict(fields)))

    def send(self, method: str, where: str, content: bytes, media_type: str) -> Any:
        """Send a file as it is and return the answer."""
        headers = {"Content-Type": media_type}
        return _json(self._call(method, where, content=content, headers=headers, timeout=LONG_PATIENCE_SECONDS))

    def upload(self, method: str, where: str, name: str, content: bytes, media_type: str) -> Any:
        """Send a file as the part ``file`` of a form and return the answer."""
        files = {"file": (name, content, media_type)}
        return _json(self._call(method, where, files=files, timeout=LONG_PATIENCE_SECONDS))

    def file(self, where: str) -> bytes:
        """Return the bytes at ``where``."""
        content: bytes = self._call("GET", where, timeout=LONG_PATIENCE_SECONDS).content
        return content

    def pages(
        self, where: str, key: str, query: Mapping[str, Any] | None = None, *, limit: int | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield the members of a collection, page by page, to its end or until there were ``limit``."""
        asked: Mapping[str, Any] = {**(query or {}), "pageSize": min(PAGE_SIZE, limit or PAGE_SIZE)}
        left = limit
        while True:
            answer = self.get(where, asked)
            try:
                members: list[dict[str, Any]] = answer[key]
                following = answer.get("next")
            except (KeyError, TypeError, AttributeError):
                raise self.unknown_answer() from None
            yield members[:left]
            left = None if left is None else left - len(members)
            asked = dict(parse_qsl(urlsplit(following or "").query))
            # Where pages are counted, there may be nothing on the next one.
            is_end = not members and "currentPage" in asked
            if not asked or is_end or (left is not None and left <= 0):
                return

    def unknown_answer(self) -> CommandError:
        """Return the error for an answer that this program cannot read."""
        return CommandError(f"{self.url} gives an answer that this version does not know", EXIT_USAGE)

    def _call(self, method: str, where: str, **content: Any) -> "httpx.Response":
        answer = self._answer(method, where, content)
        if answer.status_code == UNAUTHORIZED and self._renew is not None:
            self._client.headers["Authorization"] = f"Bearer {self._renew()}"
            self._renew = None
            answer = self._answer(method, where, content)
        if answer.is_success:
            return answer
        raise NodeAnswerError(self.url, answer.status_code, *_complaint(answer))

    def _answer(self, method: str, where: str, content: Mapping[str, Any]) -> "httpx.Response":
        import httpx

        try:
            return self._client.request(method, where, **content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CommandError(f"{self.url}: {_why(error)}", EXIT_USAGE) from None

    @property
    def _client(self) -> "httpx.Client":
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> "httpx.Client":
        import httpx

        address = self._address
        password = address.password
        auth = httpx.BasicAuth(address.user, password) if address.token is None and password is not None else None
        headers = {"Authorization": f"Bearer {address.token}"} if address.token is not None else {}
        try:
            return httpx.Client(
                base_url=address.url,
                verify=_trust(address.server_ca),
                auth=auth,
                headers={"Accept": "application/json", **headers},
                timeout=self._patience,
            )
        except httpx.InvalidURL as error:
            raise CommandError(f"{address.url}: {error}", EXIT_USAGE) from None


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _trust(server_ca: Path | str | None) -> ssl.SSLContext | bool:
    if server_ca is None:
        return True
    try:
        if isinstance(server_ca, Path):
            return ssl.create_default_context(cafile=str(server_ca))
        return ssl.create_default_context(cadata=server_ca)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise CommandError(
            f"{server_ca if isinstance(server_ca, Path) else 'the saved CA'}: {error}", EXIT_USAGE
        ) from None


def _why(error: Exception) -> str:
    text = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"{text}; give the CA of its certificate with --ca, as server-ca.pem of its data directory"
    return text


def _json(answer: "httpx.Response") -> Any:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        raise CommandError(f"{answer.url} does not answer in JSON", EXIT_USAGE) from None


def _complaint(answer: "httpx.Response") -> tuple[str, str | None]:
    """Return what went wrong in the node's words, and its code."""
    try:
        body = json.loads(answer.content)
        return str(body["message"]), str(body["error"]) if "error" in body else None
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase, None
