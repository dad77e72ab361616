"""Acknowledged QoS 1 messages for one second of CPU.

mosquitto routes each message to one subscriber and keeps nothing. certinel parses the same message as SmartREST and
acknowledges it when it is stored for good; nobody subscribes to what devices send.
"""

import socket
import ssl
import statistics
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.connect import Figures, mqtt_connect
from bench.fleet import Device, make_fleet
from bench.servers import Server, mosquitto, node

TOPIC = b"s/us"
PAYLOAD = b"200,c8y_Temperature,T,25.5,C"
PUBLISHERS = 20
WINDOWS = (1, 20)
"""Messages that a device has under way at once."""

_ANSWER_BYTES = 4
"""CONNACK and PUBACK are equally long in MQTT 3.1.1."""


@contextmanager
def connected(device: Device, port: int) -> Iterator[ssl.SSLSocket]:
    """A device that was accepted."""
    plain = socket.create_connection(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with plain, device.context.wrap_socket(plain, server_hostname="localhost") as tls:
        tls.sendall(mqtt_connect(device.name))
        if _read(tls, _ANSWER_BYTES) != b"\x20\x02\x00\x00":
            raise SystemExit(f"{device.name} was refused by the server on port {port}")
        yield tls


def _read(tls: ssl.SSLSocket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        some = tls.recv(count - len(received))
        if not some:
            raise SystemExit("the server closed a connection")
        received += some
    return received


def _publish(packet_id: int) -> bytes:
    rest = len(TOPIC).to_bytes(2, "big") + TOPIC + packet_id.to_bytes(2, "big") + PAYLOAD
    return bytes([0x32, len(rest)]) + rest


@contextmanager
def subscriber(device: Device, server: Server) -> Iterator[None]:
    """Somebody who wants every message, and throws it away."""
    with connected(device, server.port) as tls:
        tls.sendall(b"\x82\x09\x00\x01\x00\x04" + TOPIC + b"\x00")
        _read(tls, 5)
        reading = threading.Thread(target=_drain, args=(tls,), daemon=True)
        reading.start()
        yield
        tls.shutdown(socket.SHUT_RDWR)
        reading.join()


def _drain(tls: ssl.SSLSocket) -> None:
    try:
        while tls.recv(65536):
            pass
    except OSError:
        pass


def messages_per_cpu_second(server: Server, devices: Sequence[Device], count: int, window: int) -> float:
    """All devices publish at once; the time of their connects is not counted."""
    packets = [_publish(number + 1) for number in range(window)]
    ready = threading.Barrier(len(devices) + 1)
    windows = count // len(devices) // window

    def run(device: Device) -> None:
        with connected(device, server.port) as tls:
            ready.wait()
            for _ in range(windows):
                for packet in packets:
                    tls.sendall(packet)
                _read(tls, _ANSWER_BYTES * window)
            ready.wait()

    with ThreadPoolExecutor(len(devices)) as threads:
        running = [threads.submit(run, device) for device in devices]
        ready.wait()
        before = server.cpu_seconds()
        ready.wait()
        used = server.cpu_seconds() - before
        for one in running:
            one.result()
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
                with subscriber(listening, broker):
                    by_server[broker.name].append(messages_per_cpu_second(broker, devices, count, window))
                by_server[ours.name].append(messages_per_cpu_second(ours, devices, count, window))
    return {
        case: {server: statistics.median(values) for server, values in by_server.items()}
        for case, by_server in found.items()
    }
