"""What a device token says, and for how long.

Signing it, and whether the device may still use it, are decided elsewhere: see ``services/tokens.py`` and
``admission``.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import DEVICE_USER_PREFIX, DeviceId, TenantId, device_user_name

DEFAULT_LIFETIME = timedelta(seconds=3600)
MIN_LIFETIME = timedelta(seconds=300)
"""The contract's minimum; a shorter setting is refused when written and raised to this when read."""
MAX_LIFETIME = timedelta(days=3650)
"""Ours: the contract names none, but a date must not overflow."""

DEVICE_TOKEN = "device_token_config"  # noqa: S105 - the name of a kind of token, not a token
"""The claim ``tci`` of every device token; tokens of people carry another."""

SHA256_BYTES = 32

CLOCK_SKEW = timedelta(seconds=60)
"""How far the clocks of two nodes may be apart before one refuses what the other just issued (RFC 7519, 4.1.5)."""


class MalformedClaimsError(DeviceIdentityError):
    """Signed claims are not those of a token of the expected kind."""

    code = "token/malformed"


def parse_lifetime(text: str | None) -> timedelta:
    """Read the tenant's option ``device-token.lifespan.seconds``; whatever it holds, the result is usable.

    Nothing, or nothing readable, gives the default; a value beyond the limits gives the limit.
    """
    try:
        seconds = int(text) if text is not None else int(DEFAULT_LIFETIME.total_seconds())
    except ValueError:
        return DEFAULT_LIFETIME
    bounded = min(max(seconds, int(MIN_LIFETIME.total_seconds())), int(MAX_LIFETIME.total_seconds()))
    return timedelta(seconds=bounded)


def is_renewable(issued_at: datetime, expires_at: datetime, at: datetime) -> bool:
    """Tell whether half of the lifetime has passed: from then on a request gives a new token, before it the same one.

    A clock that was set back behind the issue makes it renewable too: nobody accepts a token of the future.
    """
    return not issued_at <= at < issued_at + (expires_at - issued_at) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTokenClaims:
    """The claims of a token that stands for one device and the one certificate it connected with."""

    host: str
    """The tenant's public host name, bare: agents compare it with the name they are configured with."""
    tenant: TenantId
    device: DeviceId
    issued_at: datetime
    """Whole seconds."""
    expires_at: datetime
    xsrf_token: str = field(repr=False)
    leaf_sha256: bytes
    """SHA-256 of the DER of the device certificate (RFC 8705, 3.1)."""

    @property
    def user_name(self) -> str:
        """The user the token stands for."""
        return device_user_name(self.device)

    @property
    def token_id(self) -> str:
        """What tells this token from every other: ``jti`` is null in the contract, the random letters are its own."""
        return hashlib.sha256(f"{self.device}/{self.xsrf_token}".encode()).hexdigest()

    def is_valid(self, at: datetime) -> bool:
        """Tell whether ``at`` lies within the lifetime; the expiry second itself does not (RFC 7519, 4.1.4)."""
        return self.issued_at - CLOCK_SKEW <= at < self.expires_at

    def to_json(self) -> dict[str, object]:
        """Return the claims in the contract's order; ``jti`` is null there."""
        issued = int(self.issued_at.timestamp())
        return {
            "jti": None,
            "iss": self.host,
            "aud": self.host,
            "sub": self.user_name,
            "tci": DEVICE_TOKEN,
            "iat": issued,
            "nbf": issued,
            "exp": int(self.expires_at.timestamp()),
            "tfa": False,
            "ten": self.tenant,
            "xsrfToken": self.xsrf_token,
            "cnf": {"x5t#S256": _unpadded(self.leaf_sha256)},
        }

    @classmethod
    def parse(cls, claims: Mapping[str, object]) -> Self:
        """Read the claims of a device token; that their signature was checked is the caller's promise.

        :raises MalformedClaimsError: they are those of another kind of token, or a claim is missing or has the wrong
            form.
        """
        user_name = claim_text(claims, "sub")
        host = claim_text(claims, "aud")
        if claims.get("tci") != DEVICE_TOKEN or not user_name.startswith(DEVICE_USER_PREFIX):
            raise MalformedClaimsError("The token is not one of a device.")
        if claim_text(claims, "iss") != host:
            raise MalformedClaimsError("The token is made out to somebody else.")
        return cls(
            host=host,
            tenant=TenantId(claim_text(claims, "ten")),
            device=DeviceId(user_name.removeprefix(DEVICE_USER_PREFIX)),
            issued_at=claim_moment(claims, "iat"),
            expires_at=claim_moment(claims, "exp"),
            xsrf_token=claim_text(claims, "xsrfToken"),
            leaf_sha256=_confirmed_certificate(claims.get("cnf")),
        )


def claim_text(claims: Mapping[str, object], name: str) -> str:
    """Read a claim that must be text; raises ``MalformedClaimsError``."""
    match claims.get(name):
        case str(value) if value:
            return value
        case _:
            raise MalformedClaimsError(f"The token's claim {name} is missing or no text.")


def claim_moment(claims: Mapping[str, object], name: str) -> datetime:
    """Read a claim that must be whole seconds since 1970; raises ``MalformedClaimsError``."""
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedClaimsError(f"The token's claim {name} is missing or no whole number of seconds.")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise MalformedClaimsError(f"The token's claim {name} is no date.") from error


def _confirmed_certificate(confirmation: object) -> bytes:
    """Read the thumbprint of the member ``x5t#S256`` (RFC 8705, 3.1)."""
    match confirmation:
        case {"x5t#S256": str(text)}:
            try:
                digest = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            except (binascii.Error, ValueError) as error:
                raise MalformedClaimsError("The token's certificate thumbprint is not base64url.") from error
        case _:
            raise MalformedClaimsError("The token names no certificate.")
    if len(digest) != SHA256_BYTES:
        raise MalformedClaimsError("The token's certificate thumbprint is no SHA-256.")
    return digest


def _unpadded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
