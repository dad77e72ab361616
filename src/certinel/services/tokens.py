"""Device tokens: given to a device that is connected with its certificate, verified on every REST call.

A signature says who the token was given to, not that the device may still use it. That is decided by admission, over
the chain that the device presented, on every call.
"""

import hashlib
import secrets
import string
from dataclasses import dataclass
from datetime import datetime, timedelta

from certinel.bus.local import LocalBus
from certinel.bus.messages import DeviceUserChanged, OptionChanged, TenantChanged, TrustChanged
from certinel.domain.device_token import (
    DEVICE_TOKEN,
    DeviceTokenClaims,
    MalformedClaimsError,
    is_renewable,
    parse_lifetime,
)
from certinel.domain.identifiers import DEVICE_USER_PREFIX, MANAGEMENT_TENANT, DeviceId, TenantId
from certinel.domain.tenant_option import DEVICE_TOKEN_LIFETIME
from certinel.domain.user_token import UserTokenClaims
from certinel.services import option_values
from certinel.services.recent import Recent
from certinel.services.signing_keys import Json, KeyRing, TokenRefusedError
from certinel.storage import signing_keys
from certinel.storage.engine import Transaction

MAX_REMEMBERED = 50_000
"""Tokens a node remembers having issued, and as many verified ones: about 50 MB for each at most."""

XSRF_LETTERS = 20
"""As the contract has it."""


def new_xsrf_token() -> str:
    """Return the letters that a page must send along with a cookie."""
    return "".join(secrets.choice(string.ascii_letters) for _ in range(XSRF_LETTERS))


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHolder:
    """Whom a token is for: a device, the certificate it connected with, and the host name it knows us by."""

    tenant: TenantId
    device: DeviceId
    leaf_sha256: bytes
    host: str


@dataclass(frozen=True, slots=True)
class _Issued:
    holder: TokenHolder
    claims: DeviceTokenClaims
    token: str


class DeviceTokens:
    """Issues and verifies device tokens from memory; nothing here waits for the database.

    A device that asks again gets the same token until half of its lifetime has passed, unless the token may have been
    refused meanwhile: agents that were answered 401 must find another one. So everything that can make admission
    refuse a token (a change of trust, of the device user, of the tenant), every refusal on this node (``forget``) and
    a changed lifetime drop what was issued.
    """

    def __init__(self, ring: KeyRing, *, max_remembered: int = MAX_REMEMBERED) -> None:
        self._ring = ring
        self._issued: Recent[tuple[TenantId, DeviceId], _Issued] = Recent(max_remembered)
        self._verified: Recent[bytes, DeviceTokenClaims | UserTokenClaims] = Recent(max_remembered)

    def listen_to(self, bus: LocalBus) -> None:
        """Hear of everything after which an issued token must not be handed out again."""
        bus.subscribe(TrustChanged, self._drop_tenant)
        bus.subscribe(TenantChanged, self._drop_tenant)
        bus.subscribe(OptionChanged, self._drop_by_option)
        bus.subscribe(DeviceUserChanged, self._drop_device)

    def use(self, ring: KeyRing) -> None:
        """Sign and verify with other keys from now on."""
        self._ring = ring
        self._issued.clear()
        self._verified.clear()

    def issued_before(self, holder: TokenHolder, at: datetime) -> str | None:
        """Return the token this holder already has, unless it is time for a new one."""
        issued = self._issued.get((holder.tenant, holder.device))
        if issued is None or issued.holder != holder:
            return None
        return None if is_renewable(issued.claims.issued_at, issued.claims.expires_at, at) else issued.token

    def issue(self, holder: TokenHolder, lifetime: timedelta, at: datetime) -> str:
        """Sign a new token, different from every earlier one."""
        issued_at = at.replace(microsecond=0)
        claims = DeviceTokenClaims(
            host=holder.host,
            tenant=holder.tenant,
            device=holder.device,
            issued_at=issued_at,
            expires_at=issued_at + lifetime,
            xsrf_token=new_xsrf_token(),
            leaf_sha256=holder.leaf_sha256,
        )
        token = self._ring.sign(claims.to_json())
        self._issued.put((holder.tenant, holder.device), _Issued(holder, claims, token))
        return token

    def verify(self, token: str, at: datetime) -> DeviceTokenClaims:
        """Check signature, form and lifetime of a device token.

        Whether the device may still use it is *not* decided here: see admission.

        :raises TokenRefusedError: it is not a device token of ours that is valid ``at``.
        """
        claims = self.read(token, at)
        if not isinstance(claims, DeviceTokenClaims):
            raise TokenRefusedError("The token is not one of a device.")
        return claims

    def sign_user_token(self, claims: UserTokenClaims) -> str:
        """Sign what a person signed in for."""
        return self._ring.sign(claims.to_json())

    def read(self, token: str, at: datetime) -> DeviceTokenClaims | UserTokenClaims:
        """Check signature, form and lifetime of a token, a device's or a person's.

        Whether its holder may still use it is *not* decided here: see ``authentication``.

        :raises TokenRefusedError: it is not a token of ours that is valid ``at``.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        claims = self._verified.get(digest)
        if claims is None:
            try:
                claims = _parsed(self._ring.verify(token, at))
            except MalformedClaimsError as error:
                raise TokenRefusedError(str(error)) from error
            self._verified.put(digest, claims)
        if not claims.is_valid(at):
            self._verified.forget(digest)
            raise TokenRefusedError("outside its lifetime")
        return claims

    def forget(self, tenant: TenantId, device: DeviceId) -> None:
        """Do not hand out again what this device was given; to be called whenever one of its tokens was refused."""
        self._issued.forget((tenant, device))

    async def _drop_tenant(self, message: TrustChanged | TenantChanged) -> None:
        self._issued.forget_where(lambda key: key[0] == message.tenant)

    async def _drop_by_option(self, message: OptionChanged) -> None:
        if (message.category, message.key) == DEVICE_TOKEN_LIFETIME:
            is_inherited = message.tenant == MANAGEMENT_TENANT
            self._issued.forget_where(lambda key: is_inherited or key[0] == message.tenant)

    async def _drop_device(self, message: DeviceUserChanged) -> None:
        self.forget(message.tenant, DeviceId(message.user_name.removeprefix(DEVICE_USER_PREFIX)))


def _parsed(claims: Json) -> DeviceTokenClaims | UserTokenClaims:
    is_of_device = claims.get("tci") == DEVICE_TOKEN
    return DeviceTokenClaims.parse(claims) if is_of_device else UserTokenClaims.parse(claims)


async def issue_device_token(tx: Transaction, tokens: DeviceTokens, holder: TokenHolder, at: datetime) -> str:
    """Return the token of a connected device: the one it has until half of its lifetime has passed, then a new one.

    The lifetime is an option that holds for the tenant; who may ask for a token is the caller's business.
    """
    issued = tokens.issued_before(holder, at)
    if issued is not None:
        return issued
    option = await option_values.in_force(tx, holder.tenant, *DEVICE_TOKEN_LIFETIME)
    return tokens.issue(holder, parse_lifetime(option.value if option is not None else None), at)


async def public_keys(tx: Transaction, at: datetime) -> Json:
    """Return the JSON Web Key Set (RFC 7517, 5) with which anybody verifies the tokens of this platform."""
    return {"keys": [stored.public_jwk for stored in await signing_keys.in_use(tx, at)]}
