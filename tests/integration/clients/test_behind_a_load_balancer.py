"""A node behind a load balancer with PROXY protocol version 2: what is seen are the devices, not the balancer."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from certinel.mqtt import Connect, ProtocolVersion
from certinel.mqtt.encoding import encode
from support.certificates import DeviceFiles, root_authority
from support.node import ADMIN_PASSWORD, Node, eventually, started_node
from support.program import PATIENCE_SECONDS
from support.proxy import proxy_header


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Its balancer is whoever comes from this machine."""
    folder = tmp_path_factory.mktemp("behind")
    with started_node(folder / "data", GATEWAY__TRUSTED_PROXIES="127.0.0.0/8, ::1/128") as node:
        yield node


@contextmanager
def connected(port: int, source: tuple[str, int], context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    """TLS through the balancer, for a peer at ``source``."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as plain:
        plain.sendall(proxy_header(source))
        with context.wrap_socket(plain, server_hostname="localhost") as tls:
            yield tls


def asked(node: Node, path: str, user: str) -> dict[str, Any]:
    """By plain HTTP, the port for the machine itself, which has no balancer in front."""
    answer = httpx.get(f"http://127.0.0.1:{node.ports['http']}{path}", auth=(user, ADMIN_PASSWORD))
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


def addresses(node: Node, code: str, user: str) -> list[str]:
    found = asked(node, f"/certinel/connectionAttempts?code={code}", user)
    return [one["remoteAddress"] for one in found["connectionAttempts"]]


def test_attempts_and_log_have_the_address_of_the_device(node: Node, tmp_path: Path) -> None:
    stranger = root_authority("Nobody's CA").device("pump")
    files = DeviceFiles.of(stranger, tmp_path)
    context = ssl.create_default_context(cafile=node.server_ca)
    context.load_cert_chain(files.chain, files.key)
    with connected(node.mqtt_port, ("192.0.2.7", 4711), context) as tls:
        tls.sendall(encode(Connect("pump", ProtocolVersion.V3_1_1), ProtocolVersion.V3_1_1))
        assert tls.recv(4) == b"\x20\x02\x00\x05"
    eventually(lambda: addresses(node, "chain/unknown-issuer", "management/admin") == ["192.0.2.7"])
    node.logged("connection.refused", "192.0.2.7")


def test_failed_handshakes_have_the_address_of_the_device(node: Node) -> None:
    with socket.create_connection(("127.0.0.1", node.mqtt_port), timeout=PATIENCE_SECONDS) as plain:
        plain.sendall(proxy_header(("2001:db8::7", 4711)) + b"GET / HTTP/1.1\r\n\r\n")
        plain.recv(1024)
    eventually(lambda: addresses(node, "tls/plain-http", "management/admin") == ["2001:db8::7"])


def test_a_balancer_that_sends_no_header_finds_itself_among_the_attempts(node: Node) -> None:
    with socket.create_connection(("127.0.0.1", node.mqtt_port), timeout=PATIENCE_SECONDS) as plain:
        plain.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert plain.recv(1024) == b""
    eventually(lambda: addresses(node, "proxy/header", "management/admin") == ["127.0.0.1"])


def test_https_is_served_through_the_balancer(node: Node) -> None:
    context = ssl.create_default_context(cafile=node.server_ca)
    with connected(node.ports["https"], ("192.0.2.9", 4712), context) as tls:
        tls.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: tls.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200")
