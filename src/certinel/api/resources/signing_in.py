"""Signing in and out: a cookie for browsers, a token for programs."""

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response
from pydantic import Field

from certinel.api.authentication import AUTHORIZATION_COOKIE, XSRF_COOKIE, Caller, token_of
from certinel.api.form_body import FormBody
from certinel.api.negotiation import represented_as
from certinel.api.pagination import base_url, link
from certinel.api.platform_of import Served
from certinel.api.representation import Answer
from certinel.api.routing import router as router_for
from certinel.domain.identifiers import TenantId
from certinel.services import signing_in, tenants
from certinel.services.authentication import PasswordCredentials, WrongCredentialsError
from certinel.services.platform import Platform
from certinel.services.signing_in import SignedIn

router = router_for("signing in")

PASSWORD_GRANT: Final = "PASSWORD"  # noqa: S105 - the name of a way to sign in

Form = Annotated[Mapping[str, str], Depends(FormBody("grant_type", "username", "password", "tfa_code"))]
TenantMeant = Annotated[
    str | None, Query(alias="tenant_id", description="The tenant; without it, the host name or the only one decides.")
]


class AccessToken(Answer):
    """A token for the header `Authorization: Bearer`."""

    access_token: str = Field(alias="access_token")


class LoginOption(Answer):
    """A way to sign in."""

    id: str
    type: str
    grant_type: str | None = None
    user_management_source: str = "INTERNAL"
    visible_on_login_page: bool
    init_request: str | None = Field(default=None, description="Where a sign-in page sends name and password.")
    login_redirect_domain: str | None = None
    session_configuration: dict[str, str] | None = None
    self: str


class LoginOptions(Answer):
    """All ways to sign in."""

    login_options: list[LoginOption]
    self: str


@router.post("/tenant/oauth", response_class=Response)
async def sign_in(request: Request, platform: Served, form: Form, tenant_id: TenantMeant = None) -> Response:
    """Sign in with a browser: the answer sets the cookies `authorization` and `XSRF-TOKEN` and has no body."""
    signed_in = await _signed_in(request, platform, form, tenant_id, for_cookie=True)
    response = Response()
    claims = signed_in.claims
    max_age = int((claims.expires_at - claims.issued_at).total_seconds())
    response.set_cookie(
        AUTHORIZATION_COOKIE, signed_in.token, max_age=max_age, secure=True, httponly=True, samesite="strict"
    )
    response.set_cookie(XSRF_COOKIE, claims.xsrf_token, max_age=max_age, secure=True, samesite="strict")
    return response


@router.post("/tenant/oauth/token")
async def get_access_token(
    request: Request, platform: Served, form: Form, tenant_id: TenantMeant = None
) -> AccessToken:
    """Sign in with a program: the answer holds the token."""
    signed_in = await _signed_in(request, platform, form, tenant_id, for_cookie=False)
    return AccessToken.model_validate({"access_token": signed_in.token})


@router.get("/tenant/loginOptions", responses=represented_as("loginoptioncollection"))
async def list_login_options(
    request: Request,
    platform: Served,
    tenant_id: Annotated[str | None, Query(alias="tenantId", description="The tenant to sign in to.")] = None,
) -> LoginOptions:
    """List the ways to sign in; whether a tenant that is named exists is not told."""
    if tenant_id is None:
        async with platform.database.reading() as tx:
            found = await tenants.meant_by(tx, None, request.headers.get("host", ""))
        tenant_id = found.id if found is not None else None
    address = link(request, "tenant", "loginOptions")
    query = "?" + urlencode({"tenant_id": tenant_id}) if tenant_id is not None else ""
    cookie = LoginOption(
        id="oauth-internal",
        type="OAUTH2_INTERNAL",
        grant_type=PASSWORD_GRANT,
        visible_on_login_page=True,
        init_request=link(request, "tenant", "oauth") + query,
        login_redirect_domain=base_url(request).partition("://")[2],
        session_configuration={},
        self=f"{address}/OAUTH2_INTERNAL",
    )
    basic = LoginOption(id="basic", type="BASIC", visible_on_login_page=False, self=f"{address}/BASIC")
    return LoginOptions(login_options=[cookie, basic], self=f"{address}/")


@router.post("/user/logout", response_class=Response)
async def sign_out(request: Request, platform: Served, _: Caller) -> Response:
    """End the token that this call is made with, for good, and clear the cookies."""
    claims = token_of(request)
    if claims is not None:
        async with platform.database.transaction() as tx:
            await signing_in.sign_out(tx, platform, claims)
    response = Response()
    response.delete_cookie(AUTHORIZATION_COOKIE, secure=True, httponly=True, samesite="strict")
    response.delete_cookie(XSRF_COOKIE, secure=True, samesite="strict")
    return response


async def _signed_in(
    request: Request, platform: Platform, form: Mapping[str, str], tenant_id: str | None, *, for_cookie: bool
) -> SignedIn:
    """Decide by the form alone: clients send a Basic header besides, which says nothing here."""
    if form.get("grant_type", PASSWORD_GRANT).upper() != PASSWORD_GRANT:
        raise WrongCredentialsError
    credentials = PasswordCredentials(
        tenant=TenantId(tenant_id) if tenant_id else None,
        user_name=form.get("username", ""),
        password=form.get("password", ""),
        host=request.headers.get("host", ""),
        address=request.client.host if request.client else "",
    )
    return await signing_in.sign_in(platform, credentials, for_cookie=for_cookie)
