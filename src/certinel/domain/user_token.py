"""What the token of a person says, and for how long.

Whether it was ended, and whether its user may still call, are decided elsewhere: see ``services/signing_in.py``.
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from certinel.domain.device_token import (
    CLOCK_SKEW,
    DEVICE_TOKEN,
    MAX_LIFETIME,
    MIN_LIFETIME,
    MalformedClaimsError,
    claim_moment,
    claim_text,
)
from certinel.domain.identifiers import TenantId

DEFAULT_LIFETIME = timedelta(days=2)
"""The newer of the contract's two defaults."""


def parse_user_lifetime(text: str | None) -> timedelta:
    """Read one of the options on the lifetime of people's tokens; whatever it holds, the result is usable."""
    if text is None or not text.isascii() or not text.isdigit():
        return DEFAULT_LIFETIME
    least, most = int(MIN_LIFETIME.total_seconds()), int(MAX_LIFETIME.total_seconds())
    return timedelta(seconds=most if len(text) > len(str(most)) else min(max(int(text), least), most))


def credential_id(password_hash: str) -> str:
    """Name the password that a token was given for, so that tokens end with it.

    Every stored hash has its own random salt, so this also tells a user from a later one of the same name; nothing
    about the password can be found out from it without that salt.
    """
    return str(uuid.UUID(bytes=hashlib.sha256(f"certinel session\0{password_hash}".encode()).digest()[:16]))


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTokenClaims:
    """The claims of a token that stands for a person who signed in."""

    token_id: str
    host: str
    """The tenant's public host name, bare."""
    tenant: TenantId
    user_name: str
    credential_id: str
    """See ``credential_id``; the contract wants some UUID in ``tci``."""
    issued_at: datetime
    expires_at: datetime
    xsrf_token: str = field(repr=False)

    def is_valid(self, at: datetime) -> bool:
        """Tell whether ``at`` lies within the lifetime; the expiry second itself does not (RFC 7519, 4.1.4)."""
        return self.issued_at - CLOCK_SKEW <= at < self.expires_at

    def to_json(self) -> dict[str, object]:
        """Return the claims in the contract's order."""
        issued = int(self.issued_at.timestamp())
        return {
            "jti": self.token_id,
            "iss": self.host,
            "aud": self.host,
            "sub": self.user_name,
            "tci": self.credential_id,
            "iat": issued,
            "nbf": issued,
            "exp": int(self.expires_at.timestamp()),
            "tfa": False,
            "ten": self.tenant,
            "xsrfToken": self.xsrf_token,
        }

    @classmethod
    def parse(cls, claims: Mapping[str, object]) -> Self:
        """Read the claims of a person's token; that their signature was checked is the caller's promise.

        :raises MalformedClaimsError: they are a device's, or a claim is missing or has the wrong form.
        """
        if claims.get("tci") == DEVICE_TOKEN:
            raise MalformedClaimsError("The token is one of a device.")
        return cls(
            token_id=claim_text(claims, "jti"),
            host=claim_text(claims, "aud"),
            tenant=TenantId(claim_text(claims, "ten")),
            user_name=claim_text(claims, "sub"),
            credential_id=claim_text(claims, "tci"),
            issued_at=claim_moment(claims, "iat"),
            expires_at=claim_moment(claims, "exp"),
            xsrf_token=claim_text(claims, "xsrfToken"),
        )
