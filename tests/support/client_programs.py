"""The client programs that devices are built on, unmodified, each as a command line."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.certificates import DeviceFiles, Issued
from support.commands import run
from support.conversation import Conversation
from support.node import Node
from support.program import started
from support.seed_recipe import DEVICE_PASSWORD, STORE_PASSWORD, Device, make_keystores

REPOSITORY = Path(__file__).parents[2]
SOURCES = REPOSITORY / "tests/integration/clients"


def arguments(node: Node, client_id: str, device: DeviceFiles | None, *more: str) -> list[str | Path]:
    """The options that the Python and the JavaScript program share."""
    words: list[str | Path] = ["--host", node.host, "--port", str(node.mqtt_port), "--ca", node.server_ca]
    words += ["--client-id", client_id, *more]
    return words + (["--chain", device.chain, "--key", device.key] if device else [])


@contextmanager
def paho(
    node: Node, client_id: str, device: DeviceFiles | None = None, *, version: str = "3.1.1", more: Sequence[str] = ()
) -> Iterator[Conversation]:
    """paho-mqtt for Python."""
    words = arguments(node, client_id, device, "--version", version, *more)
    with started([sys.executable, SOURCES / "python/device.py", *words]) as program:
        yield Conversation(program)


@contextmanager
def mqtt_js(
    node: Node, client_id: str, device: DeviceFiles | None = None, *, version: str = "3.1.1", more: Sequence[str] = ()
) -> Iterator[Conversation]:
    """MQTT.js."""
    if not (SOURCES / "javascript/node_modules/mqtt").exists():
        pytest.skip("MQTT.js is not installed: npm could not fetch it (make setup-test)")
    words = arguments(node, client_id, device, "--version", version, *more)
    with started(["node", SOURCES / "javascript/device.js", *words]) as program:
        yield Conversation(program)


@dataclass(frozen=True, slots=True)
class Stores:
    """A device's key store and trust store, both with the same password."""

    common_name: str
    keystore: Path
    truststore: Path
    format: str
    """``JKS`` or ``PKCS12``."""
    truststore_format: str = "PKCS12"
    """keytool makes PKCS#12 unless it is asked for JKS, whatever the file is called."""

    @classmethod
    def made(cls, issued: Issued, common_name: str, store_format: str, server_ca: Path, folder: Path) -> Stores:
        """With openssl and keytool, as the recipe does it."""
        device = Device(folder)
        device.chain.write_text(issued.chain_pem)
        device.key.write_text(issued.key_pem(DEVICE_PASSWORD))
        make_keystores(device)
        device.run(
            f"keytool -importcert -noprompt -keystore truststore -alias server -file {server_ca}", [STORE_PASSWORD] * 2
        ).succeeded()
        return cls(common_name, folder / f"deviceKeystore.{store_format.lower()}", folder / "truststore", store_format)


@dataclass(frozen=True, slots=True)
class JavaProgram:
    """A client program in Java and the libraries it stands on."""

    name: str
    jars: tuple[Path, ...]
    missing: str
    """Said when the first of them is not here."""

    @contextmanager
    def connected(self, folder: Path, node: Node, stores: Stores) -> Iterator[Conversation]:
        """Run it against a node; ``folder`` keeps what the compiler makes for the next time."""
        if not self.jars[0].exists():
            pytest.skip(self.missing)
        classes = folder / self.name
        if not classes.exists():
            run("javac", "-d", classes, "-cp", _path(*self.jars), SOURCES / f"java/{self.name}.java").succeeded()
        words: list[str | Path] = [f"ssl://{node.host}:{node.mqtt_port}", stores.common_name]
        words += [stores.keystore, stores.format, stores.truststore, stores.truststore_format, STORE_PASSWORD]
        # Debian's client asks for the machine's own name, which not every container can resolve.
        hosts = folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
        # Several run side by side: one compiler thread and a small heap start quicker.
        options = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m", f"-Djdk.net.hosts.file={hosts}")
        with started(["java", *options, "-cp", _path(classes, *self.jars), self.name, *words]) as running:
            yield Conversation(running)


def _path(*parts: Path) -> str:
    return ":".join(map(str, parts))


ECLIPSE_PAHO = JavaProgram(
    "PahoDevice",
    (REPOSITORY / ".tools/paho-java/org.eclipse.paho.client.mqttv3-1.2.5.jar",),
    "Eclipse Paho for Java is not here: Maven's central repository could not be reached (make setup-test asks again)",
)
DEBIAN_CLIENT = JavaProgram(
    "FuseDevice",
    tuple(
        Path("/usr/share/java") / name
        for name in ("mqtt-client.jar", "hawtbuf.jar", "hawtdispatch.jar", "hawtdispatch-transport.jar")
    ),
    "Debian's package libmqtt-client-java is not installed",
)
