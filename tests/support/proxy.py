"""What a load balancer sends in front of a connection."""

import ipaddress
import struct

from certinel.gateway.proxy_header import SIGNATURE


def proxy_header(source: tuple[str, int], *, values: bytes = b"") -> bytes:
    """A header of PROXY protocol version 2 for a TCP connection from ``source``."""
    address = ipaddress.ip_address(source[0])
    destination = b"\0" * len(address.packed)
    body = address.packed + destination + struct.pack("!HH", source[1], 8883) + values
    family = b"\x11" if address.version == 4 else b"\x21"
    return SIGNATURE + b"\x21" + family + struct.pack("!H", len(body)) + body
