"""One request for a page, by somebody who has signed in: what its handler works with, and how it answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from certinel.services.platform import Platform
from certinel.ui import frame
from certinel.ui.rights import Right
from certinel.ui.session import Session
from certinel.ui.texts import ENGLISH

MESSAGE_COOKIE: Final = "certinel-message"
"""What is said on the next page: the key of a text and its facts."""
MAX_MESSAGE_LENGTH: Final = 3000
MAX_PAGE_DIGITS: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody looks at a page, or has sent a form of it."""

    request: Request
    platform: Platform
    session: Session
    typed: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    """What was typed into a form of this page that is shown again: after an error, or after signing in again."""
    fault: str | None = None
    """Why it is shown again."""

    @property
    def now(self) -> datetime:
        """The moment that the page is for."""
        return self.platform.clock.now()

    def may(self, right: Right) -> bool:
        """Tell whether this visitor has ``right``."""
        return self.session.may(right)

    def query(self, name: str) -> str:
        """Return a value of the address; empty when it is not there."""
        return self.request.query_params.get(name, "").strip()

    @property
    def page_number(self) -> int:
        """Which page of its list the address asks for; whatever it holds, the result is one."""
        text = self.query("page")
        is_number = text.isascii() and text.isdigit() and len(text) <= MAX_PAGE_DIGITS
        return max(int(text), 1) if is_number else 1

    def address_with(self, **changed: object) -> str:
        """Return the address of this page with values of its query replaced; None takes one away."""
        query = {**self.request.query_params, **changed}
        kept = {name: value for name, value in query.items() if value not in {None, ""}}
        return f"{self.request.url.path}?{urlencode(kept)}" if kept else self.request.url.path

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Make a page of a template; the message of the last form is on it."""
        message = _message_of(self.request)
        content = frame.render(self, template, message=message, **values)
        response = HTMLResponse(content, status_code=status)
        if message is not None:
            response.delete_cookie(MESSAGE_COOKIE, path="/ui", secure=True, httponly=True, samesite="strict")
        return response

    def go(self, address: str, message: str | None = None, **facts: str | int) -> Response:
        """Send the browser to ``address``, where the text with the key ``message`` is said."""
        response = RedirectResponse(address, status_code=303)
        if message is not None:
            say(response, message, **facts)
        return response


def say(response: Response, message: str, **facts: str | int) -> None:
    """Let the next page say the text with the key ``message``."""
    value = quote(json.dumps([message, facts]))
    if len(value) > MAX_MESSAGE_LENGTH:
        value = quote(json.dumps([message, {name: str(fact)[:80] for name, fact in facts.items()}]))
    response.set_cookie(MESSAGE_COOKIE, value, max_age=60, path="/ui", secure=True, httponly=True, samesite="strict")


def _message_of(request: Request) -> str | None:
    """Read the message back: only texts of ours can be said, whatever the cookie holds."""
    try:
        key, facts = json.loads(unquote(request.cookies.get(MESSAGE_COOKIE, "")))
        return ENGLISH(key, **facts) if key in ENGLISH or f"{key}.one" in ENGLISH else None
    except (ValueError, TypeError, KeyError, IndexError):
        return None
