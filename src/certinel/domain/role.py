"""Roles, the groups that hold them, and who is calling."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from certinel.domain.identifiers import TenantId


class Role(StrEnum):
    """A right, under the name the REST contract gives it."""

    TENANT_ADMIN = "ROLE_TENANT_ADMIN"
    TENANT_MANAGEMENT_ADMIN = "ROLE_TENANT_MANAGEMENT_ADMIN"
    TENANT_MANAGEMENT_READ = "ROLE_TENANT_MANAGEMENT_READ"
    OPTION_MANAGEMENT_ADMIN = "ROLE_OPTION_MANAGEMENT_ADMIN"
    OPTION_MANAGEMENT_READ = "ROLE_OPTION_MANAGEMENT_READ"
    USER_MANAGEMENT_ADMIN = "ROLE_USER_MANAGEMENT_ADMIN"
    USER_MANAGEMENT_READ = "ROLE_USER_MANAGEMENT_READ"
    USER_MANAGEMENT_OWN_READ = "ROLE_USER_MANAGEMENT_OWN_READ"
    USER_MANAGEMENT_OWN_ADMIN = "ROLE_USER_MANAGEMENT_OWN_ADMIN"
    IDENTITY_ADMIN = "ROLE_IDENTITY_ADMIN"
    IDENTITY_READ = "ROLE_IDENTITY_READ"
    INVENTORY_ADMIN = "ROLE_INVENTORY_ADMIN"
    INVENTORY_READ = "ROLE_INVENTORY_READ"
    INVENTORY_CREATE = "ROLE_INVENTORY_CREATE"
    MEASUREMENT_ADMIN = "ROLE_MEASUREMENT_ADMIN"
    MEASUREMENT_READ = "ROLE_MEASUREMENT_READ"
    EVENT_ADMIN = "ROLE_EVENT_ADMIN"
    EVENT_READ = "ROLE_EVENT_READ"
    ALARM_ADMIN = "ROLE_ALARM_ADMIN"
    ALARM_READ = "ROLE_ALARM_READ"
    DEVICE_CONTROL_ADMIN = "ROLE_DEVICE_CONTROL_ADMIN"
    DEVICE_CONTROL_READ = "ROLE_DEVICE_CONTROL_READ"
    DEVICE_BOOTSTRAP = "ROLE_DEVICE_BOOTSTRAP"
    DEVICE = "ROLE_DEVICE"
    AUDIT_ADMIN = "ROLE_AUDIT_ADMIN"
    AUDIT_READ = "ROLE_AUDIT_READ"


class UserKind(StrEnum):
    """Whether a user is somebody or something."""

    PERSON = "PERSON"
    DEVICE = "DEVICE"


ADMINS = "admins"
READERS = "readers"
DEVICES = "devices"
BOOTSTRAP = "bootstrap"
"""Of the users with whose password new devices ask for credentials of their own."""

_NOT_FOR_ADMINISTRATORS = frozenset({Role.DEVICE, Role.DEVICE_BOOTSTRAP})

ROLES_OF_GROUP: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        ADMINS: frozenset(Role) - _NOT_FOR_ADMINISTRATORS,
        READERS: frozenset({Role.USER_MANAGEMENT_OWN_ADMIN, *(role for role in Role if role.endswith("_READ"))}),
        DEVICES: frozenset({Role.DEVICE, Role.USER_MANAGEMENT_OWN_READ, Role.INVENTORY_CREATE}),
        BOOTSTRAP: frozenset({Role.DEVICE_BOOTSTRAP}),
    }
)
"""What the members of a group may do. A device works on the objects it owns without a further role."""


def exceeds(groups: frozenset[str], roles: frozenset[Role]) -> bool:
    """Tell whether ``groups`` give a right that ``roles`` lack; what every device holds does not count."""
    return not roles_of(groups) - _NOT_FOR_ADMINISTRATORS <= roles | roles_of(frozenset({DEVICES}))


def roles_of(groups: frozenset[str]) -> frozenset[Role]:
    """Return all roles that membership in ``groups`` gives; unknown groups give none."""
    return frozenset().union(*(ROLES_OF_GROUP.get(group, frozenset()) for group in groups))


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, after authentication."""

    tenant: TenantId
    user_name: str
    kind: UserKind
    roles: frozenset[Role]

    def has_any(self, *roles: Role) -> bool:
        """Tell whether the caller holds at least one of ``roles``."""
        return not self.roles.isdisjoint(roles)
