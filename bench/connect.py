"""CPU for one connect: TCP, a full mutual-TLS handshake, CONNECT and CONNACK, and the end."""

import socket
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from ssl import TLSVersion

from bench.fleet import Device, make_fleet
from bench.servers import Server, mosquitto, node, tls_only

CASES = [(kind, version) for kind in ("ec", "rsa") for version in (TLSVersion.TLSv1_3, TLSVersion.TLSv1_2)]
AT_ONCE = 4
WARM_UP = 20
"""Connects that are not counted each time a node has started: what a process does only once is not what is asked."""

SETTLE_SECONDS = 0.2
"""For the server to clean up after the last connection."""

Figures = dict[str, float]


def mqtt_connect(client_id: str) -> bytes:
    """CONNECT of MQTT 3.1.1 with a clean session (3.1)."""
    name = client_id.encode()
    rest = b"\x00\x04MQTT\x04\x02\x00\x3c" + len(name).to_bytes(2, "big") + name
    return bytes([0x10, len(rest)]) + rest


def connect(device: Device, port: int) -> None:
    """One device that connects, is accepted, and leaves."""
    with socket.create_connection(("127.0.0.1", port)) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with device.context.wrap_socket(plain, server_hostname="localhost") as tls:
            tls.sendall(mqtt_connect(device.name))
            answer = tls.recv(4)
            if answer != b"\x20\x02\x00\x00":
                raise SystemExit(f"{device.name} was refused by the server on port {port}: {answer.hex()}")
            tls.sendall(b"\xe0\x00")


def milliseconds_per_connect(server: Server, devices: Sequence[Device]) -> float:
    """CPU time of the server, for each of these devices once."""
    before = server.cpu_seconds()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(lambda device: connect(device, server.port), devices):
            pass
        time.sleep(SETTLE_SECONDS)
    return (server.cpu_seconds() - before) * 1000 / len(devices)


def measure(directory: Path, *, count: int, rounds: int, progress: Callable[[str], None]) -> dict[str, Figures]:
    """Milliseconds of CPU for each case and server, the median over rounds in which the servers take turns."""
    figures: dict[str, Figures] = {}
    for kind in ("ec", "rsa"):
        progress(f"making {2 * count} devices with {kind} keys")
        fleet = make_fleet(directory / kind, kind, WARM_UP + 2 * count)
        warm_up, counted = fleet.devices[:WARM_UP], fleet.devices[WARM_UP:]
        halves = {TLSVersion.TLSv1_3: counted[:count], TLSVersion.TLSv1_2: counted[count:]}
        for version, devices in halves.items():
            for device in devices:
                device.context.minimum_version = device.context.maximum_version = version
        found: dict[TLSVersion, dict[str, list[float]]] = {version: defaultdict(list) for version in halves}
        with ExitStack() as stack:
            others = [stack.enter_context(start(fleet, directory / kind)) for start in (mosquitto, tls_only)]
            for number in range(rounds):
                progress(f"{kind}, round {number + 1} of {rounds}")
                with node(fleet, directory / kind) as ours:
                    for server in (*others, ours):
                        milliseconds_per_connect(server, warm_up)
                    for version, devices in halves.items():
                        for server in others:
                            found[version][server.name].append(milliseconds_per_connect(server, devices))
                        first = "certinel, new device" if number == 0 else "certinel, cold"
                        found[version][first].append(milliseconds_per_connect(ours, devices))
                        found[version]["certinel, warm"].append(milliseconds_per_connect(ours, devices))
        for version, by_server in found.items():
            case = f"{kind.upper()}, {version.name.replace('_', '.')}"
            figures[case] = {server: statistics.median(values) for server, values in by_server.items()}
    return figures
