"""Who is calling: a user with a password, or a device with its token."""

from dataclasses import dataclass, field

from certinel.domain.device_token import DeviceTokenClaims
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.feature import PASSWORD_DEVICES
from certinel.domain.identifiers import TenantId
from certinel.domain.role import Principal, UserKind
from certinel.domain.user_account import UserAccount
from certinel.domain.user_token import UserTokenClaims, credential_id
from certinel.services import admission, features
from certinel.services.passwords import PasswordsBusyError
from certinel.services.platform import Platform
from certinel.services.signing_keys import TokenRefusedError, UnknownKeyError
from certinel.services.tenants import meant_by
from certinel.storage import ended_tokens, tenants, users


class WrongCredentialsError(DeviceIdentityError):
    """Nobody may call with these: whether tenant, user, password or a suspension is the reason is told to nobody."""

    code = "password/wrong"

    def __init__(self) -> None:
        super().__init__("Invalid credentials! : Bad credentials")


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordCredentials:
    """What somebody claims to be, and from where."""

    tenant: TenantId | None
    """The tenant in front of the user's name; without one the host decides (see ``tenants.meant_by``)."""
    user_name: str
    password: str = field(repr=False)
    host: str = ""
    """The host name that the caller used, perhaps with a port."""
    address: str = ""
    """Where the caller comes from, for slowing it down."""


async def by_password(platform: Platform, credentials: PasswordCredentials) -> Principal:
    """Return who calls with these; raises as ``account_by_password``."""
    return (await account_by_password(platform, credentials)).principal


async def account_by_password(platform: Platform, credentials: PasswordCredentials) -> UserAccount:
    """Return the user whose password this is.

    An unknown tenant, an unknown user, a wrong password, a disabled user and a suspended tenant are one and the same
    answer, after the same time.

    Raises:
        WrongCredentialsError: nobody may call with these.
        TooManyAttemptsError: too many attempts failed lately.
        PasswordsBusyError: too many others are logging in right now.
    """
    claimed = now = await _claimed(platform, credentials)
    if not platform.passwords.is_remembered(claimed.stored_hash, credentials.password, platform.clock.now()):
        if not await _is_right(platform, credentials, claimed):
            raise WrongCredentialsError
        # that took its time, in which user and tenant may have lost the right, or the password have been changed
        now = await _claimed(platform, credentials)
    if now.account is None or not now.may_call or now.stored_hash != claimed.stored_hash:
        raise WrongCredentialsError
    return now.account


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a token stands for."""

    principal: Principal
    token: UserTokenClaims | DeviceTokenClaims
    """What the token says."""

    @property
    def user_token(self) -> UserTokenClaims | None:
        """What the token of a person says; None for a device's."""
        return self.token if isinstance(self.token, UserTokenClaims) else None


async def by_token(platform: Platform, token: str) -> Principal:
    """Return the user that a token stands for; raises as ``bearer_of``."""
    return (await bearer_of(platform, token)).principal


async def bearer_of(platform: Platform, token: str) -> Bearer:
    """Return the user that a token stands for.

    The token must be ours and valid. The device of a device token must be one that would be let in now with the
    certificate it got the token with; a token that was refused is not handed out again. The user of a person's token
    must be one who could get it now with the same password. Neither may have been ended.

    Raises:
        TokenRefusedError: it is anything else.
    """
    claims = await _read(platform, token)
    if isinstance(claims, UserTokenClaims):
        return Bearer(await _person(platform, claims), claims)
    return Bearer(await _device(platform, claims), claims)


async def _read(platform: Platform, token: str) -> UserTokenClaims | DeviceTokenClaims:
    """Read a token, also one that another node has signed with a key it has just made."""
    try:
        return platform.tokens.read(token, platform.clock.now())
    except UnknownKeyError:
        if not await platform.keys.look_for_unknown():
            raise
        return platform.tokens.read(token, platform.clock.now())


async def _person(platform: Platform, claims: UserTokenClaims) -> Principal:
    async with platform.database.reading() as tx:
        tenant = await tenants.find(tx, claims.tenant)
        account = await users.find(tx, claims.tenant, claims.user_name)
        is_ended = await ended_tokens.is_ended(tx, claims.tenant, claims.token_id)
    if tenant is None or account is None or is_ended:
        raise TokenRefusedError("ended, or its user is gone")
    is_same_host = claims.host == tenant.host(platform.options.public_host)
    if not (is_same_host and tenant.is_active and account.is_enabled and account.kind is UserKind.PERSON):
        raise TokenRefusedError("its user may not call now")
    if account.password_hash is None or claims.credential_id != credential_id(account.password_hash):
        raise TokenRefusedError("given for another password")
    return account.principal


async def _device(platform: Platform, claims: DeviceTokenClaims) -> Principal:
    account, is_ended = None, False
    if platform.is_host_of(claims.tenant, claims.host) and await admission.is_token_admitted(platform, claims):
        async with platform.database.reading() as tx:
            account = await users.find(tx, claims.tenant, claims.user_name)
            is_ended = await ended_tokens.is_ended(tx, claims.tenant, claims.token_id)
    if account is None or is_ended or not account.is_enabled:
        platform.tokens.forget(claims.tenant, claims.device)
        raise TokenRefusedError("the device would not be let in now")
    return account.principal


@dataclass(frozen=True, slots=True)
class _Claimed:
    """Who is meant by credentials, as far as there is somebody."""

    tenant: TenantId | None
    account: UserAccount | None = None
    may_call: bool = False

    @property
    def stored_hash(self) -> str | None:
        return self.account.password_hash if self.account is not None else None


async def _claimed(platform: Platform, credentials: PasswordCredentials) -> _Claimed:
    async with platform.database.reading() as tx:
        tenant = await meant_by(tx, credentials.tenant, credentials.host)
        if tenant is None or not credentials.user_name.isprintable():
            return _Claimed(credentials.tenant)
        account = await users.find(tx, tenant.id, credentials.user_name)
        may_call = account is not None and account.is_enabled and tenant.is_active
        if account is not None and account.kind is UserKind.DEVICE:
            may_call = may_call and await features.is_active(tx, tenant.id, PASSWORD_DEVICES)
    return _Claimed(tenant.id, account, may_call)


async def _is_right(platform: Platform, credentials: PasswordCredentials, claimed: _Claimed) -> bool:
    passwords, attempts, at = platform.passwords, platform.login_attempts, platform.clock.now()
    stored_hash = claimed.stored_hash
    who = (claimed.tenant, credentials.user_name, credentials.address)
    async with passwords.turn(stored_hash, credentials.password):
        if passwords.is_remembered(stored_hash, credentials.password, at):
            return True
        attempts.begin(*who, at)
        try:
            is_right = await passwords.is_right(stored_hash, credentials.password, at)
        except PasswordsBusyError:
            attempts.give_back(*who)
            raise
        if is_right:
            attempts.give_back(*who)
        return is_right
