"""Signing in and out, and what somebody likes: theme and navigator."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from certinel.domain.identifiers import TenantId
from certinel.services import authentication, signing_in, tenants
from certinel.services.authentication import PasswordCredentials, WrongCredentialsError
from certinel.services.login_attempts import TooManyAttemptsError
from certinel.services.passwords import PasswordsBusyError
from certinel.services.platform import Platform
from certinel.services.signing_in import SignedIn
from certinel.storage.errors import StorageError
from certinel.ui import frame
from certinel.ui.forms import MAX_FORM_BYTES, ROOT, Form, UnreadableFormError, form_of, own_address
from certinel.ui.routing import SIGN_IN, Pages, shown_after_sign_in
from certinel.ui.session import Session, begin, end, session_of
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

KEPT_PREFIX: Final = "kept-"
"""In front of the fields of a form whose session was over."""
A_YEAR: Final = 365 * 24 * 3600


async def show_sign_in(request: Request) -> Response:
    """Ask for name and password; who has signed in goes on."""
    platform: Platform = request.app.state.platform
    following = own_address(request.query_params.get("next", ""))
    if await session_of(platform, request) is not None:
        return RedirectResponse(following, status_code=303)
    host = request.headers.get("host", "")
    async with platform.database.reading() as tx:
        meant = await tenants.meant_by(tx, None, host)
    note = ENGLISH("sign-in.ended") if request.query_params.get("ended") else None
    return _asked(request, following, tenant=meant.id if meant is not None else "", note=note)


async def sign_in(request: Request) -> Response:
    """Check name and password, and go on where somebody came from."""
    try:
        async with form_of(request, MAX_FORM_BYTES) as form:
            return await _signed_in(request, form)
    except UnreadableFormError as error:
        return _asked(request, f"{ROOT}/", fault=ENGLISH("form.unreadable"), status=error.status)


async def _signed_in(request: Request, form: Form) -> Response:
    platform: Platform = request.app.state.platform
    credentials = _credentials(request, form)
    try:
        signed_in = await signing_in.sign_in(platform, credentials, for_cookie=True)
    except WrongCredentialsError:
        return _asked_again(request, form, ENGLISH("sign-in.wrong"), 401)
    except TooManyAttemptsError as error:
        seconds = math.ceil(error.retry_after.total_seconds())
        response = _asked_again(request, form, ENGLISH("sign-in.too-many", count=seconds), 429)
        response.headers["Retry-After"] = str(seconds)
        return response
    except (PasswordsBusyError, StorageError):
        return _asked_again(request, form, ENGLISH("sign-in.busy"), 503)
    response = await _onward(platform, signed_in, form)
    begin(response, signed_in)
    return response


def _credentials(request: Request, form: Form) -> PasswordCredentials:
    """Take ``tenant/user`` in the field of the user, too: so it is written on the console and used in REST."""
    before, slash, after = form.text("user").partition("/")
    tenant, user_name = (before, after) if slash else (form.text("tenant"), before)
    return PasswordCredentials(
        tenant=TenantId(tenant) if tenant else None,
        user_name=user_name,
        password=form.whole_text("password"),
        host=request.headers.get("host", ""),
        address=request.client.host if request.client else "",
    )


async def _onward(platform: Platform, signed_in: SignedIn, form: Form) -> Response:
    """Go to the page that was wanted; with a form that was kept, straight to it."""
    following, typed = own_address(form.text("next")), _kept(form)
    if not typed:
        return RedirectResponse(following, status_code=303)
    bearer = await authentication.bearer_of(platform, signed_in.token)
    return shown_after_sign_in(following, Session(bearer.principal, signed_in.claims), typed)


def _kept(form: Form) -> Mapping[str, Sequence[str]]:
    return {
        name.removeprefix(KEPT_PREFIX): values for name, values in form.lists.items() if name.startswith(KEPT_PREFIX)
    }


def _asked_again(request: Request, form: Form, fault: str, status: int) -> Response:
    return _asked(
        request,
        own_address(form.text("next")),
        tenant=form.text("tenant"),
        user_name=form.text("user"),
        kept=_kept(form),
        fault=fault,
        status=status,
    )


def _asked(request: Request, following: str, *, status: int = 200, **values: object) -> Response:
    known: dict[str, object] = {"tenant": "", "user_name": "", "fault": None, "note": None, "kept": {}}
    content = frame.render_alone(request, "sign_in.html", next=following, **{**known, **values})
    return HTMLResponse(content, status_code=status)


@pages.act("/sign-out")
async def sign_out(visit: Visit, _: Form) -> Response:
    """End the session for good, on every node."""
    async with visit.platform.database.transaction() as tx:
        await signing_in.sign_out(tx, visit.platform, visit.session.claims)
    response = RedirectResponse(SIGN_IN, status_code=303)
    end(response)
    return response


async def prefer(request: Request) -> Response:
    """Keep what somebody likes to look at, in a cookie; needs no session, since nobody is harmed by a theme."""
    try:
        async with form_of(request, MAX_FORM_BYTES) as form:
            response = RedirectResponse(own_address(form.text("back")), status_code=303)
            theme, navigator = form.text("theme"), form.text("navigator")
    except UnreadableFormError as error:
        return Response(status_code=error.status)
    if theme in frame.THEMES:
        _keep(response, frame.THEME_COOKIE, theme)
    if navigator in {"collapsed", "open"}:
        _keep(response, frame.NAVIGATOR_COOKIE, navigator)
    return response


def _keep(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=A_YEAR, path="/ui", secure=True, httponly=True, samesite="strict")


routes: Final = (
    Route(SIGN_IN, show_sign_in, methods=["GET"]),
    Route(SIGN_IN, sign_in, methods=["POST"]),
    Route(f"{ROOT}/preferences", prefer, methods=["POST"]),
    *pages.routes,
)
