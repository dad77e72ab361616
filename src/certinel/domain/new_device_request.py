"""A device that is expected but has not connected yet: how it comes to its credentials.

``WAITING_FOR_CONNECTION``, until the device asks for credentials; ``PENDING_ACCEPTANCE``, until somebody accepts it;
``ACCEPTED``, until the device has collected them; ``BLOCKED`` after too many wrong security tokens.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.managed_object import ManagedObjectId

MAX_SECURITY_TOKEN_CHARACTERS: Final = 64
"""Ours: a token is read off a label and typed."""

MAX_WRONG_TOKENS: Final = 5
"""Then the request is blocked, and has to be made anew."""


class RequestStatus(StrEnum):
    """How far the registration of one device is."""

    WAITING_FOR_CONNECTION = "WAITING_FOR_CONNECTION"
    PENDING_ACCEPTANCE = "PENDING_ACCEPTANCE"
    ACCEPTED = "ACCEPTED"
    BLOCKED = "BLOCKED"


class SecurityTokenPolicy(StrEnum):
    """Whether a device and who accepts it must know the same token."""

    IGNORED = "IGNORED"
    OPTIONAL = "OPTIONAL"
    """When the device gives one."""
    REQUIRED = "REQUIRED"


class InvalidNewDeviceRequestError(DeviceIdentityError):
    """A device cannot be expected under this name, or not with these properties."""

    code = "new-device-request/invalid"


class NewDeviceRequestStateError(DeviceIdentityError):
    """The request is in a state in which it cannot be accepted."""

    code = "new-device-request/not-pending"

    def __init__(self, device: DeviceId, status: RequestStatus) -> None:
        super().__init__(
            f"NewDeviceRequest for device id {device} is in state {status}, not {RequestStatus.PENDING_ACCEPTANCE}."
        )


class WrongSecurityTokenError(DeviceIdentityError):
    """Who accepts the device does not know the token that the device gave; it is not repeated."""

    code = "new-device-request/wrong-security-token"

    def __init__(self, device: DeviceId) -> None:
        super().__init__(f"Provided security key does not match key stored for device {device}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeviceRequest:
    """One expected device of a tenant."""

    tenant: TenantId
    device: DeviceId
    status: RequestStatus
    owner: str
    """The user who asked for it."""
    created_at: datetime
    group: ManagedObjectId | None = None
    """The group that the device will be in."""
    name: str | None = None
    type: str | None = None
    fragments: Mapping[str, Any] = field(default_factory=dict)
    """What the device's object will hold besides."""
    enrollment_hash: str | None = field(default=None, repr=False)
    """Of the one-time password for a certificate, in the encoded form of argon2."""
    security_token_digest: bytes | None = field(default=None, repr=False)
    """Of the token that the device gave when it first asked."""
    wrong_tokens: int = 0
    """How often somebody tried to accept it with another token."""

    def heard(self, token: str | None, policy: SecurityTokenPolicy) -> Self:
        """Return the request after its device has asked for credentials; only the first time makes a difference.

        A device that gives no token where one is required has not asked.
        """
        is_first = self.status is RequestStatus.WAITING_FOR_CONNECTION
        if not is_first or (policy is SecurityTokenPolicy.REQUIRED and not token):
            return self
        digest = self._digest(token) if token and policy is not SecurityTokenPolicy.IGNORED else None
        return replace(self, status=RequestStatus.PENDING_ACCEPTANCE, security_token_digest=digest)

    def accepted(self, token: str | None, policy: SecurityTokenPolicy) -> Self:
        """Return the request after somebody has tried to accept it; accepted only if the token is right.

        Raises:
            NewDeviceRequestStateError: its device has not asked yet, or the request is accepted or blocked already.
        """
        if self.status is not RequestStatus.PENDING_ACCEPTANCE:
            raise NewDeviceRequestStateError(self.device, self.status)
        if self._is_accepted_with(token, policy):
            return replace(self, status=RequestStatus.ACCEPTED, wrong_tokens=0)
        wrong = self.wrong_tokens + 1
        status = RequestStatus.BLOCKED if wrong >= MAX_WRONG_TOKENS else self.status
        return replace(self, status=status, wrong_tokens=wrong)

    @property
    def is_ready(self) -> bool:
        """Whether the device can collect a password; one that is to get a certificate collects none."""
        return self.status is RequestStatus.ACCEPTED and self.enrollment_hash is None

    @property
    def asks_for_token(self) -> bool:
        """Whether the device gave a token when it first asked, which it then has to give every time."""
        return self.security_token_digest is not None

    def is_token(self, token: str | None) -> bool:
        """Tell whether ``token`` is the one that the device gave."""
        digest = self.security_token_digest
        return digest is not None and bool(token) and hmac.compare_digest(digest, self._digest(token or ""))

    def _is_accepted_with(self, token: str | None, policy: SecurityTokenPolicy) -> bool:
        match policy:
            case SecurityTokenPolicy.IGNORED:
                return True
            case SecurityTokenPolicy.OPTIONAL if self.security_token_digest is None:
                return not token
            case SecurityTokenPolicy.OPTIONAL | SecurityTokenPolicy.REQUIRED:
                return self.is_token(token)

    def _digest(self, token: str) -> bytes:
        return hashlib.sha256(f"{self.tenant}\0{self.device}\0{token}".encode()).digest()
