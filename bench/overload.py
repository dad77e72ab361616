"""How long a well-behaved device takes to connect while others do what they can to keep the node busy.

The device comes from an address of its own, and has been there before. Its time is compared with that on the idle node
in the same run; attackers, node and device share the machine's cores, so part of what it waits for is the machine.
"""

import socket
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.attacks import KINDS, connects
from bench.connect import Figures
from bench.fleet import make_fleet
from bench.servers import Node, node
from certinel.mqtt.encoding import encode
from certinel.mqtt.packets import Connect, ProtocolVersion
from certinel.pki.chain import chain_to_pem
from certinel.pki.keys import key_to_pem
from certinel.simulation.fleet import Identity

DEVICES = 10
CONNECTS = 100
PAUSE_SECONDS = 0.02
SETTLE_SECONDS = 2.0
CONNACK_ACCEPTED = b"\x20\x02\x00\x00"


@dataclass(frozen=True, slots=True)
class CalmDevice:
    """A device that connects, is answered, and leaves."""

    name: str
    context: ssl.SSLContext

    @classmethod
    def of(cls, identity: Identity, folder: Path) -> "CalmDevice":
        path = folder / f"{identity.name}.pem"
        path.write_bytes(key_to_pem(identity.key) + chain_to_pem([identity.certificate, *identity.above]))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(path)
        return cls(identity.name, context)

    def connect(self, port: int) -> float:
        """Return the milliseconds from dialling to CONNACK."""
        begin = time.perf_counter()
        with (
            socket.create_connection(("127.0.0.1", port), timeout=60, source_address=("127.0.0.1", 0)) as dialled,
            self.context.wrap_socket(dialled, server_hostname="localhost") as tls,
        ):
            tls.sendall(encode(Connect(self.name, ProtocolVersion.V3_1_1), ProtocolVersion.V3_1_1))
            answer = tls.recv(4)
            if answer != CONNACK_ACCEPTED:
                raise SystemExit(f"{self.name} was answered {answer.hex()}")
            return (time.perf_counter() - begin) * 1000


def _connects(server: Node, devices: Sequence[CalmDevice]) -> Figures:
    taken = []
    for number in range(CONNECTS):
        taken.append(devices[number % len(devices)].connect(server.port))
        time.sleep(PAUSE_SECONDS)
    return {
        "median, ms": statistics.median(taken),
        "nine of ten within, ms": statistics.quantiles(taken, n=10)[-1],
        "memory of the node, MiB": server.memory_mib(),
    }


@contextmanager
def _attack(kind: str, server: Node, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.attacks", kind, str(server.port), str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if KINDS[kind][0] is connects:
            _read(process)
            if "tenant" in kind:
                server.trust(folder / "ca.pem", tenant="management")
            if process.stdin is not None:
                process.stdin.write("\n")
                process.stdin.flush()
        _read(process)
        time.sleep(SETTLE_SECONDS)
        yield process
    finally:
        process.kill()
        process.wait()


def _read(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise SystemExit("the attack has failed")
    return line


def measure(directory: Path, *, progress: Callable[[str], None]) -> dict[str, Figures]:
    """Connect times of the calm device on the idle node, and under each attack."""
    folder = directory / "overload"
    fleet = make_fleet(folder, "ec", DEVICES)
    devices = [CalmDevice.of(identity, folder) for identity in fleet.devices]
    with node(fleet, folder) as server:
        for device in devices:
            device.connect(server.port)
        progress("overload: idle")
        figures = {"idle": _connects(server, devices) | {"attackers' connections a second": 0.0}}
        for kind in KINDS:
            progress(f"overload: {kind}")
            with _attack(kind, server, folder / kind.replace(" ", "-")) as attack:
                figures[kind] = _connects(server, devices)
                attack.kill()
                seconds = [int(line) for line in attack.stdout or ()]
            figures[kind]["attackers' connections a second"] = statistics.mean(seconds) if seconds else 0.0
            time.sleep(SETTLE_SECONDS)
    return {
        kind: found | {"times idle": found["median, ms"] / figures["idle"]["median, ms"]}
        for kind, found in figures.items()
    }
