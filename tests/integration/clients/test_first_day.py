"""A device's first day, lived once with every client program, and what each then knows.

The device connects with its certificate alone, makes itself known, sends data with every quality of service, hears what
was wrong with its messages, and fetches a token.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from support.certificates import Issued, MakeDevice
from support.client_programs import DEBIAN_CLIENT, ECLIPSE_PAHO, JavaProgram, Stores, mqtt_js, paho
from support.conversation import Conversation
from support.engines import PostgresServer
from support.node import Node, started_node

MEASUREMENTS = 100
"""Sent in one go with QoS 1, more than any client keeps in flight."""

Connect = Callable[[str], AbstractContextManager[Conversation]]


@dataclass(frozen=True, slots=True)
class FirstDay:
    """What a device was told and what the platform then has of it."""

    name: str
    granted: tuple[int, int]
    acknowledged: int
    errors: list[str]
    token_message: str
    managed_object: dict[str, Any]
    measurements: list[dict[str, Any]]


def live(node: Node, name: str, connect: Connect) -> FirstDay:
    with connect(name) as device:
        device.wait_for("connected")
        granted = (device.subscribe("s/e", 1), device.subscribe("s/dat", 1))
        device.publish("s/us", f"100,Thermometer {name},example_Thermometer", 2)
        device.publish("s/us", "100,Another name", 2)
        device.publish("s/us", "999,nothing we know", 1)
        device.receive("s/e", "40,999")
        device.publish("s/us", "211,21.5\n200,example_Tank,level,4.5,m", 1)
        device.publish("s/us", "201,example_Weather,2026-11-23T10:00:00.000Z,wind,speed,3,m/s,wind,gust,7,m/s", 2)
        for number in range(MEASUREMENTS):
            device.send("s/us", f"200,example_Many,n,{number}", 1)
        device.wait_for("published", "s/us", times=MEASUREMENTS + 5)
        device.publish("s/uat", "", 0)
        token_message = device.receive("s/dat")
        device.disconnect()
        errors, acknowledged = device.received("s/e"), len(device.heard("published", "s/us"))
    return FirstDay(
        name, granted, acknowledged, errors, token_message, *seen_by_rest(node, name, token_message.removeprefix("71,"))
    )


def seen_by_rest(node: Node, name: str, token: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The device's managed object and measurements, read with its own token."""
    with node.rest(token=token) as rest:
        identity = rest.get(f"/identity/externalIds/c8y_Serial/{name}").raise_for_status().json()
        source = identity["managedObject"]["id"]
        managed_object = rest.get(f"/inventory/managedObjects/{source}").raise_for_status().json()
        page = rest.get("/measurement/measurements", params={"source": source, "pageSize": 2000}).raise_for_status()
    return managed_object, json.loads(page.text)["measurements"]


class Lives:
    """Lives each client's first day once, when the first test asks for it."""

    def __init__(self, node: Node, fleet: Issued, make_device: MakeDevice, folder: Path) -> None:
        self.node, self.fleet, self.make_device, self.folder = node, fleet, make_device, folder
        self.lived: dict[str, FirstDay] = {}
        self.numbers = count(1)

    def of(self, client: str) -> FirstDay:
        if client not in self.lived:
            self.lived[client] = live(self.node, f"first-day-{next(self.numbers)}", self.connector(client))
        return self.lived[client]

    def connector(self, client: str) -> Connect:
        match client.split():
            case ["paho-mqtt", version]:
                return lambda name: paho(self.node, name, self.make_device(name), version=version)
            case ["MQTT.js", version]:
                return lambda name: mqtt_js(self.node, f"d:{name}", self.make_device(name), version=version)
            case ["Eclipse-Paho-Java", store]:
                return lambda name: self.java(ECLIPSE_PAHO, name, store)
            case ["Debian-Java", store]:
                return lambda name: self.java(DEBIAN_CLIENT, name, store)
            case _:
                raise AssertionError(client)

    def java(self, program: JavaProgram, name: str, store: str) -> AbstractContextManager[Conversation]:
        folder = self.folder / name
        folder.mkdir()
        stores = Stores.made(self.fleet.device(name), name, store, self.node.server_ca, folder)
        return program.connected(self.folder, self.node, stores)


CLIENTS = (
    "paho-mqtt 3.1",
    "paho-mqtt 3.1.1",
    "paho-mqtt 5.0",
    "MQTT.js 3.1",
    "MQTT.js 3.1.1",
    "MQTT.js 5.0",
    "Eclipse-Paho-Java JKS",
    "Eclipse-Paho-Java PKCS12",
    "Debian-Java JKS",
    "Debian-Java PKCS12",
)


@pytest.fixture(scope="module")
def on_sqlite(node: Node, fleet: Issued, make_device: MakeDevice, java_classes: Path) -> Lives:
    return Lives(node, fleet, make_device, java_classes)


@pytest.fixture(scope="module")
def on_postgresql(
    tmp_path_factory: pytest.TempPathFactory, fleet: Issued, make_device: MakeDevice, java_classes: Path
) -> Iterator[Lives]:
    folder = tmp_path_factory.mktemp("postgresql") / "certinel-data"
    with (
        closing(PostgresServer()) as server,
        started_node(folder, options=("--database", server.url("postgres"))) as node,
    ):
        node.upload(fleet.pem)
        yield Lives(node, fleet, make_device, java_classes)


@pytest.fixture(params=[*CLIENTS, "paho-mqtt 3.1.1 on_postgresql", "MQTT.js 5.0 on_postgresql"])
def day(request: pytest.FixtureRequest) -> FirstDay:
    """A life by the name of its client; the storage is SQLite unless the name says otherwise."""
    client, _, storage = request.param.partition(" on_")
    lives: Lives = request.getfixturevalue(f"on_{storage or 'sqlite'}")
    return lives.of(client)


def test_subscriptions_are_granted_as_asked_for(day: FirstDay) -> None:
    assert day.granted == (1, 1)


def test_every_publish_is_acknowledged(day: FirstDay) -> None:
    assert day.acknowledged == MEASUREMENTS + 5


def test_device_has_the_name_and_type_it_gave_itself_first(day: FirstDay) -> None:
    named = (day.managed_object["name"], day.managed_object["type"])
    assert named == (f"Thermometer {day.name}", "example_Thermometer")


def test_device_belongs_to_the_user_that_registration_made(day: FirstDay) -> None:
    assert day.managed_object["owner"] == f"device_{day.name}"


def test_device_hears_what_was_wrong_and_nothing_else(day: FirstDay) -> None:
    assert day.errors == ["41,100,Device already existing", "40,999,No static template for this message id"]


def test_rows_of_one_publish_become_one_measurement_each(day: FirstDay) -> None:
    assert fragments(day, "c8y_TemperatureMeasurement") == [{"T": {"value": 21.5, "unit": "C"}}]
    assert fragments(day, "example_Tank") == [{"level": {"value": 4.5, "unit": "m"}}]


def test_several_series_become_one_measurement_at_the_time_given(day: FirstDay) -> None:
    (weather,) = [one for one in day.measurements if one["type"] == "example_Weather"]
    assert weather["wind"] == {"speed": {"value": 3, "unit": "m/s"}, "gust": {"value": 7, "unit": "m/s"}}
    assert weather["time"] == "2026-11-23T10:00:00.000Z"


def test_every_acknowledged_measurement_is_there_once(day: FirstDay) -> None:
    values = [fragment["n"]["value"] for fragment in fragments(day, "example_Many")]
    assert sorted(values) == list(range(MEASUREMENTS))


def test_token_message_is_the_template_id_and_a_signed_token(day: FirstDay) -> None:
    template, token = day.token_message.split(",")
    assert (template, token.count(".")) == ("71", 2)


def fragments(day: FirstDay, name: str) -> list[dict[str, Any]]:
    return [measurement[name] for measurement in day.measurements if name in measurement]
