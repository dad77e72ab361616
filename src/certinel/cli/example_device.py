"""An example device: Paho over mutual TLS, as a device developer would write it."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

PATIENCE_SECONDS = 20.0
"""How long the platform may take to answer before the device gives up."""
UNSUPPORTED_VERSION = "Unsupported protocol version"
"""The name that Paho gives to that answer, of both versions."""
CLOSED_WITHOUT_ANSWER = "it closes the connection without an answer, as servers do that do not trust a certificate's CA"


class DeviceRefusedError(Exception):
    """The platform did not let the device in; the message is what it said."""


class VersionRefusedError(DeviceRefusedError):
    """The platform does not speak this version of MQTT, or has closed the connection without an answer to it."""


class NoAnswerError(Exception):
    """The platform could not be reached, or did not answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFiles:
    """What a device needs to connect: its chain and key, and whom it trusts."""

    chain: Path
    key: Path
    server_ca: Path | None
    """None trusts whom the computer trusts."""
    key_passphrase: str | None = None


class ExampleDevice:
    """A connected device. Use it as a context manager; `connected` makes one."""

    def __init__(self, client_id: str, files: DeviceFiles, version: MQTTProtocolVersion) -> None:
        self._answers: Queue[ReasonCode | None] = Queue()
        self._granted = threading.Event()
        self._tokens: Queue[str] = Queue()
        self._topics: list[str] = []
        self.messages: Queue[tuple[str, str]] = Queue()
        """What has come, tokens apart: topic and text."""
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=version)
        context = ssl.create_default_context(cafile=str(files.server_ca) if files.server_ca else None)
        context.load_cert_chain(files.chain, files.key, files.key_passphrase)
        self._client.tls_set_context(context)
        self._reason = ""
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def _on_connect(
        self, _client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, properties: Properties | None
    ) -> None:
        self._reason = str(getattr(properties, "ReasonString", "")) or str(code)
        self._answers.put(code)
        for topic in self._topics:  # the platform keeps no sessions: after a reconnect it knows of no subscription
            self._client.subscribe(topic, qos=1)

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, _code: ReasonCode, _props: Properties | None
    ) -> None:
        self._answers.put(None)  # of interest only to who still waits for an answer

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, _codes: list[ReasonCode], _props: Properties | None
    ) -> None:
        self._granted.set()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        text = message.payload.decode(errors="replace")
        template, _, rest = text.partition(",")
        if template == "71":
            self._tokens.put(rest)
        else:
            self.messages.put((message.topic, text))

    def connect(self, host: str, port: int) -> None:
        """Connect and wait for the platform's answer.

        Raises:
            VersionRefusedError: it does not speak this version of MQTT, or said nothing at all.
            DeviceRefusedError: it said no, and why.
            NoAnswerError: there was no answer.
        """
        try:
            self._client.connect(host, port, keepalive=60)
            self._client.loop_start()
            code = self._answers.get(timeout=PATIENCE_SECONDS)
        except (OSError, Empty) as error:
            raise NoAnswerError(f"{host}:{port}: {str(error) or 'no answer'}") from error
        if code is None:
            raise VersionRefusedError(CLOSED_WITHOUT_ANSWER)
        if code == UNSUPPORTED_VERSION:
            raise VersionRefusedError(self._reason)
        if code.is_failure:
            raise DeviceRefusedError(self._reason)

    def publish(self, row: str) -> None:
        """Send one SmartREST row and wait until the platform has stored it."""
        message = self._client.publish("s/us", row, qos=1)
        try:
            message.wait_for_publish(PATIENCE_SECONDS)
        except RuntimeError:  # there was no connection to send it on
            raise NoAnswerError("the connection has ended before a message was sent") from None
        if not message.is_published():
            raise NoAnswerError("the platform did not acknowledge a message")

    def subscribe(self, topic: str) -> None:
        """Ask for messages on a topic, now and after every reconnect, and wait until they are granted."""
        if topic in self._topics:
            return
        self._topics.append(topic)
        self._granted.clear()
        self._client.subscribe(topic, qos=1)
        if not self._granted.wait(PATIENCE_SECONDS):
            raise NoAnswerError("the subscription was not answered")

    def request_token(self) -> str:
        """Ask for a token for HTTP."""
        self.subscribe("s/dat")
        self._client.publish("s/uat", "", qos=1)
        try:
            return self._tokens.get(timeout=PATIENCE_SECONDS)
        except Empty:
            raise NoAnswerError("no token came") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client.disconnect() is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._client.loop_stop()
            return
        self._client.loop_stop()


@contextmanager
def connected(client_id: str, files: DeviceFiles, host: str, port: int) -> Iterator[ExampleDevice]:
    """Yield a device that is connected, and disconnect it in the end.

    It speaks MQTT 5.0, which tells why a device is refused, and 3.1.1 with platforms that speak nothing newer.
    """
    with ExitStack() as stack:
        device = stack.enter_context(ExampleDevice(client_id, files, mqtt.MQTTv5))
        try:
            device.connect(host, port)
        except VersionRefusedError:
            stack.close()
            device = stack.enter_context(ExampleDevice(client_id, files, mqtt.MQTTv311))
            device.connect(host, port)
        yield device
