"""Acknowledged QoS 1 messages for one second of CPU.

mosquitto routes each message to one subscriber and keeps nothing. certinel parses the same message as SmartREST and
acknowledges it when it is stored for good; nobody subscribes to what devices send.
"""

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import uvloop

from bench.connect import Figures
from bench.fleet import make_fleet
from bench.load import cpu_for_messages
from bench.servers import Server, mosquitto, node
from certinel.simulation.fleet import Identity

PUBLISHERS = 20
WINDOWS = (1, 20)
"""Messages that a device has under way at once."""


def messages_per_cpu_second(
    server: Server, devices: Sequence[Identity], count: int, window: int, listening: Identity | None = None
) -> float:
    """All devices publish at once; the time of their connects is not counted."""
    windows = count // len(devices) // window
    used = uvloop.run(cpu_for_messages(server, devices, listening, window, windows))
    return windows * window * len(devices) / used


def measure(directory: Path, *, count: int, rounds: int, progress: Callable[[str], None]) -> dict[str, Figures]:
    """Messages for each window and server, the median over rounds in which the servers take turns."""
    fleet = make_fleet(directory / "publish", "ec", PUBLISHERS + 1)
    devices, listening = fleet.devices[:PUBLISHERS], fleet.devices[-1]
    found: dict[str, dict[str, list[float]]] = {}
    with ExitStack() as stack:
        broker = stack.enter_context(mosquitto(fleet, directory / "publish"))
        ours = stack.enter_context(node(fleet, directory / "publish"))
        for number in range(rounds):
            progress(f"publish, round {number + 1} of {rounds}")
            for window in WINDOWS:
                by_server = found.setdefault(f"{PUBLISHERS} devices, {window} under way each", defaultdict(list))
                by_server[broker.name].append(messages_per_cpu_second(broker, devices, count, window, listening))
                by_server[ours.name].append(messages_per_cpu_second(ours, devices, count, window))
    return {
        case: {server: statistics.median(values) for server, values in by_server.items()}
        for case, by_server in found.items()
    }
