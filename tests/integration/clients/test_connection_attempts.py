"""What the owner of a device sees of its attempts to connect, with real clients and a node in a process of its own."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from certinel.mqtt import Connect, ProtocolVersion
from certinel.mqtt.encoding import encode
from certinel.services.attempt_ledger import MAX_UNOWNED_OF_NETWORK
from integration.clients.test_command_line_tools import mosquitto
from support.certificates import DeviceFiles, MakeDevice, root_authority
from support.client_programs import paho
from support.node import ADMIN_PASSWORD, TENANT, Node, eventually

PATH = "/certinel/connectionAttempts"
OPERATOR = "management/admin"
PROMISED_SECONDS = 2
TRIES = 3
"""This machine may be busy with other tests; the promise is about a node that gets its turn."""


def attempts(node: Node, user: str = f"{TENANT}/admin", **query: object) -> list[dict[str, Any]]:
    with node.rest(user=user) as rest:
        answer = rest.get(PATH, params={"pageSize": 2000, **{name: str(value) for name, value in query.items()}})
    assert answer.is_success, answer.text
    found: list[dict[str, Any]] = answer.json()["connectionAttempts"]
    return found


def seen(node: Node, user: str = f"{TENANT}/admin", **query: object) -> dict[str, Any]:
    """The latest attempt of this kind, waiting for it."""
    eventually(lambda: bool(attempts(node, user, **query)))
    return attempts(node, user, **query)[0]


def test_refused_mosquitto_pub_is_visible_within_two_seconds(node: Node, make_device: MakeDevice) -> None:
    waited = []
    for number in range(TRIES):
        client_id = f"misnamed-{number}"
        refused = mosquitto("pub", node, make_device("named"), "-t", "s/us", "-m", "211,20", client_id=client_id)
        assert refused.status == 5
        begin = time.monotonic()
        eventually(lambda wanted=client_id: wanted in str(attempts(node, code="client-id/mismatch")))  # type: ignore[misc]
        waited.append(time.monotonic() - begin)
    assert min(waited) < PROMISED_SECONDS
    attempt = seen(node, code="client-id/mismatch")
    assert (attempt["device"], attempt["mqttVersion"], attempt["tlsVersion"]) == ("named", "V3_1_1", "TLSv1.3")


def test_connected_device_is_visible_with_its_trusted_certificate(node: Node, make_device: MakeDevice) -> None:
    device = make_device("seen")
    for _ in range(3):
        mosquitto("pub", node, device, "-t", "s/us", "-m", "211,20").succeeded()
    eventually(lambda: seen(node, device="seen")["count"] == 3)
    attempt = seen(node, device="seen", outcome="ADMITTED")
    assert attempt["trustedCertificate"] == attempt["chain"][1]["fingerprint"]
    assert len(attempts(node, device="seen")) == 1


def test_device_of_an_unknown_ca_is_the_operators_to_see(node: Node, tmp_path: Path) -> None:
    stranger = DeviceFiles.of(root_authority("Unheard-of CA").device("nobodys"), tmp_path)
    mosquitto("pub", node, stranger, "-t", "s/us", "-m", "211,20")
    assert seen(node, OPERATOR, device="nobodys")["code"] == "chain/unknown-issuer"
    assert attempts(node, device="nobodys") == []


def test_wrong_password_is_the_named_tenants_to_see(node: Node) -> None:
    with paho(node, "guesser", more=("--user", f"{TENANT}/admin", "--password", "wrong")) as conversation:
        conversation.wait_for("refused")
    attempt = seen(node, code="password/wrong", device="guesser")
    assert (attempt["userName"], attempt["device"], attempt["chain"]) == (f"{TENANT}/admin", "guesser", [])
    assert attempts(node, OPERATOR, device="guesser") == []


def test_wrong_password_for_a_tenant_that_does_not_exist_is_the_operators_to_see(node: Node) -> None:
    with paho(node, "lost", more=("--user", "t9/admin", "--password", "wrong")) as conversation:
        conversation.wait_for("refused")
    assert seen(node, OPERATOR, device="lost")["code"] == "password/wrong"


def test_right_password_is_visible_as_such(node: Node) -> None:
    with paho(node, "person", more=("--user", f"{TENANT}/admin", "--password", ADMIN_PASSWORD)) as conversation:
        conversation.wait_for("connected")
    assert seen(node, device="person")["outcome"] == "ADMITTED"


def test_client_without_tls_is_the_operators_to_see(node: Node) -> None:
    with socket.create_connection((node.host, node.mqtt_port)) as plain:
        plain.sendall(encode(Connect("plain", ProtocolVersion.V3_1_1), ProtocolVersion.V3_1_1))
        plain.settimeout(30)
        while plain.recv(1000):
            pass
    assert "Switch TLS on" in seen(node, OPERATOR, code="tls/not-tls")["remedy"]


def test_client_that_does_not_trust_the_node_is_the_operators_to_see(node: Node) -> None:
    untrusting = ssl.create_default_context()
    with socket.create_connection((node.host, node.mqtt_port)) as plain, pytest.raises(ssl.SSLError):
        untrusting.wrap_socket(plain, server_hostname=node.host)
    assert "server-ca.pem" in seen(node, OPERATOR, code="tls/server-not-trusted")["remedy"]


def test_garbage_after_the_handshake_is_the_operators_to_see(node: Node) -> None:
    trusting = ssl.create_default_context(cafile=str(node.server_ca))
    with (
        socket.create_connection((node.host, node.mqtt_port)) as plain,
        trusting.wrap_socket(plain, server_hostname=node.host) as secure,
    ):
        secure.sendall(b"GET / HTTP/1.1\r\n\r\n")
        secure.recv(1000)
    assert seen(node, OPERATOR, code="protocol/malformed")["remoteAddress"]


async def knock(node: Node, client_id: str, trust: ssl.SSLContext) -> None:
    reader, writer = await asyncio.open_connection(node.host, node.mqtt_port, ssl=trust)
    writer.write(encode(Connect(client_id, ProtocolVersion.V3_1_1), ProtocolVersion.V3_1_1))
    assert (await reader.read(4))[3:] == b"\x05"
    writer.transport.abort()


async def flood(node: Node, count: int) -> None:
    """Refused connections of one address, each with another client id."""
    trust = ssl.create_default_context(cafile=str(node.server_ca))
    turns = asyncio.Semaphore(10)

    async def one(number: int) -> None:
        async with turns:
            await knock(node, f"flood-{number}", trust)

    await asyncio.gather(*(one(number) for number in range(count)))


def test_flood_of_strangers_is_counted_and_takes_little_room(node: Node, make_device: MakeDevice) -> None:
    count = MAX_UNOWNED_OF_NETWORK + 100
    asyncio.run(flood(node, count))
    mosquitto("pub", node, make_device("unmoved"), "-t", "s/us", "-m", "211,20").succeeded()
    code = "tls/no-certificate"
    eventually(lambda: sum(one["count"] for one in attempts(node, OPERATOR, code=code)) >= count)
    entries = attempts(node, OPERATOR, code=code)
    assert len(entries) <= MAX_UNOWNED_OF_NETWORK + 2
    assert any(one["summary"] and one["count"] > 1 for one in entries)
    assert attempts(node, code=code) == []
