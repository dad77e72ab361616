"""Groups of devices in the inventory."""

from typing import Final

ROOT_GROUP: Final = "c8y_DeviceGroup"
"""The type of a group that is in no other group."""

SUBGROUP: Final = "c8y_DeviceSubgroup"
"""The type of a group inside another one."""

GROUP_FRAGMENT: Final = "c8y_IsDeviceGroup"

GroupPath = tuple[str, ...]
"""Names of groups, each inside the one before; empty for no group."""
