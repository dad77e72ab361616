"""People sign in with a password and get a token; signing out ends it for good, on every node."""

import uuid
from dataclasses import dataclass, field

from certinel.bus.messages import DeviceUserChanged
from certinel.domain.device_token import DeviceTokenClaims
from certinel.domain.role import UserKind
from certinel.domain.tenant_option import BODY_TOKEN_LIFETIME, COOKIE_TOKEN_LIFETIME
from certinel.domain.user_token import UserTokenClaims, credential_id, parse_user_lifetime
from certinel.services import option_values, tenants
from certinel.services.authentication import PasswordCredentials, WrongCredentialsError, account_by_password
from certinel.services.platform import Platform
from certinel.services.tokens import new_xsrf_token
from certinel.storage import ended_tokens
from certinel.storage.engine import Transaction


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What somebody gets who has signed in."""

    claims: UserTokenClaims
    token: str = field(repr=False)


async def sign_in(platform: Platform, credentials: PasswordCredentials, *, for_cookie: bool) -> SignedIn:
    """Give a token to the person whose password this is; its lifetime is an option of the tenant.

    Raises:
        WrongCredentialsError, TooManyAttemptsError, PasswordsBusyError: as ``authentication.by_password``.
    """
    account = await account_by_password(platform, credentials)
    if account.kind is not UserKind.PERSON or account.password_hash is None:
        raise WrongCredentialsError
    option = COOKIE_TOKEN_LIFETIME if for_cookie else BODY_TOKEN_LIFETIME
    async with platform.database.reading() as tx:
        tenant = await tenants.get(tx, account.tenant)
        lifetime = await option_values.in_force(tx, account.tenant, *option)
    issued_at = platform.clock.now().replace(microsecond=0)
    claims = UserTokenClaims(
        token_id=str(uuid.uuid4()),
        host=tenant.host(platform.options.public_host),
        tenant=account.tenant,
        user_name=account.name,
        credential_id=credential_id(account.password_hash),
        issued_at=issued_at,
        expires_at=issued_at + parse_user_lifetime(lifetime.value if lifetime is not None else None),
        xsrf_token=new_xsrf_token(),
    )
    return SignedIn(claims, platform.tokens.sign_user_token(claims))


async def sign_out(tx: Transaction, platform: Platform, claims: UserTokenClaims | DeviceTokenClaims) -> None:
    """End a token: from the commit on, no node takes it, and none hands it out again to its device."""
    await ended_tokens.forget_expired(tx, platform.clock.now())
    await ended_tokens.add(tx, claims.tenant, claims.token_id, claims.expires_at)
    if isinstance(claims, DeviceTokenClaims):
        tx.after_commit(platform.bus.publish, DeviceUserChanged(claims.tenant, claims.user_name))
