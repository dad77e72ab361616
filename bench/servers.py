"""The servers that are measured, each in a process of its own."""

import base64
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.fleet import Fleet

MOSQUITTO = "/usr/sbin/mosquitto"
PASSWORD = "bench admin password"  # noqa: S105 - of a node that lives for seconds
START_SECONDS = 60
_WHOLE_PROCESS_CLOCK = 2


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def cpu_seconds(self) -> float:
        """All CPU time of the process so far, of threads that have ended too, in user and kernel mode."""
        return time.clock_gettime((~self.process.pid << 3) | _WHOLE_PROCESS_CLOCK)  # clock_getcpuclockid(3)


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(
    name: str, command: list[str], port: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=dict(os.environ) | dict(environment or {})
        )
    try:
        _wait_for(port, process, log)
        yield Server(name, port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(START_SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{process.args!r} did not start:\n{log.read_text()}") from None
            time.sleep(0.05)
        else:
            return


@contextmanager
def mosquitto(fleet: Fleet, directory: Path) -> Iterator[Server]:
    """Debian's mosquitto, which verifies every client against the fleet's CA, and logs connections as we do."""
    port = free_port()
    settings = directory / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\ncafile {fleet.authority}\ncertfile {fleet.server_certificate}\n"
        f"keyfile {fleet.server_key}\nrequire_certificate true\nuse_identity_as_username true\n"
        "allow_anonymous true\npersistence false\nmax_queued_messages 0\nuser root\n"
    )
    with _running("mosquitto", [MOSQUITTO, "-c", str(settings)], port, directory / "mosquitto.log") as server:
        yield server


@contextmanager
def tls_only(fleet: Fleet, directory: Path) -> Iterator[Server]:
    """Our TLS layer and listener with a protocol that accepts every CONNECT."""
    port = free_port()
    command = [sys.executable, "-m", "bench.tls_only", str(port), str(fleet.server_certificate), str(fleet.server_key)]
    with _running("TLS only", command, port, directory / "tls-only.log") as server:
        yield server


@dataclass(frozen=True, slots=True)
class Node(Server):
    """A running node of ours, and its tenant's administrator."""

    https_port: int
    server_authority: Path

    def memory_mib(self) -> float:
        """Memory of the process that is in use."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def trust(self, authority: Path, tenant: str = "t1000") -> str:
        """Upload a CA with auto-registration; its fingerprint."""
        body = {"name": "bench", "status": "ENABLED", "autoRegistrationEnabled": True}
        answer = self._call("POST", "", body | {"certInPemFormat": authority.read_text()}, tenant)
        return str(answer["fingerprint"])

    def disable(self, fingerprint: str) -> None:
        """Trust a CA no more."""
        self._call("PUT", f"/{fingerprint}", {"status": "DISABLED"})

    def _call(self, method: str, path: str, body: Mapping[str, object], tenant: str = "t1000") -> dict[str, object]:
        credentials = base64.b64encode(f"{tenant}/admin:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(
            f"https://localhost:{self.https_port}/tenant/tenants/{tenant}/trusted-certificates{path}",
            json.dumps(body).encode(),
            {"Authorization": f"Basic {credentials}", "Content-Type": "application/json", "Accept": "application/json"},
            method=method,
        )
        context = ssl.create_default_context(cafile=str(self.server_authority))
        with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310 - our own https
            read: dict[str, object] = json.loads(answer.read())
            return read


@contextmanager
def node(fleet: Fleet, directory: Path) -> Iterator[Node]:
    """``certinel serve``; started again on the same directory it knows its devices but has verified none of them."""
    data, log = directory / "node", directory / "node.log"
    port, https_port = free_port(), free_port()
    environment = {
        "CERTINEL_ADMIN_PASSWORD": PASSWORD,
        "CERTINEL_TLS__CERTIFICATE": str(fleet.server_certificate),
        "CERTINEL_TLS__KEY": str(fleet.server_key),
    }
    command = [sys.executable, "-m", "certinel", "serve", "--data-dir", str(data), "--http-port", "off"]
    command += ["--host", "127.0.0.1", "--mqtt-port", str(port), "--https-port", str(https_port)]
    is_new = not data.exists()
    with _running("certinel", command, port, log, environment) as server:
        running = Node(server.name, server.port, server.process, https_port, fleet.authority)
        if is_new:
            running.trust(fleet.authority)
        yield running
