"""What a tenant can set: options by category and key, all of them text."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from certinel.domain.device_token import MAX_LIFETIME, MIN_LIFETIME
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import TenantId
from certinel.domain.new_device_request import SecurityTokenPolicy
from certinel.domain.revocation import OFFLINE_CHECK, ONLINE_CHECK

CREDENTIALS_PREFIX = "credentials."
"""A key that starts so holds a secret: stored sealed, never read back."""

ENCRYPTED = "<<Encrypted>>"
"""What is read in place of a secret."""

MAX_NAME_CHARACTERS = 256
MAX_VALUE_CHARACTERS = 65_536
"""Ours, for both: the contract names none."""

_NOT_IN_CATEGORY = frozenset('$&+,/:;=?@"<>#%{}|\\^~[]`')
"""As the contract has it, besides blanks."""

DEVICE_TOKEN_LIFETIME = ("oauth.internal", "device-token.lifespan.seconds")
COOKIE_TOKEN_LIFETIME = ("oauth.internal", "basic-token.lifespan.seconds")
"""Of the token in the cookie of who signed in with a browser."""
BODY_TOKEN_LIFETIME = ("oauth.internal", "body-token.lifespan.seconds")
"""Of the token that is answered in a body."""
SECURITY_TOKEN_POLICY = ("device-registration", "security-token.policy")
"""Whether a device that is registered one by one and who accepts it must know the same token."""

INHERITED = frozenset({DEVICE_TOKEN_LIFETIME, COOKIE_TOKEN_LIFETIME, BODY_TOKEN_LIFETIME, SECURITY_TOKEN_POLICY})
"""Options of which the management tenant's value holds for every tenant that has set none itself."""


class InvalidTenantOptionError(DeviceIdentityError):
    """The category, the key or the value of an option cannot be."""

    code = "tenant-option/invalid"


@dataclass(frozen=True, slots=True)
class TenantOption:
    """One option; ``value`` of a secret is what was written, or ``<<Encrypted>>`` when it was read."""

    tenant: TenantId
    category: str
    key: str
    value: str
    is_editable: bool = True
    """Whether the tenant may change it; the operator can fix an option."""

    def __post_init__(self) -> None:
        """Refuse a category or a key that cannot be."""
        check_category(self.category)
        check_key(self.key)

    @property
    def is_secret(self) -> bool:
        """Whether the value is stored sealed."""
        return is_secret(self.key)


def is_secret(key: str) -> bool:
    """Tell whether the option ``key`` holds a secret."""
    return key.startswith(CREDENTIALS_PREFIX)


def check_category(category: str) -> None:
    """Refuse a category that is empty or holds a blank or a character that the contract reserves."""
    if (
        not 0 < len(category) <= MAX_NAME_CHARACTERS
        or not category.isprintable()
        or any(character.isspace() or character in _NOT_IN_CATEGORY for character in category)
    ):
        raise InvalidTenantOptionError(
            "The category of an option must not be empty or contain blanks or any of "
            + "".join(sorted(_NOT_IN_CATEGORY))
        )


def check_key(key: str) -> None:
    """Refuse a key that is empty, too long or not printable."""
    if not 0 < len(key) <= MAX_NAME_CHARACTERS or not key.isprintable():
        raise InvalidTenantOptionError(
            f"The key of an option must have 1 to {MAX_NAME_CHARACTERS} printable characters."
        )


def option_text(value: object) -> str:
    """Return the text of a JSON value: clients send booleans and numbers too, and read text back."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return repr(value)
        case _:
            raise InvalidTenantOptionError("The value of an option must be text, a number or a boolean.")


def check_value(option: TenantOption) -> None:
    """Refuse a value that cannot be stored or that the platform could not follow.

    Options that the platform does not know may hold any text.
    """
    if len(option.value) > MAX_VALUE_CHARACTERS or not _is_storable(option.value):
        raise InvalidTenantOptionError(f"The value of the option {option.category}/{option.key} cannot be stored.")
    known = KNOWN_OPTIONS.get((option.category, option.key))
    if known is not None:
        known.check(option)


def _check_lifetime(option: TenantOption) -> None:
    least, most = int(MIN_LIFETIME.total_seconds()), int(MAX_LIFETIME.total_seconds())
    text = option.value
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not is_number or not least <= int(text) <= most:
        raise InvalidTenantOptionError(
            f"The option {option.category}/{option.key} must be a whole number of seconds, {least} to {most}."
        )


def _check_switch(option: TenantOption) -> None:
    if option.value.lower() not in {"true", "false"}:
        raise InvalidTenantOptionError(f"The option {option.category}/{option.key} must be true or false.")


def _check_policy(option: TenantOption) -> None:
    if option.value not in set(SecurityTokenPolicy):
        raise InvalidTenantOptionError(
            f"The option {option.category}/{option.key} must be {', '.join(SecurityTokenPolicy)}."
        )


class KnownOption(NamedTuple):
    """An option that the platform follows: what it decides, in a sentence, and which values can be."""

    meaning: str
    check: Callable[[TenantOption], None]


KNOWN_OPTIONS: Mapping[tuple[str, str], KnownOption] = MappingProxyType(
    {
        DEVICE_TOKEN_LIFETIME: KnownOption("Seconds that a device's token is valid.", _check_lifetime),
        COOKIE_TOKEN_LIFETIME: KnownOption(
            "Seconds that somebody who signed in with a browser stays so.", _check_lifetime
        ),
        BODY_TOKEN_LIFETIME: KnownOption(
            "Seconds that the token of a program is valid that signed in.", _check_lifetime
        ),
        OFFLINE_CHECK: KnownOption("Whether the tenant's own list of revoked serial numbers counts.", _check_switch),
        ONLINE_CHECK: KnownOption(
            "Whether every CA above a device must have a current revocation list.", _check_switch
        ),
        SECURITY_TOKEN_POLICY: KnownOption(
            "Whether a device that asks for a password, and who accepts it, must know the same token.", _check_policy
        ),
    }
)
"""By category and key; options that are not here are kept for whoever wrote them."""


def _is_storable(text: str) -> bool:
    """PostgreSQL stores neither U+0000 nor half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
