"""What happens during and after a session, seen by real clients."""

from __future__ import annotations

import httpx
import pytest

from support.certificates import MakeDevice
from support.client_programs import paho
from support.node import Node, eventually

MAX_PACKET_BYTES = 16_184


def is_known(node: Node, name: str) -> bool:
    with node.rest() as rest:
        return rest.get(f"/identity/externalIds/c8y_Serial/{name}").status_code == httpx.codes.OK


@pytest.mark.parametrize(("first", "second"), [("twin", "d:twin"), ("d:twin", "d:twin:collection")])
def test_second_connection_of_a_device_ends_the_first(
    node: Node, make_device: MakeDevice, first: str, second: str
) -> None:
    device = make_device("twin")
    with paho(node, first, device) as older, paho(node, second, device) as newer:
        older.wait_for("connected")
        newer.wait_for("connected")
        older.wait_for("lost")
        newer.publish("s/us", "211,20")


def test_last_will_is_carried_out_when_the_link_is_cut(node: Node, make_device: MakeDevice) -> None:
    more = ("--will-topic", "s/us", "--will", "100,Left a will")
    with paho(node, "testator", make_device("testator"), more=more) as conversation:
        conversation.wait_for("connected")
        conversation.program.process.kill()
        conversation.program.process.wait()
    eventually(lambda: is_known(node, "testator"))


def test_last_will_is_forgotten_when_the_device_says_goodbye(node: Node, make_device: MakeDevice) -> None:
    more = ("--will-topic", "s/us", "--will", "100,Left a will")
    device = make_device("polite")
    with paho(node, "polite", device, more=more) as conversation:
        conversation.wait_for("connected")
        conversation.disconnect()
    with paho(node, "polite", device) as again:
        again.wait_for("connected")
    assert not is_known(node, "polite")


def test_packet_at_the_limit_is_acknowledged(node: Node, make_device: MakeDevice) -> None:
    header_and_topic = 1 + 2 + 2 + len("s/us") + 2
    row = "100,"
    with paho(node, "at-the-limit", make_device("at-the-limit")) as conversation:
        conversation.wait_for("connected")
        conversation.publish("s/us", row + "n" * (MAX_PACKET_BYTES - header_and_topic - len(row) - 1))


def test_packet_over_the_limit_ends_the_connection(node: Node, make_device: MakeDevice) -> None:
    with paho(node, "over-the-limit", make_device("over-the-limit")) as conversation:
        conversation.wait_for("connected")
        conversation.send("s/us", "100," + "n" * MAX_PACKET_BYTES)
        conversation.wait_for("lost")


def test_topics_of_the_way_up_cannot_be_subscribed(node: Node, make_device: MakeDevice) -> None:
    with paho(node, "curious", make_device("curious")) as conversation:
        conversation.wait_for("connected")
        assert conversation.subscribe("s/us") == 128


def test_device_does_not_hear_what_another_is_told(node: Node, make_device: MakeDevice) -> None:
    with (
        paho(node, "talker", make_device("talker")) as talker,
        paho(node, "listener", make_device("listener")) as other,
    ):
        for conversation in (talker, other):
            conversation.wait_for("connected")
            conversation.subscribe("s/e")
        talker.publish("s/us", "999")
        talker.receive("s/e")
        other.publish("s/us", "998")
        other.receive("s/e", "40,998")
        assert other.received("s/e") == ["40,998,No static template for this message id"]
