"""Who is signed in: the cookies of ``POST /tenant/oauth``, so that pages and scripts share one session."""

import hmac
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from certinel.domain.audit import Actor
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.domain.role import Principal
from certinel.domain.user_token import UserTokenClaims
from certinel.services import authentication
from certinel.services.platform import Platform
from certinel.services.signing_in import SignedIn
from certinel.services.signing_keys import TokenRefusedError
from certinel.ui.rights import Right

AUTHORIZATION_COOKIE: Final = "authorization"
XSRF_COOKIE: Final = "XSRF-TOKEN"
"""Both names are the contract's; pages read only the first, the second is for scripts that call REST."""
MAX_TOKEN_LENGTH: Final = 8192


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in."""

    principal: Principal
    claims: UserTokenClaims

    @property
    def tenant(self) -> TenantId:
        """The tenant that the pages are about."""
        return self.principal.tenant

    @property
    def actor(self) -> Actor:
        """The same somebody, for the audit log."""
        return Actor.of(self.principal)

    @property
    def is_operator(self) -> bool:
        """Whether it is somebody of the management tenant."""
        return self.principal.tenant == MANAGEMENT_TENANT

    def may(self, right: Right) -> bool:
        """Tell whether REST would let this caller do it."""
        return self.principal.has_any(*right.roles) and (self.is_operator or not right.in_management)

    def has_sent(self, xsrf_token: str) -> bool:
        """Tell whether a form was made by a page of this session."""
        return hmac.compare_digest(xsrf_token.encode(), self.claims.xsrf_token.encode())


async def session_of(platform: Platform, request: Request) -> Session | None:
    """Return the session that the cookie stands for; None when there is none, or it is over."""
    token = request.cookies.get(AUTHORIZATION_COOKIE, "")
    if not 0 < len(token) <= MAX_TOKEN_LENGTH:
        return None
    try:
        bearer = await authentication.bearer_of(platform, token)
    except TokenRefusedError:
        return None
    return Session(bearer.principal, bearer.user_token) if bearer.user_token is not None else None


def begin(response: Response, signed_in: SignedIn) -> None:
    """Let ``response`` give the browser its session, as ``POST /tenant/oauth`` does."""
    claims = signed_in.claims
    max_age = int((claims.expires_at - claims.issued_at).total_seconds())
    response.set_cookie(
        AUTHORIZATION_COOKIE, signed_in.token, max_age=max_age, secure=True, httponly=True, samesite="strict"
    )
    response.set_cookie(XSRF_COOKIE, claims.xsrf_token, max_age=max_age, secure=True, samesite="strict")


def end(response: Response) -> None:
    """Let ``response`` take the session from the browser."""
    response.delete_cookie(AUTHORIZATION_COOKIE, secure=True, httponly=True, samesite="strict")
    response.delete_cookie(XSRF_COOKIE, secure=True, samesite="strict")
