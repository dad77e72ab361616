"""The connects that each tenant may have: charged for its devices, reserved for who only names it. Without I/O.

A stranger can name a tenant whose domain it knows, and stay silent. So what is only named is bounded, and given back as
soon as the connection is decided on, or gone.
"""

from collections import Counter

from certinel.domain.identifiers import TenantId
from certinel.gateway.buckets import Buckets, Rate


class Shares:
    """One share a tenant. What is charged leaks away with time, what is reserved stays until it is given back.

    Both together never exceed a tenant's burst, so who has reserved a connect and gives it back finds room for it.
    """

    def __init__(self, rate: Rate) -> None:
        self._charged: Buckets[TenantId] = Buckets(rate)
        self._reserved: Counter[TenantId] = Counter()
        self._most_reserved = rate.burst // 2
        """The other half is always there for devices that name nobody, and runs at its full rate."""

    def has_room(self, tenant: TenantId, now: float) -> bool:
        """Tell whether ``charge`` would succeed."""
        return self._charged.has_room(tenant, now, beside=self._reserved[tenant])

    def charge(self, tenant: TenantId, now: float) -> bool:
        """Charge a connect; False, and no charge, if there is no room."""
        return self._charged.take(tenant, now, beside=self._reserved[tenant])

    def give_back(self, tenant: TenantId) -> None:
        """Undo a ``charge`` of this moment."""
        self._charged.give_back(tenant)

    def reserve(self, tenant: TenantId, now: float) -> "Reservation":
        """Keep room for one connect; ``NOTHING_RESERVED`` if there is none, or half of the burst is kept already."""
        if self._reserved[tenant] >= self._most_reserved or not self.has_room(tenant, now):
            return NOTHING_RESERVED
        self._reserved[tenant] += 1
        return Reservation(self._reserved, tenant)


class Reservation:
    """Room for one connect, kept for a connection that has named its tenant and proven nothing."""

    __slots__ = ("_reserved", "_tenant")

    def __init__(self, reserved: Counter[TenantId] | None, tenant: TenantId) -> None:
        """Of one that was counted in ``reserved`` already."""
        self._reserved = reserved
        self._tenant = tenant

    def give_back(self) -> None:
        """Keep it no longer; harmless when that has been said before."""
        if self._reserved is not None:
            self._reserved[self._tenant] -= 1
            if not self._reserved[self._tenant]:
                del self._reserved[self._tenant]
            self._reserved = None


NOTHING_RESERVED = Reservation(None, TenantId(""))
"""For a connection that named no tenant, or came when enough was reserved already."""
