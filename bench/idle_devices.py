"""Devices that connect and then only wait to be disconnected: ``python -m bench.idle_devices PORT FOLDER COUNT``.

A process of its own, since the node needs a core. It makes the devices and their CA in the folder and writes ``made``;
connects them when it reads a line, and writes ``ready``; and when the last one has been disconnected, the moments of
the first and of the last, by the machine's monotonic clock.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop
from typing_extensions import override

from bench.fleet import make_fleet
from bench.load import Device
from certinel.simulation.client_tls import ClientTls
from certinel.simulation.fleet import Identity

AT_ONCE = 32
"""Connects under way: most of the time of each is the wait for the node to store the new device."""


class IdleDevice(Device):
    """A device that remembers when it was disconnected."""

    @override
    def ended(self, reason: str) -> None:
        if self.ready.done():
            self.done.set_result(None)
            self.disconnected_at = time.monotonic()
        else:
            super().ended(reason)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def wait(port: int, identities: tuple[Identity, ...]) -> list[float]:
    """Connect all devices; return when each of them was disconnected."""
    tls, turns = ClientTls(), asyncio.Semaphore(AT_ONCE)
    devices = [IdleDevice(identity, port, tls) for identity in identities]

    async def connect(device: IdleDevice) -> None:
        async with turns:
            await device.connect()

    await asyncio.gather(*(connect(device) for device in devices))
    say("ready")
    await asyncio.gather(*(device.done for device in devices))
    return [device.disconnected_at for device in devices]


def main(port: int, folder: Path, count: int) -> None:
    fleet = make_fleet(folder, "ec", count, prefix="idle")
    say("made")
    sys.stdin.readline()
    moments = uvloop.run(wait(port, fleet.devices))
    say(json.dumps({"first": min(moments), "last": max(moments)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
