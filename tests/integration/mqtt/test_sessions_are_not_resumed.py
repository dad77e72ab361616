"""No TLS session is resumed past a change of trust, in either version of TLS, with clients that would (section 3)."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from certinel.mqtt import Connect, ProtocolVersion
from certinel.mqtt.encoding import encode
from certinel.storage.engine import EngineName
from support.certificates import DeviceFiles
from support.stage import Stage, StageMaker
from support.trust_changes import CHANGES, TrustChange, device_of, stage_with_proof

PATIENCE_SECONDS = 20
CONNECT = encode(Connect("pump", ProtocolVersion.V3_1_1), ProtocolVersion.V3_1_1)
ADMITTED, REFUSED = b"\x20\x02\x00\x00", b"\x20\x02\x00\x05"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture
def engine_name() -> EngineName:
    """Which database it is makes no difference here."""
    return "sqlite"


@pytest.fixture
async def stage(make_stage: StageMaker) -> Stage:
    """A node that requires a proof, and has it."""
    return await stage_with_proof(make_stage)


@dataclass(frozen=True)
class Client:
    """A device that keeps its TLS sessions and offers them again, by Python's TLS and by openssl."""

    port: int
    files: DeviceFiles
    context: ssl.SSLContext

    @classmethod
    def of(cls, files: DeviceFiles, port: int, version: ssl.TLSVersion) -> "Client":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(files.chain, files.key)
        context.minimum_version = context.maximum_version = version
        return cls(port, files, context)

    def connect(self, session: ssl.SSLSession | None = None) -> tuple[bytes, ssl.SSLSession | None, bool]:
        """The answer to CONNECT, the session to offer next time, and whether the one offered was resumed."""
        address = ("127.0.0.1", self.port)
        with (
            socket.create_connection(address, PATIENCE_SECONDS) as plain,
            self.context.wrap_socket(plain, session=session) as tls,
        ):
            tls.sendall(CONNECT)
            return tls.recv(4), tls.session, bool(tls.session_reused)

    def connect_with_openssl(self, saved: Path, *, offer: bool) -> tuple[bytes, bool]:
        """The answer to CONNECT, and whether the saved session was resumed."""
        version = "-tls1_2" if self.context.maximum_version is ssl.TLSVersion.TLSv1_2 else "-tls1_3"
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", version]
        command += ["-cert", str(self.files.chain), "-cert_chain", str(self.files.chain), "-key", str(self.files.key)]
        command += ["-sess_in" if offer else "-sess_out", str(saved)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(CONNECT)
            process.stdin.flush()
            printed = b""
            while ADMITTED not in printed and REFUSED not in printed:
                some = process.stdout.read1()
                if not some:
                    break
                printed += some
            process.stdin.close()
            printed += process.stdout.read()
        answer = ADMITTED if ADMITTED in printed else REFUSED if REFUSED in printed else b""
        assert b"\nNew, " in printed or b"\nReused, " in printed
        return answer, b"\nReused, " in printed


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_session_of_before_a_change_opens_nothing_after_it(
    stage: Stage, tmp_path: Path, change: TrustChange, version: ssl.TLSVersion
) -> None:
    pump = device_of(stage)
    client = Client.of(DeviceFiles.of(pump, tmp_path), stage.gateway.port, version)
    saved = tmp_path / "session.pem"
    answer, session, _ = await asyncio.to_thread(client.connect)
    assert answer == ADMITTED
    assert await asyncio.to_thread(client.connect_with_openssl, saved, offer=False) == (ADMITTED, False)
    await change(stage, pump)
    answer, _, was_resumed = await asyncio.to_thread(client.connect, session)
    assert (answer, was_resumed) == (REFUSED, False)
    if saved.exists():
        assert await asyncio.to_thread(client.connect_with_openssl, saved, offer=True) == (REFUSED, False)


@pytest.mark.parametrize("version", VERSIONS)
async def test_session_is_not_resumed_while_nothing_changes_either(
    stage: Stage, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """So that the whole chain is there for every decision."""
    client = Client.of(DeviceFiles.of(stage.root.device("pump"), tmp_path), stage.gateway.port, version)
    session = None
    for _ in range(3):
        answer, session, was_resumed = await asyncio.to_thread(client.connect, session)
        assert (answer, was_resumed) == (ADMITTED, False)


@contextmanager
def resuming_server(folder: Path) -> Iterator[int]:
    """A TLS server as they usually are, with tickets; it answers as ours does."""
    certificate = ("-cert", str(folder / "server.pem"), "-key", str(folder / "server.key"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", *certificate, "-quiet", "-rev"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.kill()
        process.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize("version", VERSIONS)
async def test_these_clients_do_resume_where_a_server_lets_them(
    stage: Stage, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """Else the tests above would prove nothing."""
    files = DeviceFiles.of(stage.root.device("pump"), tmp_path)
    with resuming_server(stage.folder) as port:
        client = Client.of(files, port, version)
        async with asyncio.timeout(PATIENCE_SECONDS):
            session = None
            while session is None:
                try:
                    session = await asyncio.to_thread(said, client, None)
                except ConnectionError:
                    await asyncio.sleep(0.05)
        assert session[0] is False
        assert (await asyncio.to_thread(said, client, session[1]))[0] is True


def said(client: Client, session: ssl.SSLSession | None) -> tuple[bool, ssl.SSLSession | None]:
    """Whether the session was resumed, and the next one."""
    with (
        socket.create_connection(("127.0.0.1", client.port), PATIENCE_SECONDS) as plain,
        client.context.wrap_socket(plain, session=session) as tls,
    ):
        tls.sendall(b"hello\n")
        assert tls.recv(6) == b"olleh\n"
        return bool(tls.session_reused), tls.session
