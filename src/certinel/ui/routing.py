"""Routes of pages: only for those who have signed in and may, with forms that come back as they were typed.

A form names the page that it is on. After an error, or when its session is over, that page is made again with what was
typed: by the same handler that makes it for a GET.
"""

import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from certinel.domain.errors import DeviceIdentityError
from certinel.services.platform import Platform
from certinel.storage.errors import StorageError
from certinel.ui import frame
from certinel.ui.forms import MAX_FORM_BYTES, ROOT, SHOWN_AT, XSRF, Form, UnreadableFormError, form_of, own_address
from certinel.ui.rights import Right
from certinel.ui.session import AUTHORIZATION_COOKIE, Session, session_of
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

SIGN_IN: Final = "/ui/sign-in"

Show = Callable[[Visit], Awaitable[Response]]
Act = Callable[[Visit, Form], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class FaultError(Exception):
    """A form cannot be carried out; the sentence is for the one who sent it."""


class Pages:
    """The pages of one noun."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def show(self, path: str, right: Right | None = None) -> Callable[[Show], Show]:
        """Let GET of ``path`` be answered by the decorated function, for those who have ``right``."""

        def register(handler: Show) -> Show:
            self.routes.append(Route(ROOT + path, _shown_by(handler, right), methods=["GET"]))
            return handler

        return register

    def act(self, path: str, right: Right | None = None, *, max_bytes: int = MAX_FORM_BYTES) -> Callable[[Act], Act]:
        """Let forms sent to ``path`` be carried out by the decorated function, for those who have ``right``.

        It gets only forms of a page of the same session. What it raises as FaultError or DeviceIdentityError is said on
        that page, with the form as it was typed.
        """

        def register(handler: Act) -> Act:
            self.routes.append(Route(ROOT + path, _done_by(handler, right, max_bytes), methods=["POST"]))
            return handler

        return register


def _shown_by(handler: Show, right: Right | None) -> Endpoint:
    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        platform: Platform = request.app.state.platform
        again: _Again | None = request.scope.get("certinel.again")
        session = again.session if again is not None else await session_of(platform, request)
        if session is None:
            return sign_in_first(request)
        visit = Visit(
            request=request,
            platform=platform,
            session=session,
            typed=again.typed if again is not None else {},
            fault=again.fault if again is not None else None,
        )
        if right is not None and not visit.may(right):
            return problem(visit, 403)
        try:
            return await handler(visit)
        except (DeviceIdentityError, StorageError) as error:
            return _problem_of(visit, error)

    return answer


def _done_by(handler: Act, right: Right | None, max_bytes: int) -> Endpoint:
    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        platform: Platform = request.app.state.platform
        session = await session_of(platform, request)
        try:
            async with form_of(request, max_bytes) as form:
                if session is None:
                    return signed_out_meanwhile(request, form)
                if not session.has_sent(form.text(XSRF)):
                    return shown_again(form, session, ENGLISH("form.of-another-session"), status=403)
                return await _carried_out(
                    handler, Visit(request=request, platform=platform, session=session), form, right
                )
        except UnreadableFormError as error:
            if session is None:
                return sign_in_first(request)
            return problem(Visit(request=request, platform=platform, session=session), error.status)

    return answer


async def _carried_out(handler: Act, visit: Visit, form: Form, right: Right | None) -> Response:
    if right is not None and not visit.may(right):
        return problem(visit, 403)
    try:
        return await handler(visit, form)
    except FaultError as fault:
        return shown_again(form, visit.session, str(fault))
    except StorageError:
        return shown_again(form, visit.session, ENGLISH("problem.503.sentence"), status=503)
    except DeviceIdentityError as error:
        if error.code.endswith("not-found"):
            return _problem_of(visit, error)
        return shown_again(form, visit.session, sentence_of(error))


def sentence_of(error: DeviceIdentityError) -> str:
    """Say an error in words of the pages where there are some, else in its own."""
    if f"error.{error.code}" in ENGLISH:
        return ENGLISH(f"error.{error.code}")
    sentence = str(error).rpartition(" : ")[2]
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."


def problem(visit: Visit, status: int) -> Response:
    """Make the page that says why there is no page."""
    return visit.page("problem.html", status=status, title=ENGLISH(f"problem.{status}.title"), kind=str(status))


def _problem_of(visit: Visit, error: DeviceIdentityError | StorageError) -> Response:
    if isinstance(error, StorageError):
        return problem(visit, 503)
    if error.code.endswith("not-found"):
        return problem(visit, 404)
    raise error


# ---- signing in, and back to where one was


def sign_in_first(request: Request) -> Response:
    """Ask who it is, and come back."""
    if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
        # a link from elsewhere: browsers send our cookies (SameSite=Strict) only when a page of ours asks again
        return HTMLResponse(frame.render_alone(request, "arrival.html"))
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    query = {"next": here} if request.method == "GET" and here != f"{ROOT}/" else {}
    if AUTHORIZATION_COOKIE in request.cookies:
        query["ended"] = "1"
    return RedirectResponse(f"{SIGN_IN}?{urlencode(query)}" if query else SIGN_IN, status_code=303)


def signed_out_meanwhile(request: Request, form: Form) -> Response:
    """Ask who it is, and keep what was typed: the page itself holds it until then."""
    content = frame.render_alone(
        request,
        "sign_in.html",
        asks_tenant=True,
        tenant="",
        user_name="",
        fault=None,
        note=ENGLISH("sign-in.ended-in-form"),
        next=own_address(form.text(SHOWN_AT)),
        kept=form.typed,
    )
    return HTMLResponse(content, status_code=401)


class _Again:
    """What a page is told that shows a form again."""

    def __init__(self, session: Session, typed: Mapping[str, Sequence[str]], fault: str | None) -> None:
        self.session = session
        self.typed = typed
        self.fault = fault


def shown_again(form: Form, session: Session, fault: str, *, status: int = 422) -> Response:
    """Answer with the page that ``form`` is on, its fields as they were typed, and the fault."""
    return PageAgain(form.text(SHOWN_AT), _Again(session, form.typed, fault), status)


def shown_after_sign_in(address: str, session: Session, typed: Mapping[str, Sequence[str]]) -> Response:
    """Answer with the page at ``address``, with what was typed before the session was over."""
    return PageAgain(address, _Again(session, typed, ENGLISH("form.kept")), 200)


def shown_with(address: str, session: Session, typed: Mapping[str, Sequence[str]]) -> Response:
    """Answer with the page at ``address``, with what was read of a form as if it had been typed there."""
    return PageAgain(address, _Again(session, typed, None), 200)


class PageAgain(Response):
    """Another page of ours, made as for a GET, in place of an answer of one's own."""

    def __init__(self, address: str, again: _Again, status: int) -> None:
        super().__init__(status_code=status)
        self._address = own_address(address)
        self._again = again

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts = urlsplit(self._address)
        left_out = {b"content-length", b"content-type"}
        page = {
            **scope,
            "method": "GET",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(name, value) for name, value in scope["headers"] if name not in left_out],
            "certinel.again": self._again,
        }

        async def send_with_status(message: Any) -> None:
            if message["type"] == "http.response.start":
                cookies = [(name, value) for name, value in self.raw_headers if name == b"set-cookie"]
                status = self.status_code if message["status"] == 200 else message["status"]  # noqa: PLR2004
                message = {**message, "status": status, "headers": [*message["headers"], *cookies]}
            await send(message)

        await scope["app"].router(page, receive, send_with_status)
