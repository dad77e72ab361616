"""A TLS listener on loopback with a protocol that records what it sees, and certificates made for the occasion."""

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from certinel.gateway.handshake import HandshakeFailure
from certinel.gateway.listener import Listener
from certinel.gateway.tls import ServerTls

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def write(self, directory: Path, name: str, *above: "Issued") -> tuple[Path, Path]:
        certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
        certificate.write_bytes(self.pem + b"".join(issuer.pem for issuer in above))
        key.write_bytes(self.key_pem)
        return certificate, key


def issue(name: str, issuer: Issued | None = None, *, key: Key | None = None, padding_bytes: int = 0) -> Issued:
    """A certificate authority or device; without an issuer it signs itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    if padding_bytes:
        oid = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, b"\0" * padding_bytes), critical=False)
    return Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


async def until(is_so: Callable[[], bool]) -> None:
    """Let the event loop run until something has become true, which nothing announces."""
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.001)


async def rest_of(reader: asyncio.StreamReader) -> bytes:
    """What still comes before the connection ends, in whatever way."""
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            return await reader.read()
        return b""


class Recorder(asyncio.Protocol):
    """Keeps what happens; echoes what comes in."""

    def __init__(self, house: "House") -> None:
        self.house = house
        self.received = bytearray()
        self.chain: tuple[bytes, ...] = ()
        self.is_echoing = True
        self.is_pausing = False
        self.writing_paused = asyncio.Event()
        self.lost = asyncio.Event()
        self.error: Exception | None = None
        self.was_shut_down = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.chain = transport.get_extra_info("presented_chain")
        self.house.guests.append(self)
        self.house.arrived.set()

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.is_pausing:
            self.transport.pause_reading()
        if self.is_echoing:
            self.transport.write(data)

    def pause_writing(self) -> None:
        self.writing_paused.set()

    def resume_writing(self) -> None:
        self.writing_paused.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc
        self.lost.set()

    def shutdown(self) -> None:
        self.was_shut_down = True
        self.transport.write(b"bye")
        self.transport.close()


@dataclass
class House:
    """A running listener and what it saw."""

    directory: Path
    server: Issued
    tls: ServerTls
    listener: Listener = field(init=False)
    guests: list[Recorder] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    failures: list[HandshakeFailure] = field(default_factory=list)
    failed_at: list[Any] = field(default_factory=list)
    clients: list[asyncio.StreamWriter] = field(default_factory=list)
    failed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def port(self) -> int:
        return self.listener.port

    def note_failure(self, failure: HandshakeFailure, peer: Any) -> None:
        self.failures.append(failure)
        self.failed_at.append(peer)
        self.failed.set()

    async def guest(self) -> Recorder:
        """The next connection whose handshake is finished."""
        await self.arrived.wait()
        self.arrived.clear()
        return self.guests[-1]

    def client_context(self, device: Issued | None = None, *above: Issued) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.server.pem.decode())
        if device is not None:
            context.load_cert_chain(*device.write(self.directory, "client", *above))
        return context

    async def connect(self, context: ssl.SSLContext | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A TLS client."""
        return await self.dial(ssl=context or self.client_context(), server_hostname="localhost")

    async def dial(
        self, host: str = "127.0.0.1", port: int = 0, **options: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A TCP client."""
        reader, writer = await asyncio.open_connection(host, port or self.port, **options)
        self.clients.append(writer)
        return reader, writer

    async def close(self) -> None:
        """Stop the listener and let go of all clients."""
        await self.listener.close(grace_seconds=0)
        for writer in self.clients:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def openssl(self, *arguments: str, send: bytes = b"", wait_for: bytes = b"") -> str:
        """What `openssl s_client` prints; its input stays open until `wait_for` was printed."""
        process = await asyncio.create_subprocess_exec(
            "openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", *arguments,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        printed = b""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(send)
            await process.stdin.drain()
        while wait_for and wait_for not in printed:
            some = await process.stdout.read(65536)
            if not some:
                break
            printed += some
        process.stdin.close()
        rest = await process.stdout.read()
        await process.wait()
        return (printed + rest).decode(errors="replace")
