"""A device on paho-mqtt: does what it is told on standard input and writes down what happens.

The words, which every client program here shares: it reads ``subscribe TOPIC QOS``, ``publish TOPIC QOS BASE64`` and
``disconnect``; it writes ``connected``, ``refused REASON``, ``subscribed TOPIC QOS``, ``published TOPIC``,
``message TOPIC BASE64``, ``lost`` and ``disconnected``. Tabs separate the words.
"""

from __future__ import annotations

import argparse
import base64
import sys
import threading
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

VERSIONS = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5.0": mqtt.MQTTv5}
WRITING = threading.Lock()


def tell(*words: object) -> None:
    with WRITING:
        sys.stdout.write("\t".join(str(word) for word in words) + "\n")
        sys.stdout.flush()


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("host", "port", "client-id", "ca"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("chain", "key", "key-password", "user", "password", "will-topic", "will"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--version", choices=VERSIONS, default="3.1.1")
    return parser.parse_args()


def reason_of(reason: Any, properties: Any) -> str:
    """The reason code, and with version 5 the server's sentence."""
    sentence = getattr(properties, "ReasonString", None)
    return f"{reason.value}" + (f" {sentence}" if sentence else "")


class Device:
    def __init__(self, chosen: argparse.Namespace) -> None:
        version = VERSIONS[chosen.version]
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, chosen.client_id, protocol=version)
        self.client.tls_set(chosen.ca, chosen.chain, chosen.key, keyfile_password=chosen.key_password)
        if chosen.user:
            self.client.username_pw_set(chosen.user, chosen.password)
        if chosen.will_topic:
            self.client.will_set(chosen.will_topic, chosen.will, qos=1)
        self.subscriptions: dict[int, str] = {}
        self.publications: dict[int, str] = {}
        self.client.on_connect = self.on_connect
        self.client.on_disconnect = self.on_disconnect
        self.client.on_subscribe = self.on_subscribe
        self.client.on_publish = self.on_publish
        self.client.on_message = self.on_message
        self.ordered = threading.Lock()
        self.leaving = False

    def on_connect(self, client: Any, _user: Any, _flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self.leaving = True
            tell("refused", reason_of(reason, properties))
            client.disconnect()
        else:
            tell("connected")

    def on_disconnect(self, client: Any, _user: Any, _flags: Any, reason: Any, properties: Any) -> None:
        tell("disconnected" if self.leaving else "lost", reason_of(reason, properties))
        if not self.leaving:
            self.leaving = True
            client.disconnect()

    def on_subscribe(self, _client: Any, _user: Any, packet_id: int, reasons: Any, _properties: Any) -> None:
        with self.ordered:
            tell("subscribed", self.subscriptions[packet_id], reasons[0].value)

    def on_publish(self, _client: Any, _user: Any, packet_id: int, _reason: Any, _properties: Any) -> None:
        with self.ordered:
            tell("published", self.publications[packet_id])

    def on_message(self, _client: Any, _user: Any, message: Any) -> None:
        tell("message", message.topic, base64.b64encode(message.payload).decode())

    def do(self, words: list[str]) -> None:
        with self.ordered:
            match words:
                case ["subscribe", topic, qos]:
                    _, packet_id = self.client.subscribe(topic, int(qos))
                    self.subscriptions[packet_id or 0] = topic
                case ["publish", topic, qos, payload]:
                    sent = self.client.publish(topic, base64.b64decode(payload), int(qos))
                    self.publications[sent.mid] = topic
                case ["disconnect"]:
                    self.leaving = True
                    self.client.disconnect()
                case _:
                    raise ValueError(words)

    def run(self, chosen: argparse.Namespace) -> None:
        self.client.connect(chosen.host, int(chosen.port))
        self.client.loop_start()
        for line in sys.stdin:
            self.do(line.rstrip("\n").split("\t"))
        self.client.loop_stop()


if __name__ == "__main__":
    chosen = options()
    Device(chosen).run(chosen)
