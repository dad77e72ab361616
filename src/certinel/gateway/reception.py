"""What the connections of one listener share: who is let in, who still shakes hands, who is on the way out."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from certinel.gateway.buckets import Buckets, Rate
from certinel.gateway.crowd import Crowd
from certinel.gateway.deadlines import Deadlines
from certinel.gateway.handshake import HandshakeFailure, HandshakeFault
from certinel.gateway.limits import ListenerOptions, Network, UnderWay, network_of
from certinel.gateway.shares import NOTHING_RESERVED, Reservation

logger = logging.getLogger(__name__)

PeerName = tuple[Any, ...]
FailureListener = Callable[[HandshakeFailure, PeerName], None]


class Guest(Protocol):
    """A connection as the reception sees it."""

    peername: PeerName

    def handshake_expired(self) -> None:
        """The handshake took too long."""

    def linger_expired(self) -> None:
        """The peer had its time to take the last bytes."""

    def shutdown(self) -> None:
        """Come to an end in good order."""

    def abort(self) -> None:
        """End now."""


class Reception:
    """Admits connections within the limits and times what must not last."""

    def __init__(
        self,
        options: ListenerOptions,
        on_handshake_failed: FailureListener | None = None,
        crowd: Crowd | None = None,
        *,
        is_for_devices: bool = False,
    ) -> None:
        """Only where it is for devices, who asks for a tenant's own domain counts as one of that tenant's connects."""
        self._is_for_devices = is_for_devices
        self.crowd = crowd or Crowd()
        self._options = options
        rate = Rate(options.connections_per_second_per_address, options.connection_burst_per_address)
        self._connections: Buckets[Network] = Buckets(rate)
        self._under_way: UnderWay[Network, Guest] = UnderWay(options.max_handshakes, options.max_handshakes_per_address)
        self._on_handshake_failed = on_handshake_failed
        self._handshakes: Deadlines[Guest] = Deadlines(options.handshake_seconds, self._handshake_expired)
        self._lingering: Deadlines[Guest] = Deadlines(options.linger_seconds, lambda guest: guest.linger_expired())
        self._all_gone = asyncio.Event()
        self.guests: set[Guest] = set()
        self.is_closing = False

    @property
    def handshakes_under_way(self) -> int:
        """TLS handshakes that have begun and not ended."""
        return len(self._handshakes)

    def admit(self, guest: Guest) -> bool:
        """Let a connection in and watch over its handshake, or not; before any of its bytes is looked at."""
        now = asyncio.get_running_loop().time()
        network = network_of(guest.peername[0])
        if self.is_closing or not self._connections.take(network, now) or not self._has_place(network, guest):
            self.report(guest.peername, HandshakeFailure(HandshakeFault.OVERLOAD))
            return False
        self.guests.add(guest)
        self._handshakes.start(guest)
        return True

    def _has_place(self, network: Network, guest: Guest) -> bool:
        if len(self.guests) >= self._options.max_connections and not self._make_room(network):
            return False
        return self._under_way.begin(network, guest) or (
            self._displace(self._under_way.displaced_by(network)) and self._under_way.begin(network, guest)
        )

    def _make_room(self, network: Network) -> bool:
        """Find a place where all are taken: of one who is leaving anyway, else of one who has shown nothing yet.

        Sessions are never displaced; no tenant has all places (see `Sessions.refusal_of`).
        """
        leaving = self._lingering.longest()
        if leaving is not None:
            leaving.abort()
            self.leave(leaving)
            return True
        if self._displace(self._under_way.displaced_by(network, is_full=True)):
            return True
        return self._is_for_devices and self.crowd.make_room(network)

    def _displace(self, guest: Guest | None) -> bool:
        if guest is None:
            return False
        self.report(guest.peername, HandshakeFailure(HandshakeFault.OVERLOAD))
        guest.abort()
        self.leave(guest)
        return True

    def has_room_for(self, server_name: str | None) -> bool:
        """Tell whether OpenSSL shall see a connection that asks for this name."""
        return not self._is_for_devices or self.crowd.has_room_for(server_name)

    def reserve(self, server_name: str | None) -> Reservation:
        """Charge the tenant that is named, as far as may be: see `Crowd.reserve`."""
        return self.crowd.reserve(server_name) if self._is_for_devices else NOTHING_RESERVED

    def handshake_over(self, guest: Guest) -> None:
        """Stop watching a handshake, finished or failed; harmless when it is over already."""
        if self._handshakes.stop(guest):
            self._under_way.end(network_of(guest.peername[0]), guest)

    def report(self, peer: PeerName, failure: HandshakeFailure) -> None:
        """Log a failed handshake, and tell whoever counts them."""
        logger.info("TLS handshake with %s failed: %s: %s", peer[0], failure.fault, failure)
        if self._on_handshake_failed is not None:
            self._on_handshake_failed(failure, peer)

    def linger(self, guest: Guest) -> None:
        """Give a closed connection's peer time to take the last bytes."""
        self._lingering.start(guest)

    def leave(self, guest: Guest) -> None:
        """The connection is no more."""
        self.handshake_over(guest)
        self._lingering.stop(guest)
        self.guests.discard(guest)
        if self.is_closing and not self.guests:
            self._all_gone.set()

    async def close(self, grace_seconds: float) -> None:
        """Let nobody in, ask everybody to leave, and after the grace make them."""
        self.is_closing = True
        for guest in list(self.guests):
            guest.shutdown()
        if self.guests:
            try:
                async with asyncio.timeout(grace_seconds):
                    await self._all_gone.wait()
            except TimeoutError:
                logger.info("%d connections did not end in time and are cut", len(self.guests))
        while self.guests:
            for guest in list(self.guests):
                guest.abort()
            await asyncio.sleep(0)
        self._handshakes.cancel()
        self._lingering.cancel()

    def _handshake_expired(self, guest: Guest) -> None:
        self._under_way.end(network_of(guest.peername[0]), guest)
        guest.handshake_expired()
