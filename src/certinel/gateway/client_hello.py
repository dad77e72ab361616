"""The server name of a TLS ClientHello, read before OpenSSL sees a byte of it. Bytes in, a name out.

Nothing is refused here: what cannot be read has no name, and OpenSSL will say what is wrong with it.
"""

from enum import Enum, auto

MAX_RECORD_BYTES = 16 * 1024
"""The most a TLS record holds (RFC 8446, 5.1). A ClientHello spread over several records is not read."""

MAX_NAME_BYTES = 253
"""The longest host name (RFC 1035, 2.3.4, without the dots at both ends)."""

_RECORD_HEADER = 5
_HANDSHAKE, _CLIENT_HELLO = 22, 1
_VERSION_AND_RANDOM = 34
_SERVER_NAME, _HOST_NAME = 0, 0


class Incomplete(Enum):
    """The answer as long as more bytes could bring a name."""

    INCOMPLETE = auto()


INCOMPLETE = Incomplete.INCOMPLETE


def read_server_name(received: bytes) -> str | Incomplete | None:
    """Return the server name (RFC 6066, 3) that a connection which begins with ``received`` asks for, in lower case.

    ``INCOMPLETE`` while the first record has not arrived as a whole, which is decided without looking at its content;
    None when there is no name, or nothing that can be read as a ClientHello.
    """
    if received[:1] != bytes([_HANDSHAKE])[: len(received)]:
        return None
    if len(received) < _RECORD_HEADER:
        return INCOMPLETE
    length = int.from_bytes(received[3:_RECORD_HEADER], "big")
    if length > MAX_RECORD_BYTES:
        return None
    if len(received) < _RECORD_HEADER + length:
        return INCOMPLETE
    try:
        return _name_in(_Reader(received[_RECORD_HEADER : _RECORD_HEADER + length]))
    except _CutOffError:
        return None


class _CutOffError(Exception):
    """A length points beyond the end."""


class _Reader:
    """Takes fields off the front."""

    __slots__ = ("_at", "_octets")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._octets)

    def take(self, count: int) -> bytes:
        taken = self._octets[self._at : self._at + count]
        if len(taken) < count:
            raise _CutOffError
        self._at += count
        return taken

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> bytes:
        """What follows its own length."""
        return self.take(self.number(width))


def _name_in(record: _Reader) -> str | None:
    if record.number(1) != _CLIENT_HELLO:
        return None
    hello = _Reader(record.vector(3))
    hello.take(_VERSION_AND_RANDOM)
    hello.vector(1)  # session id
    hello.vector(2)  # cipher suites
    hello.vector(1)  # compression methods
    if hello.is_at_end:
        return None
    extensions = _Reader(hello.vector(2))
    while not extensions.is_at_end:
        kind, content = extensions.number(2), extensions.vector(2)
        if kind == _SERVER_NAME:
            return _host_name(_Reader(content))
    return None


def _host_name(content: _Reader) -> str | None:
    names = _Reader(content.vector(2))
    while not names.is_at_end:
        kind, name = names.number(1), names.vector(2)
        if kind == _HOST_NAME:
            return name.decode("ascii").lower() if 0 < len(name) <= MAX_NAME_BYTES and name.isascii() else None
    return None
