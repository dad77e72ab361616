"""The MQTT client id: connection type, device identifier, default templates (mqtt.md 1.4)."""

from dataclasses import dataclass
from typing import Self

from certinel.domain.identifiers import DeviceId

MAX_DEVICE_ID_CHARACTERS = 128
"""Longer than any common name (64, X.520 upper bound); for devices that have a password instead."""

_DEVICE_CONNECTION = "d"
_MOST_PARTS = 3


class MalformedClientIdError(ValueError):
    """The client id has none of the forms ``x``, ``d:x`` and ``d:x:templates``."""


@dataclass(frozen=True, slots=True)
class ClientId:
    """A client id, read. Two client ids with the same ``device`` are the same device."""

    device: DeviceId
    default_templates: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``x``, ``d:x`` or ``d:x:templates``.

        Raises:
            MalformedClientIdError: for every other form, an empty or over-long device, and control characters.
        """
        parts = text.split(":")
        if len(parts) > _MOST_PARTS or (len(parts) > 1 and parts[0] != _DEVICE_CONNECTION):
            raise MalformedClientIdError(text)
        device = parts[1] if len(parts) > 1 else parts[0]
        if not device or len(device) > MAX_DEVICE_ID_CHARACTERS or not device.isprintable():
            raise MalformedClientIdError(text)
        return cls(DeviceId(device), parts[2] if len(parts) == _MOST_PARTS else None)
