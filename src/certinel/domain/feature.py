"""Features that a tenant can switch on or off for itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from certinel.domain.errors import DeviceIdentityError


class Phase(StrEnum):
    """How far a feature is, in the words of the contract."""

    IN_DEVELOPMENT = "IN_DEVELOPMENT"
    GENERALLY_AVAILABLE = "GENERALLY_AVAILABLE"


class FeatureNotOfferedError(DeviceIdentityError):
    """Clients know the feature, and this platform does not have it."""

    code = "feature/not-offered"

    def __init__(self, key: str) -> None:
        super().__init__(f"The feature {key} is not offered by this platform, so it cannot be switched on.")


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that can be switched."""

    key: str
    phase: Phase
    is_active: bool
    """The platform's own choice, for tenants that make none."""
    is_offered: bool = True

    def check(self, *, is_active: bool) -> None:
        """Refuse to switch on what is not there."""
        if is_active and not self.is_offered:
            raise FeatureNotOfferedError(self.key)


PASSWORD_DEVICES: Final = "password-devices"  # noqa: S105 - the name of a feature
"""Devices that prove who they are with a password; a tenant whose devices all have certificates switches it off."""

CERTIFICATE_AUTHORITY: Final = "certificate-authority"
"""A CA of the tenant that the platform signs with; agents and pages look whether it is there."""

FEATURES: Final[Mapping[str, Feature]] = MappingProxyType(
    {
        feature.key: feature
        for feature in (
            Feature(CERTIFICATE_AUTHORITY, Phase.IN_DEVELOPMENT, is_active=False, is_offered=False),
            Feature(PASSWORD_DEVICES, Phase.GENERALLY_AVAILABLE, is_active=True),
        )
    }
)
