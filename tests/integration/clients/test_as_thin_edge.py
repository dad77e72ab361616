"""What ``tedge connect c8y`` does on the wire, by paho-mqtt and mosquitto; thin-edge.io itself is not to be had here.

The bridge has the settings and topics that thin-edge.io gives to mosquitto for this kind of platform.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.certificates import DeviceFiles, MakeDevice, self_signed_device
from support.client_programs import paho
from support.commands import run
from support.node import Node
from support.page import program
from support.program import Program, started
from support.reader import free_port

UP = (
    *("s/ut/#", "s/us/#", "t/us/#", "q/us/#", "c/us/#", "s/uc/#", "t/uc/#", "q/uc/#", "c/uc/#"),
    *("inventory/managedObjects/update/#", "measurement/measurements/create", "measurement/measurements/createBulk"),
    *("event/events/create", "event/events/createBulk", "alarm/alarms/create", "alarm/alarms/createBulk"),
)
DOWN = {"s/dt": 1, "s/ds": 1, "s/e": 0, "s/dc/#": 1, "devicecontrol/notifications": 1, "error": 1, "s/dat": 0}
NAME = "tedge-1"
HEALTH = "te/device/main/service/mosquitto-c8y-bridge/status/health"


@pytest.fixture(scope="module")
def certificate(node: Node, tmp_path_factory: pytest.TempPathFactory) -> DeviceFiles:
    """What ``tedge cert create`` makes and ``tedge cert upload c8y`` uploads: the device is its own CA."""
    issued = self_signed_device(NAME)
    body = {"name": NAME, "certInPemFormat": issued.pem, "autoRegistrationEnabled": True, "status": "ENABLED"}
    node.call("POST", "/tenant/tenants/t1000/trusted-certificates", body)
    return DeviceFiles.of(issued, tmp_path_factory.mktemp("tedge"))


@contextmanager
def bridged(node: Node, certificate: DeviceFiles, folder: Path) -> Iterator[tuple[Program, int]]:
    """A mosquitto with such a bridge, and the port for what runs on the device."""
    broker, port = program("mosquitto"), free_port()
    if broker is None:
        pytest.skip("mosquitto is not installed (make setup-test)")
    topics = [f'topic {topic} out 1 c8y/ ""' for topic in UP] + ['topic s/uat out 0 c8y/ ""']
    topics += [f'topic {topic} in {quality} c8y/ ""' for topic, quality in DOWN.items()]
    settings = (
        *(f"listener {port} 127.0.0.1", "allow_anonymous true", "user root"),
        *("connection edge_to_c8y", f"address {node.host}:{node.mqtt_port}"),
        *(f"bridge_cafile {node.server_ca}", f"bridge_certfile {certificate.chain}"),
        *(f"bridge_keyfile {certificate.key}", f"remote_clientid {NAME}", "local_clientid Cumulocity"),
        *("try_private false", "start_type automatic", "cleansession true", "local_cleansession false"),
        *("notifications true", "notifications_local_only true", f"notification_topic {HEALTH}"),
        *("bridge_attempt_unsubscribe false", "keepalive_interval 60"),
    )
    file = folder / "mosquitto.conf"
    file.write_text("\n".join((*settings, *topics, "")))
    with started([broker, "-v", "-c", file]) as running:
        assert running.wait_until(lambda: running.text.count("Received SUBACK from Cumulocity") == len(DOWN)), (
            running.text
        )
        yield running, port


@pytest.fixture(scope="module")
def local(
    node: Node, certificate: DeviceFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Program, tuple[str, ...]]]:
    """The broker on the device, and how its programs reach it, after the device has been created."""
    create_device(node, certificate)
    with bridged(node, certificate, tmp_path_factory.mktemp("bridge")) as (broker, port):
        yield broker, ("-V", "mqttv311", "-h", "127.0.0.1", "-p", str(port))


def create_device(node: Node, certificate: DeviceFiles) -> None:
    """The first step of a connect: the bare name, and the acknowledgement of ``100`` is awaited."""
    with paho(node, NAME, certificate) as device:
        device.wait_for("connected")
        device.publish("s/us", f"100,{NAME},thin-edge.io", qos=1)


def test_every_topic_that_it_listens_on_is_granted(node: Node, make_device: MakeDevice) -> None:
    with paho(node, "tedge-2", make_device("tedge-2")) as device:
        device.wait_for("connected")
        assert {topic: device.subscribe(topic, quality) for topic, quality in DOWN.items()} == DOWN


def test_bridge_is_up(local: tuple[Program, tuple[str, ...]]) -> None:
    broker, place = local
    health = run("mosquitto_sub", *place, "-t", HEALTH, "-C", "1", "-W", "20").succeeded()
    assert health.output == "1\n"
    assert "Connection Refused" not in broker.text


def test_connection_check_gets_a_token_through_the_bridge(local: tuple[Program, tuple[str, ...]]) -> None:
    _, place = local
    answer = run("mosquitto_rr", *place, "-W", "10", "-t", "c8y/s/uat", "-n", "-e", "c8y/s/dat").succeeded()
    assert answer.output.startswith("71,ey")


def test_what_a_mapper_says_at_first_does_not_end_the_session(
    local: tuple[Program, tuple[str, ...]], node: Node
) -> None:
    broker, place = local
    rows = ("114,c8y_Restart,c8y_SoftwareUpdate", "500", f"102,{NAME}:device:main:service:mapper,service,mapper,up")
    for topic, message in (*(("c8y/s/us", row) for row in rows), ("c8y/inventory/managedObjects/update/tedge-1", "{}")):
        run("mosquitto_pub", *place, "-q", "1", "-t", topic, "-m", message).succeeded()
    run("mosquitto_pub", *place, "-q", "1", "-t", "c8y/s/us", "-m", "200,c8y_Temperature,T,21.5,C").succeeded()
    answer = run("mosquitto_rr", *place, "-W", "10", "-t", "c8y/s/uat", "-n", "-e", "c8y/s/dat").succeeded()
    with node.rest(token=answer.output.strip().partition(",")[2]) as rest:
        found = rest.get("/identity/externalIds/c8y_Serial/tedge-1").raise_for_status().json()
        source = found["managedObject"]["id"]
        values = rest.get("/measurement/measurements", params={"source": source}).raise_for_status().json()
    assert values["measurements"][0]["c8y_Temperature"]["T"]["value"] == 21.5
    assert broker.text.count("Received CONNACK") == 1, broker.text
