"""A user: a person with a password, or the device user that stands for a device."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import DEVICE_USER_PREFIX, DeviceId, TenantId, device_user_name
from certinel.domain.role import DEVICES, Principal, UserKind, roles_of

MAX_NAME_CHARACTERS = 256
"""Ours; the contract allows names of mail addresses."""

_NOT_IN_NAME = frozenset('/\\:+$"<>#%{}|^~[]`')
"""The tenant ends at ``/`` and the password begins at ``:`` in Basic credentials; the rest as the contract has it."""


PROFILE_FIELDS = ("displayName", "email", "firstName", "lastName", "phone")
"""What a person can say of itself; nothing follows from it."""

MAX_PROFILE_CHARACTERS = 256


class InvalidUserError(DeviceIdentityError):
    """A user cannot be as it is asked for."""

    code = "user/invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAccount:
    """One user of one tenant."""

    tenant: TenantId
    name: str
    kind: UserKind
    groups: frozenset[str]
    is_enabled: bool = True
    created_at: datetime
    password_hash: str | None = field(default=None, repr=False)
    """In the encoded form of argon2; None for who has no password, as devices with a certificate."""
    profile: Mapping[str, str] = field(default_factory=dict)
    """What a person says of itself, such as its name and its mail address, by the names of the contract."""

    @classmethod
    def of_device(cls, tenant: TenantId, device: DeviceId, created_at: datetime) -> "UserAccount":
        """Return the user that stands for ``device``."""
        return cls(
            tenant=tenant,
            name=device_user_name(device),
            kind=UserKind.DEVICE,
            groups=frozenset({DEVICES}),
            created_at=created_at,
        )

    @classmethod
    def of_person(
        cls,
        tenant: TenantId,
        name: str,
        *,
        groups: frozenset[str],
        created_at: datetime,
        password_hash: str | None,
        is_enabled: bool = True,
    ) -> "UserAccount":
        """Return a new user that a person signs in as.

        :raises InvalidUserError: the name cannot be, or is one of those that devices get.
        """
        if (
            not 0 < len(name) <= MAX_NAME_CHARACTERS
            or not name.isprintable()
            or any(character.isspace() or character in _NOT_IN_NAME for character in name)
        ):
            raise InvalidUserError(
                f"The name of a user must have 1 to {MAX_NAME_CHARACTERS} printable characters, "
                f"no blanks and none of {''.join(sorted(_NOT_IN_NAME))}"
            )
        if name.startswith(DEVICE_USER_PREFIX):
            raise InvalidUserError(f"Names that begin with {DEVICE_USER_PREFIX} are those of device users.")
        return cls(
            tenant=tenant,
            name=name,
            kind=UserKind.PERSON,
            groups=groups,
            is_enabled=is_enabled,
            created_at=created_at,
            password_hash=password_hash,
        )

    def described(self, profile: Mapping[str, str | None]) -> "UserAccount":
        """Return the user with what ``profile`` says; None leaves a field as it is, nothing removes it.

        :raises InvalidUserError: a field is too long, or not printable.
        """
        said = {name: text for name, text in profile.items() if text is not None}
        for name, text in said.items():
            if len(text) > MAX_PROFILE_CHARACTERS or not text.isprintable():
                raise InvalidUserError(f"{name} must have at most {MAX_PROFILE_CHARACTERS} printable characters.")
        return replace(self, profile={name: text for name, text in {**self.profile, **said}.items() if text})

    @property
    def principal(self) -> Principal:
        """Who is calling when this user calls, with the roles of its groups."""
        return Principal(self.tenant, self.name, self.kind, roles_of(self.groups))
