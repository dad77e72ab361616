"""Whom simulated devices take for the platform. A good certificate is remembered; that makes no other one good."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from OpenSSL import SSL
from typing_extensions import override

from certinel.mqtt.packets import ProtocolVersion
from certinel.pki.authority import Authority
from certinel.pki.keys import PrivateKey
from certinel.simulation.client_tls import ClientTls
from certinel.simulation.fleet import FleetMaker, Identity
from certinel.simulation.plan import Fault, Plan, Scenario
from certinel.simulation.server_trust import ServerTrust, UntrustedServerError
from certinel.simulation.simulation import Simulation, Target
from support.certificates import (
    AT,
    CLIENT_AUTH,
    EXPIRED,
    SERVER_AUTH,
    VALID,
    Issued,
    root_authority,
    usage,
)
from support.clock import MovableClock

PLAN = Plan(devices=1, scenario=Scenario.STORM, times=1, duration_seconds=30)
ROOT = root_authority("Platform CA")
GOOD = ROOT.device("localhost", eku=[SERVER_AUTH])
VERSIONS = pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION], ids=["TLS 1.2", "TLS 1.3"])


def server_context(certificate: Issued) -> SSL.Context:
    """A server that presents whatever it is given, and asks for a client certificate."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    context.use_certificate(certificate.certificate)
    context.use_privatekey(cast("PrivateKey", certificate.key))
    for above in certificate.above:
        context.add_extra_chain_cert(above.certificate)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    return context


@pytest.fixture(scope="module")
def device() -> Identity:
    plant = root_authority("Plant CA")
    authority = Authority(plant.certificate, cast("PrivateKey", plant.key))
    (device,) = FleetMaker(PLAN, authority, [plant.certificate], AT)
    return device


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(AT)


@pytest.fixture
def trust(tmp_path: Path, clock: MovableClock) -> ServerTrust:
    (tmp_path / "ca.pem").write_text(ROOT.pem)
    return ServerTrust(clock, tmp_path / "ca.pem")


Checked = Callable[[Issued], bool]


@pytest.fixture
def checked(device: Identity, trust: ServerTrust) -> Checked:
    """Return what is said of a server with a certificate at the end of a handshake with it."""

    def check(certificate: Issued) -> bool:
        client = ClientTls().connection(device, "localhost")
        assert trust.check(client) is False  # it has not shown anything yet
        server = SSL.Connection(server_context(certificate), None)
        server.set_accept_state()
        while not advance(client, server):
            advance(server, client)
        return trust.check(client)

    return check


def advance(tls: SSL.Connection, peer: SSL.Connection) -> bool:
    """Go on with a handshake as far as one side can; whether it is over for it."""
    try:
        tls.do_handshake()
        is_over = True
    except SSL.WantReadError:
        is_over = False
    with contextlib.suppress(SSL.WantReadError):
        peer.bio_write(tls.bio_read(1 << 16))
    return is_over


def test_server_below_the_ca_is_good_again_and_again(checked: Checked) -> None:
    assert checked(GOOD)
    assert checked(GOOD)


def test_server_below_an_intermediate_is_good(checked: Checked) -> None:
    assert checked(ROOT.authority("Hall 3").device("localhost", eku=[SERVER_AUTH]))


BAD = {
    "of another CA": root_authority("Another CA").device("localhost", eku=[SERVER_AUTH]),
    "of a CA with the same name": root_authority("Platform CA").device("localhost", eku=[SERVER_AUTH]),
    "expired": ROOT.device("localhost", eku=[SERVER_AUTH], valid=EXPIRED),
    "the good one, but expired": GOOD.renewed(valid=EXPIRED),
    "of a device": ROOT.device("localhost", eku=[CLIENT_AUTH]),
    "that may not sign": ROOT.device("localhost", key_usage=usage("key_cert_sign")),
    "below what is no CA": ROOT.device("pump-7").device("localhost", eku=[SERVER_AUTH]),
    "below an issuer for clients only": ROOT.authority("Hall 3", eku=[CLIENT_AUTH]).device("localhost"),
    "signed with SHA-1": ROOT.device("localhost", eku=[SERVER_AUTH], digest="sha1"),
    "below a weak key": ROOT.authority("Hall 3", key="rsa-1024").device("localhost", eku=[SERVER_AUTH]),
}


@pytest.mark.parametrize("certificate", BAD.values(), ids=BAD)
def test_no_other_certificate_is_good_also_after_a_good_one(checked: Checked, certificate: Issued) -> None:
    for _ in range(2):
        with pytest.raises(UntrustedServerError):
            checked(certificate)
        assert checked(GOOD)


def test_remembered_certificate_is_good_until_its_end_and_no_longer(checked: Checked, clock: MovableClock) -> None:
    assert checked(GOOD)
    clock.set(VALID[1] - timedelta(seconds=1))
    assert checked(GOOD)
    clock.set(VALID[1] + timedelta(seconds=1))
    with pytest.raises(UntrustedServerError, match="expired"):
        checked(GOOD)


def test_remembered_certificate_is_good_until_the_end_of_its_issuer(checked: Checked, clock: MovableClock) -> None:
    issuer_ends = AT + timedelta(days=1)
    certificate = ROOT.authority("Hall 3", valid=(VALID[0], issuer_ends)).device("localhost", eku=[SERVER_AUTH])
    assert checked(certificate)
    clock.set(issuer_ends + timedelta(seconds=1))
    with pytest.raises(UntrustedServerError, match="expired"):
        checked(certificate)


def test_without_a_ca_no_server_is_good(device: Identity, clock: MovableClock, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    client, server = ClientTls().connection(device, "localhost"), SSL.Connection(server_context(GOOD), None)
    server.set_accept_state()
    while not advance(client, server):
        advance(server, client)
    with pytest.raises(UntrustedServerError):
        ServerTrust(clock, tmp_path / "empty.pem").check(client)


# ---- in a run


@dataclass
class Server(asyncio.Protocol):
    """A platform that only shakes hands, and keeps what it has seen of its devices."""

    certificate: Issued
    client_certificates: list[object] = field(default_factory=list)

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._tls = SSL.Connection(server_context(self.certificate), None)
        self._tls.set_accept_state()

    @override
    def data_received(self, data: bytes) -> None:
        self._tls.bio_write(data)
        try:
            self._tls.do_handshake()
            self._transport.close()
        except SSL.WantReadError:
            pass
        if self._tls.get_peer_certificate() is not None:
            self.client_certificates.append(self._tls.get_peer_certificate())
        with contextlib.suppress(SSL.WantReadError):
            self._transport.write(self._tls.bio_read(1 << 16))


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Target]:
    listener = await asyncio.get_running_loop().create_server(lambda: server, "127.0.0.1", 0)
    async with listener:
        yield Target("localhost", listener.sockets[0].getsockname()[1], "127.0.0.1")


async def reasons_of_failure(server: Server, device: Identity, trust: ServerTrust, version: int) -> list[str]:
    """Have one device connect once, which is not surprised when it fails; what has ended it."""
    unlucky = replace(device, fault=Fault.UNKNOWN_CA)
    async with serving(server) as target:
        simulation = Simulation(PLAN, target, ClientTls(only_version=version), trust, version=ProtocolVersion.V5)
        await simulation.run([unlucky])
    return list(simulation.tally.failed)


@VERSIONS
async def test_server_that_is_not_good_sees_nothing_of_the_device(
    version: int, device: Identity, trust: ServerTrust
) -> None:
    server = Server(BAD["of another CA"])
    (reason,) = await reasons_of_failure(server, device, trust, version)
    assert reason.startswith("TLS: ")
    assert not server.client_certificates


@VERSIONS
async def test_server_that_is_good_sees_the_device(version: int, device: Identity, trust: ServerTrust) -> None:
    server = Server(GOOD)
    assert await reasons_of_failure(server, device, trust, version) == ["closed by the platform"]
    assert server.client_certificates
