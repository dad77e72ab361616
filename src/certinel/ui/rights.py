"""What the pages show and do, and the roles that REST asks for the same: a test compares the two."""

from dataclasses import dataclass
from typing import Final

from certinel.domain.role import Role


@dataclass(frozen=True, slots=True)
class Right:
    """One of ``roles`` is needed, and perhaps that the caller is of the management tenant."""

    roles: tuple[Role, ...]
    in_management: bool = False


SEE_TRUST: Final = Right((Role.TENANT_MANAGEMENT_ADMIN, Role.TENANT_ADMIN, Role.TENANT_MANAGEMENT_READ))
CHANGE_TRUST: Final = Right((Role.TENANT_MANAGEMENT_ADMIN, Role.TENANT_ADMIN))
SEE_OPTIONS: Final = Right((Role.OPTION_MANAGEMENT_READ, Role.OPTION_MANAGEMENT_ADMIN))
CHANGE_OPTIONS: Final = Right((Role.OPTION_MANAGEMENT_ADMIN,))
SEE_DEVICES: Final = Right((Role.INVENTORY_READ, Role.INVENTORY_ADMIN))
CHANGE_DEVICES: Final = Right((Role.USER_MANAGEMENT_ADMIN, Role.TENANT_MANAGEMENT_ADMIN, Role.TENANT_ADMIN))
SEE_REGISTRATION: Final = Right((Role.DEVICE_CONTROL_READ, Role.DEVICE_CONTROL_ADMIN))
REGISTER: Final = Right((Role.DEVICE_CONTROL_ADMIN,))
SEE_USERS: Final = Right((Role.USER_MANAGEMENT_READ, Role.USER_MANAGEMENT_ADMIN))
CHANGE_USERS: Final = Right((Role.USER_MANAGEMENT_ADMIN,))
SEE_TENANTS: Final = Right((Role.TENANT_MANAGEMENT_READ, Role.TENANT_MANAGEMENT_ADMIN), in_management=True)
CHANGE_TENANTS: Final = Right((Role.TENANT_MANAGEMENT_ADMIN,), in_management=True)
