"""What strangers may take: connections, handshakes under way, new connections a second.

Everything here is per listener, in memory, and decided before a byte of the peer reaches OpenSSL.
"""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Generic, TypeVar

from certinel.gateway.buckets import MAX_REMEMBERED, Key

Member = TypeVar("Member")


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


Network = str | bytes
"""Who shares the limits of an address: see `network_of`."""

MAX_REMEMBERED_ADDRESSES = MAX_REMEMBERED


def network_of(host: str) -> Network:
    """Who shares the limits of this peer: an IPv4 address, or all of an IPv6 /64, which one host can fill at will."""
    if ":" not in host:
        return host
    return socket.inet_pton(socket.AF_INET6, host.partition("%")[0])[:8]


class UnderWay(Generic[Key, Member]):
    """What is under way, by key, up to a limit in all and of each key."""

    def __init__(self, max_total: int, max_per_key: int) -> None:
        self._max_total = max_total
        self._max_per_key = max_per_key
        self._by_key: dict[Key, dict[Member, None]] = {}
        self._total = 0

    def begin(self, key: Key, member: Member) -> bool:
        """Count one more; False, and not counted, if that is too much."""
        if self._total >= self._max_total or len(self._by_key.get(key, ())) >= self._max_per_key:
            return False
        self._by_key.setdefault(key, {})[member] = None
        self._total += 1
        return True

    def displaced_by(self, key: Key, *, is_full: bool = False) -> Member | None:
        """Return who has to make room for one of ``key`` when there is none left: the earliest of the key with most.

        None when there is room, unless all else ``is_full``, when the limit of ``key`` itself is reached, and when no
        other key has more than ``key`` would have: so a few who take everything keep nobody out.
        """
        own = len(self._by_key.get(key, ()))
        if (self._total < self._max_total and not is_full) or own >= self._max_per_key:
            return None
        most = max(self._by_key.values(), key=len, default={})
        return next(iter(most)) if len(most) > own + 1 else None

    def end(self, key: Key, member: Member) -> None:
        """One that was begun is over, well or not."""
        members = self._by_key[key]
        del members[member]
        self._total -= 1
        if not members:
            del self._by_key[key]
