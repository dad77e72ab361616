"""Who is connected to this node right now, for those who look at devices. Written by the gateway only."""

from collections.abc import Mapping
from datetime import datetime

from certinel.domain.identifiers import DeviceId, TenantId
from certinel.services.clock import Clock


class Presence:
    """The connected devices of each tenant, and since when. In memory; of one node."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[TenantId, dict[DeviceId, datetime]] = {}

    def arrived(self, tenant: TenantId, device: DeviceId) -> None:
        """Note that a device is connected; a new connection takes the place of an earlier one."""
        self._since.setdefault(tenant, {})[device] = self._clock.now()

    def left(self, tenant: TenantId, device: DeviceId) -> None:
        """Note that a device is not connected any more."""
        self._since.get(tenant, {}).pop(device, None)

    def connected(self, tenant: TenantId) -> Mapping[DeviceId, datetime]:
        """Return the connected devices of ``tenant`` with the moment since when; to be looked at, not to be kept."""
        return self._since.get(tenant, {})
