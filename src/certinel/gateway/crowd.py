"""What a node owes to whom when more connect than it can serve: turns, a tenant's share, who was refused lately.

Everything here is in memory of one node and says nothing about trust: who may connect is decided elsewhere.
"""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import TenantId
from certinel.gateway.buckets import Buckets, Rate
from certinel.gateway.limits import MAX_REMEMBERED_ADDRESSES, Network, UnderWay
from certinel.gateway.shares import NOTHING_RESERVED, Reservation, Shares
from certinel.gateway.turns import Turns, Work
from certinel.services.admission import Applicant
from certinel.services.recent import Recent

CONNECTS_OF_TENANT = Rate(per_second=1_000.0, burst=20_000)
FAILURES_OF_ADDRESS = Rate(per_second=200.0, burst=2_000)
FAILURES_OF_CERTIFICATE = Rate(per_second=1.0, burst=20)

MANY_DEVICES = "too many devices connect at the same time"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdOptions:
    """How much of a node the connections of one tenant, address or certificate may take."""

    connects_of_tenant: Rate = CONNECTS_OF_TENANT
    """Connects of one tenant's devices; those beyond are told to come again later."""

    failures_of_address: Rate = FAILURES_OF_ADDRESS
    """Refused connects of an address; beyond, only chains that have verified before are looked at."""

    failures_of_certificate: Rate = FAILURES_OF_CERTIFICATE
    """Refused connects with one device certificate; beyond, it is told to come again later."""

    max_unsettled: int = 10_000
    """Connections between the TLS handshake and the answer to CONNECT."""

    max_unsettled_per_address: int = 2_000
    """The same, from one address."""


class Unsettled(Protocol):
    """A connection that waits for its CONNECT, or for the answer."""

    def make_room(self) -> None:
        """End, and settle, because others have waited for a place."""


class Crowd:
    """Fairness among those who connect to one node.

    Nobody can use up what is owed to another: a tenant is charged for connects that turn out to be its devices', an
    address and a certificate for refusals of their own.
    """

    def __init__(
        self,
        options: CrowdOptions | None = None,
        tenant_of_domain: Callable[[str], TenantId | None] = lambda _: None,
    ) -> None:
        options = options or CrowdOptions()
        self._tenant_of_domain = tenant_of_domain
        self._turns = Turns()
        self._connects = Shares(options.connects_of_tenant)
        self._failures_of_network: Buckets[Network] = Buckets(options.failures_of_address)
        self._failures_of_leaf: Buckets[bytes] = Buckets(options.failures_of_certificate)
        self._unsettled: UnderWay[Network, Unsettled] = UnderWay(
            options.max_unsettled, options.max_unsettled_per_address
        )
        self._tenant_at: Recent[Network, TenantId] = Recent(MAX_REMEMBERED_ADDRESSES)

    def take_turn(self, group: Hashable, network: Network, work: Work) -> None:
        """Do ``work`` for a connection when its turn comes: groups take turns, in them networks."""
        self._turns.take(group, network, work)

    # ---- before the handshake

    def expect(self, newcomers: int) -> None:
        """Let work stand back until so many who were just accepted can have been heard."""
        self._turns.expect(newcomers)

    def group_at(self, server_name: str | None, network: Network) -> TenantId | None:
        """Return the tenant with whose connections one is counted that has shown nothing yet but a name.

        That is the tenant whose own domain was asked for, else the one whose device came from there last.
        """
        named = self._tenant_of_domain(server_name) if server_name else None
        return named or self._tenant_at.get(network)

    def has_room_for(self, server_name: str | None) -> bool:
        """Tell whether the tenant whose own domain is asked for, if it is one, may have another connect now."""
        named = self._tenant_of_domain(server_name) if server_name else None
        return named is None or self._connects.has_room(named, self._now)

    def reserve(self, server_name: str | None) -> Reservation:
        """Charge the tenant whose own domain is asked for, until the connection is decided on or gone.

        Up to half of what is owed to its devices; beyond that it is only looked at whether there is room. Else anybody
        who knows the domain could use up all of it.
        """
        named = self._tenant_of_domain(server_name) if server_name else None
        return self._connects.reserve(named, self._now) if named is not None else NOTHING_RESERVED

    # ---- between the handshake and the answer to CONNECT

    def arrive(self, network: Network, connection: Unsettled) -> bool:
        """Count a connection that is still to be answered; False if there are too many of them."""
        if self._unsettled.begin(network, connection):
            return True
        displaced = self._unsettled.displaced_by(network)
        if displaced is None:
            return False
        displaced.make_room()
        return self._unsettled.begin(network, connection)

    def make_room(self, network: Network) -> bool:
        """End a connection that is still to be answered for one of ``network``, because a port is full."""
        displaced = self._unsettled.displaced_by(network, is_full=True)
        if displaced is not None:
            displaced.make_room()
        return displaced is not None

    def settle(self, network: Network, connection: Unsettled) -> None:
        """A connection that was counted has been answered, or has gone."""
        self._unsettled.end(network, connection)

    def hold_up(self, applicant: Applicant, network: Network) -> Refusal | None:
        """Return why a connect must come again later, before any signature is looked at.

        The tenant of a chain that has verified before is charged. Whose any other is, is not known yet, and a stranger
        shall not learn that the name of its issuer is known here: ``admitted`` charges its tenant. What the connection
        has reserved is to be given back just before.
        """
        now, tenant = self._now, _charged(applicant)
        if applicant.leaf and not self._failures_of_leaf.has_room(applicant.leaf, now):
            return _later("this certificate was refused too often in a short time", tenant)
        if not applicant.is_known and not self._failures_of_network.has_room(network, now):
            return _later("too many connections from this address were refused in a short time", tenant)
        if tenant is not None and not self._connects.charge(tenant, now):
            return _later(MANY_DEVICES, tenant)
        return None

    def admitted(self, applicant: Applicant, network: Network, tenant: TenantId) -> Refusal | None:
        """A connect that was not held up may come in, unless it is beyond its tenant's share: return that then."""
        if not self._recharge(applicant, tenant):
            return _later(MANY_DEVICES, tenant)
        self._tenant_at.put(network, tenant)
        self._failures_of_leaf.forget(applicant.leaf)
        return None

    def refused(self, applicant: Applicant, network: Network, refusal: Refusal) -> None:
        """A connect that was not held up is refused; a node's own trouble is no failure of who connects."""
        self._recharge(applicant, refusal.tenant)
        if refusal.code in {Code.STALE_NODE, Code.TRY_LATER}:
            return
        self._failures_of_network.take(network, self._now)
        if applicant.leaf:
            self._failures_of_leaf.take(applicant.leaf, self._now)

    def _recharge(self, applicant: Applicant, tenant: TenantId | None) -> bool:
        """Charge the tenant that the connect proved to belong to, if it is not charged already; False without room."""
        charged = _charged(applicant)
        if charged == tenant:
            return True
        if charged is not None:
            self._connects.give_back(charged)
        return tenant is None or self._connects.charge(tenant, self._now)

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _charged(applicant: Applicant) -> TenantId | None:
    """Return who is charged before the decision: only a chain that has verified tells for certain whose it is."""
    return applicant.tenant if applicant.is_known else None


def _later(reason: str, tenant: TenantId | None) -> Refusal:
    return Refusal(Code.TRY_LATER, {"reason": reason}, tenant=tenant)
