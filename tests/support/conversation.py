"""One client program connected to a node, and what the two have said to each other."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from support.program import Program

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Tells a client program what to do and waits for what it writes (its words: ``python/device.py``)."""

    program: Program

    def heard(self, *beginning: str) -> list[Words]:
        """Everything the program wrote so far that begins with these words."""
        spoken = [tuple(line.split("\t")) for line in self.program.lines]
        return [words for words in spoken if words[: len(beginning)] == beginning]

    def wait_for(self, *beginning: str, times: int = 1) -> Words:
        """The latest line that begins with these words, once there are ``times`` of them."""
        enough = self.program.wait_until(lambda: len(self.heard(*beginning)) >= times)
        assert enough, f"waited for {times} x {beginning}, heard:\n{self.program.text}"
        return self.heard(*beginning)[times - 1]

    def subscribe(self, topic: str, qos: int = 1) -> int:
        """The quality of service that was granted; 128 is a refusal."""
        self.program.type(f"subscribe\t{topic}\t{qos}")
        return int(self.wait_for("subscribed", topic)[2])

    def publish(self, topic: str, text: str, qos: int = 1) -> None:
        """Publish, and wait until the client has its acknowledgement (or, with QoS 0, has sent it)."""
        before = len(self.heard("published", topic))
        self.send(topic, text, qos)
        self.wait_for("published", topic, times=before + 1)

    def send(self, topic: str, text: str, qos: int = 1) -> None:
        """Publish and do not wait."""
        payload = base64.b64encode(text.encode()).decode()
        self.program.type(f"publish\t{topic}\t{qos}\t{payload}")

    def received(self, topic: str) -> list[str]:
        return [base64.b64decode(words[2]).decode() for words in self.heard("message", topic)]

    def receive(self, topic: str, beginning: str = "") -> str:
        """The first message on a topic that begins so, waiting for it."""

        def fitting() -> list[str]:
            return [text for text in self.received(topic) if text.startswith(beginning)]

        assert self.program.wait_until(lambda: bool(fitting())), f"nothing on {topic}, heard:\n{self.program.text}"
        return fitting()[0]

    def disconnect(self) -> None:
        self.program.type("disconnect")
        self.wait_for("disconnected")
