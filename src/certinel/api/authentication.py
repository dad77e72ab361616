"""Who is calling, and whether they may: Basic, Bearer, roles, tenants.

Whether a password is right or a device is still admitted is decided in the services; here it becomes 401 or 403.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Self

from fastapi import Depends, Request, Security
from fastapi.openapi.models import HTTPBase as HTTPBaseModel
from fastapi.security.base import SecurityBase

from certinel.api.platform_of import platform_of
from certinel.api.problems import ForbiddenError, UnauthorizedError
from certinel.domain.audit import Actor
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.domain.role import Principal, Role, UserKind
from certinel.services import authentication

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
_bearer = _Scheme("bearer", "The token that a device got over MQTT (`s/dat`).")


async def caller(
    request: Request,
    _basic: Annotated[None, Security(_basic)],
    _bearer: Annotated[None, Security(_bearer)],
) -> Principal:
    """Authenticate the request; everything that is not a valid credential is the same 401."""
    header = request.headers.get("authorization", "")
    if len(header) > MAX_AUTHORIZATION_LENGTH:
        raise UnauthorizedError
    scheme, _, credentials = header.strip().partition(" ")
    match scheme.lower():
        case "basic":
            return await _by_password(request, BasicCredentials.parse(credentials))
        case "bearer":
            return await authentication.by_token(platform_of(request), credentials.strip())
        case _:
            raise UnauthorizedError


Caller = Annotated[Principal, Depends(caller)]


def _actor(principal: Caller) -> Actor:
    return Actor.of(principal)


ActingCaller = Annotated[Actor, Depends(_actor)]
"""The caller as the one who does something, for the audit log."""


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
