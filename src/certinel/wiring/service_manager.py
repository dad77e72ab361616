"""Tells who started this process how far it is, in systemd's way (sd_notify, ``Type=notify``).

Where nobody asked to be told nothing happens. That a message arrives is not checked: a node does not depend on it.
"""

import socket
from contextlib import suppress
from enum import StrEnum


class Stage(StrEnum):
    """What a service manager can do something with."""

    READY = "READY=1"
    STOPPING = "STOPPING=1"


def tell(address: str | None, stage: Stage, status: str) -> None:
    """Send the stage and a sentence for people; ``address`` is a socket's path, or a name with ``@`` in front."""
    if not address:
        return
    if address.startswith("@"):  # the abstract namespace of Linux
        address = f"\0{address[1:]}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel, suppress(OSError):
        channel.settimeout(0)
        channel.sendto(f"{stage}\nSTATUS={status}".encode(), address)
