"""What the cards of a drawn chain say: two or three facts each. The terminal and the pages draw with the same words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from certinel.domain.errors import Code, shown
from certinel.domain.explained_chain import ChainRole
from certinel.domain.trusted_certificate import TrustStatus

TITLES: Mapping[ChainRole, str] = MappingProxyType(
    {
        ChainRole.DEVICE: "Device certificate",
        ChainRole.INTERMEDIATE: "Intermediate certificate",
        ChainRole.ROOT: "Root certificate",
        ChainRole.TRUSTED: "Trusted certificate",
    }
)
TENANT_TITLE = "Tenant"
UNREADABLE = "cannot be read"
SHORT_DIGITS = 8
"""Of a fingerprint or a serial number that are shown at either end."""


@dataclass(frozen=True, slots=True)
class Words:
    """A fact in words, and whether it is what is wrong."""

    text: str
    is_wrong: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """What a chain lacks at its end."""

    title: str
    words: str


def title_of(role: ChainRole, *, is_itself_trusted: bool = False, name: str | None = None) -> str:
    """Return the heading of a card; ``name`` is what the tenant calls the certificate, if it says more than it does."""
    title = "Device certificate, trusted itself" if is_itself_trusted else TITLES[role]
    return f"{title}: {shown(name)}" if name else title


def validity_words(not_before: datetime, not_after: datetime, at: datetime) -> Words:
    """Say until when a certificate is valid, or why it is not; its first and last second are within."""
    moment = at.replace(microsecond=0)
    if moment < not_before:
        return Words(f"valid from {day_words(not_before)}", is_wrong=True)
    if moment > not_after:
        return Words(f"expired {day_words(not_after)}", is_wrong=True)
    return Words(f"valid to {day_words(not_after)}")


def kind_words(*, is_ca: bool, path_length: int | None, fingerprint: str, serial: str) -> str:
    """Say by which number people know a certificate: a CA by its fingerprint, a device's by its serial number."""
    if not is_ca:
        return f"serial {shortened(serial)}"
    length = "" if path_length is None else f"pathlen {path_length}, "
    return f"{length}SHA-1 {shortened(fingerprint)}"


def trust_words(status: TrustStatus, *, is_auto_registering: bool, is_proven: bool) -> Words:
    """Say how a tenant has set its trusted certificate."""
    if status is TrustStatus.DISABLED:
        return Words("disabled", is_wrong=True)
    registration = "on" if is_auto_registering else "off"
    return Words(f"auto registration {registration}, {'proven' if is_proven else 'not proven'}")


def tenant_words(*, is_admitted: bool, device: str = "", would_be_registered: bool = False) -> str:
    """Say what the tenant does with the device."""
    if not is_admitted:
        return "does not let it in"
    return f"will register {shown(device)}" if would_be_registered else f"{shown(device)} is registered"


def trusting_words(*, lets_in: bool) -> str:
    """Say what the tenant does with the devices of a trusted certificate."""
    return "lets its devices in" if lets_in else "lets none of its devices in"


MISSING: Mapping[str, Missing] = MappingProxyType(
    {
        Code.INTERMEDIATE_MISSING: Missing(TITLES[ChainRole.INTERMEDIATE], "was not sent"),
        Code.UNKNOWN_ISSUER: Missing(TITLES[ChainRole.TRUSTED], "is not trusted here"),
    }
)
"""By the code of the refusal: what would have to follow the last certificate."""


def shortened(digits: str) -> str:
    """Leave out the middle of a long row of digits."""
    if len(digits) <= 2 * SHORT_DIGITS:
        return digits
    return f"{digits[:SHORT_DIGITS]}…{digits[-SHORT_DIGITS:]}"


def day_words(moment: datetime) -> str:
    """Write the day of a moment."""
    return f"{moment:%-d %b %Y}"
