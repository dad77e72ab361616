"""Names that travel between the layers, kept apart by the type checker."""

from typing import NewType

TenantId = NewType("TenantId", str)
"""The identifier of a tenant, as in ``t1000``; also the ``name`` of the current tenant in REST."""

DeviceId = NewType("DeviceId", str)
"""The device identifier: external id of type ``c8y_Serial``, common name of the device's certificate."""

Fingerprint = NewType("Fingerprint", str)
"""SHA-1 of a certificate's DER in 40 lower-case hexadecimal digits without colons, as the REST contract has it."""

MANAGEMENT_TENANT = TenantId("management")
"""The tenant of the platform's operator."""

DEVICE_USER_PREFIX = "device_"


def device_user_name(device: DeviceId) -> str:
    """Return the name of the user that stands for ``device`` (``device_<common name>``)."""
    return DEVICE_USER_PREFIX + device
