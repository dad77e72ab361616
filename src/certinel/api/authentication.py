"""Who is calling, and whether they may: Basic, Bearer, cookies, roles, tenants.

Whether a password is right or a device is still admitted is decided in the services; here it becomes 401 or 403.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Self

from fastapi import Depends, Request, Security
from fastapi.openapi.models import APIKey
from fastapi.openapi.models import HTTPBase as HTTPBaseModel
from fastapi.security.base import SecurityBase

from certinel.api.platform_of import platform_of
from certinel.api.problems import ForbiddenError, UnauthorizedError
from certinel.domain.audit import Actor
from certinel.domain.device_token import DeviceTokenClaims
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.domain.role import Principal, Role, UserKind
from certinel.domain.user_token import UserTokenClaims
from certinel.services import authentication

AUTHORIZATION_COOKIE: Final = "authorization"
XSRF_COOKIE: Final = "XSRF-TOKEN"
XSRF_HEADER: Final = "X-XSRF-TOKEN"

MAX_AUTHORIZATION_LENGTH: Final = 8192
"""Longer headers are refused unread; the servers in front have limits of this size too."""


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """A name, a password, and perhaps a tenant."""

    tenant: TenantId | None
    user_name: str
    password: str = field(repr=False)

    @classmethod
    def parse(cls, encoded: str) -> Self:
        """Read the part after ``Basic``: the password starts after the first ``:``, the user after the first ``/``."""
        try:
            text = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            raise UnauthorizedError from None
        name, colon, password = text.partition(":")
        tenant, slash, user_name = name.partition("/")
        if not colon or "\0" in text:
            raise UnauthorizedError
        if not slash:
            return cls(None, name, password)
        return cls(TenantId(tenant), user_name, password)


class _Scheme(SecurityBase):
    """Puts a security scheme into the document; checks nothing."""

    def __init__(self, scheme: str, description: str) -> None:
        self.model = HTTPBaseModel(scheme=scheme, description=description)
        self.scheme_name = scheme

    async def __call__(self) -> None:
        """Leave the work to `caller`."""


_basic = _Scheme("basic", "`TENANT/USER` and password; without a tenant, the host name or the only tenant decides.")
_bearer = _Scheme("bearer", "The token that a device got over MQTT (`s/dat`), or one of `/tenant/oauth/token`.")


class _CookieScheme(SecurityBase):
    """Puts the cookie into the document; checks nothing."""

    scheme_name = "cookie"
    model = APIKey.model_validate(
        {
            "in": "cookie",
            "name": AUTHORIZATION_COOKIE,
            "description": f"The cookie of `/tenant/oauth`; every call needs the header `{XSRF_HEADER}` besides.",
        }
    )

    async def __call__(self) -> None:
        """Leave the work to `caller`."""


_cookie = _CookieScheme()


async def caller(
    request: Request,
    _basic: Annotated[None, Security(_basic)],
    _bearer: Annotated[None, Security(_bearer)],
    _cookie: Annotated[None, Security(_cookie)],
) -> Principal:
    """Authenticate the request; everything that is not a valid credential is the same 401."""
    header = request.headers.get("authorization", "")
    if not header and AUTHORIZATION_COOKIE in request.cookies:
        return await _by_cookie(request, request.cookies[AUTHORIZATION_COOKIE])
    if len(header) > MAX_AUTHORIZATION_LENGTH:
        raise UnauthorizedError
    scheme, _, credentials = header.strip().partition(" ")
    match scheme.lower():
        case "basic":
            return await _by_password(request, BasicCredentials.parse(credentials))
        case "bearer":
            return (await _bearer_of(request, credentials.strip())).principal
        case _:
            raise UnauthorizedError


Caller = Annotated[Principal, Depends(caller)]


async def _actor(principal: Caller) -> Actor:
    return Actor.of(principal)


ActingCaller = Annotated[Actor, Depends(_actor)]
"""The caller as the one who does something, for the audit log."""


def token_of(request: Request) -> UserTokenClaims | DeviceTokenClaims | None:
    """Return the token with which this request was authenticated; None for a password."""
    claims: UserTokenClaims | DeviceTokenClaims | None = getattr(request.state, "token", None)
    return claims


async def _bearer_of(request: Request, token: str) -> authentication.Bearer:
    bearer = await authentication.bearer_of(platform_of(request), token)
    request.state.token = bearer.token
    return bearer


async def _by_cookie(request: Request, token: str) -> Principal:
    """Browsers add cookies by themselves; only a page of ours can read the letters and send them as a header."""
    if len(token) > MAX_AUTHORIZATION_LENGTH:
        raise UnauthorizedError
    bearer = await _bearer_of(request, token)
    sent = request.headers.get(XSRF_HEADER, "").encode()
    if bearer.user_token is None or not hmac.compare_digest(sent, bearer.user_token.xsrf_token.encode()):
        raise UnauthorizedError
    return bearer.principal


async def _by_password(request: Request, credentials: BasicCredentials) -> Principal:
    return await authentication.by_password(
        platform_of(request),
        authentication.PasswordCredentials(
            tenant=credentials.tenant,
            user_name=credentials.user_name,
            password=credentials.password,
            host=request.headers.get("host", ""),
            address=request.client.host if request.client else "",
        ),
    )


class Requires:
    """Dependency of a route: the caller holds one of ``roles``, or is a device where devices may call for their own."""

    def __init__(self, *roles: Role, or_device: bool = False, in_management: bool = False) -> None:
        self.roles = roles
        self.or_device = or_device
        self.in_management = in_management

    async def __call__(self, principal: Caller) -> None:
        if self.or_device and principal.kind is UserKind.DEVICE:
            return
        is_elsewhere = self.in_management and principal.tenant != MANAGEMENT_TENANT
        if is_elsewhere or not principal.has_any(*self.roles):
            raise ForbiddenError

    @property
    def sentence(self) -> str:
        """What the document says about it."""
        roles = " or ".join(f"`{role}`" for role in self.roles)
        place = " in the tenant `management`" if self.in_management else ""
        return f"Required role: {roles}{place}." + (
            " A device sees what it owns without a role." if self.or_device else ""
        )


def requires(*roles: Role, or_device: bool = False, in_management: bool = False) -> Any:
    """Return the route dependency that lets only callers with one of ``roles`` through."""
    return Depends(Requires(*roles, or_device=or_device, in_management=in_management))
