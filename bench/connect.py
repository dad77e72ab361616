"""CPU for one connect: TCP, a full mutual-TLS handshake, CONNECT and CONNACK, and the end."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import uvloop
from OpenSSL import SSL

from bench.fleet import make_fleet
from bench.servers import Server, mosquitto, node, tls_only
from certinel.mqtt.packets import ProtocolVersion
from certinel.simulation.client_tls import ClientTls, KeyExchange
from certinel.simulation.fleet import Identity
from certinel.simulation.plan import Plan, Scenario
from certinel.simulation.simulation import Simulation, Target

VERSIONS = {"TLSv1.3": SSL.TLS1_3_VERSION, "TLSv1.2": SSL.TLS1_2_VERSION}
AT_ONCE = 4
WARM_UP = 20
"""Connects that are not counted each time a node has started: what a process does only once is not what is asked."""

SETTLE_SECONDS = 0.2
"""For the server to clean up after the last connection."""

Figures = dict[str, float]


async def connect_all(devices: Sequence[Identity], port: int, tls_version: int | None) -> None:
    """Each device once, a few at a time: it connects, is accepted, and leaves."""
    plan = Plan(devices=len(devices), scenario=Scenario.STORM, times=1, at_once=AT_ONCE)
    # one key exchange for all: mosquitto's OpenSSL may know no post-quantum one; whom the load trusts is of no interest
    tls = ClientTls(key_exchange=KeyExchange.P256, only_version=tls_version)
    simulation = Simulation(plan, Target("localhost", port, "127.0.0.1"), tls, None, version=ProtocolVersion.V3_1_1)
    await simulation.run(devices)
    if simulation.tally.admitted != len(devices):
        raise SystemExit(f"the server on port {port} did not let everybody in: {dict(simulation.tally.unexpected)}")


def milliseconds_per_connect(server: Server, devices: Sequence[Identity], tls_version: int | None = None) -> float:
    """CPU time of the server, for each of these devices once."""
    before = server.cpu_seconds()
    uvloop.run(connect_all(devices, server.port, tls_version))
    time.sleep(SETTLE_SECONDS)
    return (server.cpu_seconds() - before) * 1000 / len(devices)


def measure(directory: Path, *, count: int, rounds: int, progress: Callable[[str], None]) -> dict[str, Figures]:
    """Milliseconds of CPU for each case and server, the median over rounds in which the servers take turns."""
    figures: dict[str, Figures] = {}
    for kind in ("ec", "rsa"):
        progress(f"making {2 * count} devices with {kind} keys")
        fleet = make_fleet(directory / kind, kind, WARM_UP + 2 * count)
        warm_up, counted = fleet.devices[:WARM_UP], fleet.devices[WARM_UP:]
        halves = dict(zip(VERSIONS, (counted[:count], counted[count:]), strict=True))
        found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in VERSIONS}
        with ExitStack() as stack:
            others = [stack.enter_context(start(fleet, directory / kind)) for start in (mosquitto, tls_only)]
            for number in range(rounds):
                progress(f"{kind}, round {number + 1} of {rounds}")
                with node(fleet, directory / kind) as ours:
                    for server in (*others, ours):
                        milliseconds_per_connect(server, warm_up)
                    for name, version in VERSIONS.items():
                        for server in others:
                            found[name][server.name].append(milliseconds_per_connect(server, halves[name], version))
                        first = "certinel, new device" if number == 0 else "certinel, cold"
                        found[name][first].append(milliseconds_per_connect(ours, halves[name], version))
                        found[name]["certinel, warm"].append(milliseconds_per_connect(ours, halves[name], version))
        for name, by_server in found.items():
            case = f"{kind.upper()}, {name}"
            figures[case] = {server: statistics.median(values) for server, values in by_server.items()}
    return figures
