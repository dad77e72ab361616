"""The data types every packet is made of (MQTT 3.1.1, 1.5 and 2.2.3; MQTT 5.0, 1.5)."""

from struct import Struct

from certinel.mqtt.errors import MalformedPacketError

MAX_LENGTH_BYTES = 4
"""A variable byte integer, such as a remaining length, takes at most four bytes (3.1.1, 2.2.3; 5.0, 1.5.5)."""

MAX_VARIABLE_INTEGER = 268_435_455
"""The largest value four bytes of seven bits can hold (same sections)."""

MAX_STRING_BYTES = 65_535
"""Text and binary data carry a length of two bytes (MQTT 3.1.1, 1.5.3; MQTT 5.0, 1.5.6)."""

_TWO_BYTES = Struct("!H")
_FOUR_BYTES = Struct("!I")
_CONTINUES = 0x80
_SEVEN_BITS = 0x7F


class FieldReader:
    """Reads one field after the other from the body of one packet.

    Raises ``MalformedPacketError`` when a field is not well-formed or reaches beyond the end of the packet.
    """

    __slots__ = ("_body", "_position")

    def __init__(self, body: bytes, position: int = 0) -> None:
        self._body = body
        self._position = position

    @property
    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self._position >= len(self._body)

    def byte(self) -> int:
        """Read one byte."""
        return self.take(1)[0]

    def two_bytes(self) -> int:
        """Read a two byte integer."""
        value: int
        (value,) = _TWO_BYTES.unpack(self.take(2))
        return value

    def four_bytes(self) -> int:
        """Read a four byte integer."""
        value: int
        (value,) = _FOUR_BYTES.unpack(self.take(4))
        return value

    def variable_integer(self) -> int:
        """Read a variable byte integer; a longer form than needed is malformed (MQTT 5.0, 1.5.5)."""
        value = 0
        for shift in range(0, 7 * MAX_LENGTH_BYTES, 7):
            byte = self.byte()
            value |= (byte & _SEVEN_BITS) << shift
            if byte < _CONTINUES:
                if byte == 0 and shift:
                    raise MalformedPacketError("a variable byte integer is longer than needed")
                return value
        raise MalformedPacketError("a variable byte integer is longer than four bytes")

    def binary(self) -> bytes:
        """Read binary data after its length."""
        return self.take(self.two_bytes())

    def text(self) -> str:
        """Read a UTF-8 string after its length; ill-formed UTF-8, surrogates and U+0000 are malformed.

        Control characters and non-characters are let through, as the standard only advises against them.
        """
        return well_formed(self.take(self.two_bytes()))

    def take(self, length: int) -> bytes:
        """Read exactly ``length`` bytes."""
        start = self._position
        self._position = end = start + length
        if end > len(self._body):
            raise MalformedPacketError("a packet ends within a field")
        return self._body[start:end]

    def rest(self) -> bytes:
        """Read everything that is left."""
        return self.take(len(self._body) - self._position)


def well_formed(encoded: bytes) -> str:
    """Decode the bytes of a UTF-8 string (MQTT 3.1.1, 1.5.3; MQTT 5.0, 1.5.4)."""
    try:
        text = str(encoded, "utf-8")
    except UnicodeDecodeError:
        raise MalformedPacketError("a string is not well-formed UTF-8") from None
    if "\0" in text:
        raise MalformedPacketError("a string holds U+0000")
    return text


def encode_two_bytes(value: int) -> bytes:
    """Write a two byte integer."""
    if not 0 <= value <= MAX_STRING_BYTES:
        raise ValueError(f"{value} does not fit into two bytes")
    return _TWO_BYTES.pack(value)


def encode_four_bytes(value: int) -> bytes:
    """Write a four byte integer."""
    if not 0 <= value < 1 << 32:
        raise ValueError(f"{value} does not fit into four bytes")
    return _FOUR_BYTES.pack(value)


def encode_variable_integer(value: int) -> bytes:
    """Write a variable byte integer in its shortest form."""
    if not 0 <= value <= MAX_VARIABLE_INTEGER:
        raise ValueError(f"{value} does not fit into a variable byte integer")
    encoded = bytearray()
    while value > _SEVEN_BITS:
        encoded.append(value & _SEVEN_BITS | _CONTINUES)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def encode_binary(content: bytes) -> bytes:
    """Write binary data after its length."""
    if len(content) > MAX_STRING_BYTES:
        raise ValueError(f"{len(content)} bytes are too many for one field")
    return _TWO_BYTES.pack(len(content)) + content


def encode_text(text: str) -> bytes:
    """Write a UTF-8 string after its length."""
    if "\0" in text:
        raise ValueError("U+0000 is not allowed in a string")
    return encode_binary(text.encode())
