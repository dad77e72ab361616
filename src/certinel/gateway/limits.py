"""What strangers may take: connections, handshakes under way, new connections a second.

Everything here is per listener, in memory, and decided before a byte of the peer reaches OpenSSL.
"""

import socket
from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerOptions:
    """What the connections of one port may take. Addresses can be shared by a whole site, so theirs are generous."""

    handshake_seconds: float = 50.0
    """A peer that has not finished the TLS handshake by then is dropped. Slow and HSM-backed devices need this long."""

    max_handshakes: int = 10_000
    """TLS handshakes under way at one moment."""

    max_handshakes_per_address: int = 2_000
    """The same, from one IPv4 address or one IPv6 /64."""

    max_connections: int = 100_000
    """Connections at one moment, in whatever state."""

    connections_per_second_per_address: float = 1_000.0
    """How many new connections an address may open in the long run; 0 for no limit."""

    connection_burst_per_address: int = 5_000
    """How many it may open at once after a quiet time."""

    linger_seconds: float = 3.0
    """How long a connection we have closed is kept so that the peer gets its last bytes, and not a reset."""

    dead_peer_seconds: int = 120
    """A peer that takes none of what was sent to it for so long is dropped (the system's TCP_USER_TIMEOUT)."""

    backlog: int = 1_024
    """Connections the system may hold ready before they are accepted."""

    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Load balancers: each of their TLS connections has to begin with a PROXY protocol header, version 2."""

    reuse_port: bool = False
    """Let several processes listen on the same port (SO_REUSEPORT)."""


MAX_REMEMBERED_ADDRESSES = 65_536
"""Bounds the memory of the buckets; beyond, the oldest are forgotten, which forgives and never refuses."""


def network_of(host: str) -> str | bytes:
    """Who shares the limits of this peer: an IPv4 address, or all of an IPv6 /64, which one host can fill at will."""
    if ":" not in host:
        return host
    return socket.inet_pton(socket.AF_INET6, host.partition("%")[0])[:8]


class AddressLimits:
    """Counts handshakes under way and charges a bucket for each connection. The caller brings the monotonic time."""

    def __init__(self, options: ListenerOptions) -> None:
        self._options = options
        self._under_way: Counter[str | bytes] = Counter()
        self._total = 0
        rate = options.connections_per_second_per_address
        self._cost = 1 / rate if rate else 0.0
        self._depth = self._cost * options.connection_burst_per_address
        self._full_until: dict[str | bytes, float] = {}

    def begin(self, network: str | bytes, now: float) -> bool:
        """Charge a new connection and count its handshake; False if it must be turned away (then it is not counted)."""
        if not self._charge(network, now):
            return False
        options = self._options
        under_way = self._under_way[network]
        if self._total >= options.max_handshakes or under_way >= options.max_handshakes_per_address:
            if not under_way:
                del self._under_way[network]
            return False
        self._under_way[network] = under_way + 1
        self._total += 1
        return True

    def end(self, network: str | bytes) -> None:
        """A handshake that was begun is over, well or not."""
        self._total -= 1
        if self._under_way[network] <= 1:
            del self._under_way[network]
        else:
            self._under_way[network] -= 1

    def _charge(self, network: str | bytes, now: float) -> bool:
        """A leaky bucket kept as one number: the moment at which it will have run empty."""
        if not self._cost:
            return True
        full_until = max(self._full_until.pop(network, now), now)
        if full_until + self._cost - now > self._depth:
            self._full_until[network] = full_until
            return False
        self._full_until[network] = full_until + self._cost
        if len(self._full_until) > MAX_REMEMBERED_ADDRESSES:
            del self._full_until[next(iter(self._full_until))]
        return True
