"""Revoking a device that is connected with mosquitto's tools, by REST calls to a real node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from cryptography import x509

from support.certificates import DeviceFiles, Issued, MakeDevice
from support.client_programs import paho
from support.commands import run
from support.node import Node
from support.program import Program, started
from support.revocation_lists import current, revocation_list

CRL = "/tenant/trusted-certificates/settings/crl"
OFFLINE = "/tenant/options/configuration/crl.offline.check.enabled"


def options(node: Node, device: DeviceFiles) -> list[str]:
    words = ["-h", node.host, "-p", node.mqtt_port, "--cafile", node.server_ca]
    words += ["--cert", device.chain, "--key", device.key, "-i", device.common_name, "-q", "1"]
    return [str(word) for word in words]


def token_of(node: Node, device: DeviceFiles) -> str:
    asked = run("mosquitto_rr", *options(node, device), "-V", "mqttv311", "-t", "s/uat", "-e", "s/dat", "-n")
    return asked.succeeded().output.strip().removeprefix("71,")


def is_token_good(node: Node, token: str) -> bool:
    with node.rest(token=token) as rest:
        return rest.get("/inventory/managedObjects").status_code == httpx.codes.OK


@contextmanager
def subscribed(node: Node, device: DeviceFiles) -> Iterator[Program]:
    """A session of ``mosquitto_sub``, which writes line by line only if it is told to (stdbuf)."""
    with started(["stdbuf", "-oL", "mosquitto_sub", *options(node, device), "-t", "s/e", "-d"]) as program:
        assert program.wait_until(lambda: "Subscribed" in program.text), program.text
        yield program


def serial_of(device: DeviceFiles) -> int:
    return x509.load_pem_x509_certificates(device.chain.read_bytes())[0].serial_number


def assert_thrown_out(program: Program) -> None:
    """The client reconnects by itself, is refused, and gives up."""
    assert program.wait_until(lambda: "not authorised" in program.text), program.text


@pytest.fixture
def offline_check(node: Node) -> Iterator[None]:
    node.call("PUT", OFFLINE, {"value": True})
    yield
    node.call("PUT", OFFLINE, {"value": False})


@pytest.mark.usefixtures("offline_check")
def test_revoked_device_loses_session_token_and_right_to_connect(node: Node, make_device: MakeDevice) -> None:
    device, other = make_device("stolen"), make_device("kept")
    token, other_token = token_of(node, device), token_of(node, other)
    with subscribed(node, device) as session, subscribed(node, other) as other_session:
        node.call("PUT", CRL, {"crls": [{"serialNumberInHex": f"{serial_of(device):X}"}]})
        assert not is_token_good(node, token)
        assert_thrown_out(session)
        assert is_token_good(node, other_token)
        assert not other_session.ended
    node.logged("revocation/device", "stolen")


def test_revoked_device_is_thrown_out_when_the_check_is_switched_on(node: Node, make_device: MakeDevice) -> None:
    device = make_device("stolen-before")
    token = token_of(node, device)
    with subscribed(node, device) as session:
        node.call("POST", "/certinel/revocations", {"certInPemFormat": device.chain.read_text()})
        assert is_token_good(node, token)
        node.call("PUT", OFFLINE, {"value": "true"})
        assert not is_token_good(node, token)
        assert_thrown_out(session)
    node.call("PUT", OFFLINE, {"value": "false"})
    assert is_token_good(node, token)


def test_device_on_its_cas_list_is_thrown_out_until_the_list_is_deleted(
    node: Node, fleet: Issued, make_device: MakeDevice
) -> None:
    device = make_device("on-the-list")
    token = token_of(node, device)
    with subscribed(node, device) as session, node.rest() as rest:
        der = revocation_list(fleet, [serial_of(device)], **current(datetime.now(UTC)))
        uploaded = rest.post("/certinel/revocationLists", content=der)
        assert uploaded.status_code == httpx.codes.CREATED, uploaded.text
        assert not is_token_good(node, token)
        assert_thrown_out(session)
        assert rest.delete(f"/certinel/revocationLists/{uploaded.json()['id']}").status_code == httpx.codes.NO_CONTENT
    with paho(node, "on-the-list", device) as conversation:
        conversation.wait_for("connected")
