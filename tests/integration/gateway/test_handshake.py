"""TLS as a device meets it: what is spoken, what is presented, what can never happen."""

import asyncio
import re
import socket
import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from OpenSSL import SSL

from certinel.gateway.handshake import HandshakeFault
from support.house import House, issue


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_both_versions_are_spoken(house: House, version: str) -> None:
    context = house.client_context(issue("device"))
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version.replace(".", "_")]
    _, writer = await house.connect(context)
    guest = await house.guest()
    assert guest.transport.get_extra_info("tls_version") == version
    assert guest.transport.get_extra_info("server_name") == "localhost"
    assert guest.transport.get_extra_info("peername") == writer.get_extra_info("sockname")
    writer.close()


async def test_what_is_sent_comes_back(house: House) -> None:
    reader, writer = await house.connect()
    text = bytes(range(256)) * 4000
    writer.write(text)
    assert await reader.readexactly(len(text)) == text
    writer.close()


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"])
async def test_a_device_with_one_suite_of_tls_1_2_is_served(house: House, suite: str) -> None:
    printed = await house.openssl("-tls1_2", "-cipher", suite)
    assert f"Cipher is {suite}" in printed


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA"])
async def test_suites_without_authenticated_encryption_are_refused(house: House, suite: str) -> None:
    printed = await house.openssl("-tls1_2", "-cipher", suite)
    assert "Cipher is (NONE)" in printed
    assert house.failures[0].fault is HandshakeFault.NO_SHARED_CIPHER


async def test_tls_1_1_is_refused(house: House) -> None:
    printed = await house.openssl("-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0")
    assert "alert protocol version" in printed
    assert house.failures[0].fault is HandshakeFault.VERSION


async def test_the_post_quantum_hybrid_is_on(house: House) -> None:
    """The system's OpenSSL is too old to ask for it, so the client here is the one that the server is built on."""
    client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), socket.create_connection(("127.0.0.1", house.port)))
    client.set_connect_state()
    await asyncio.to_thread(client.do_handshake)
    assert client.get_group_name() == "X25519MLKEM768"
    client.sock_shutdown(socket.SHUT_RDWR)
    client.close()


async def test_the_full_server_chain_is_presented(open_house) -> None:
    house = await open_house(server_issuers=2)
    printed = await house.openssl("-showcerts")
    assert len(re.findall("BEGIN CERTIFICATE", printed)) >= 3
    assert "server issuer 0" in printed


async def test_a_client_certificate_is_asked_for_with_an_empty_list_of_authorities(house: House) -> None:
    printed = await house.openssl()
    assert "No client certificate CA names sent" in printed
    assert "Requested Signature Algorithms" in printed or "Client Certificate Types" in printed


async def test_a_client_without_a_certificate_gets_through_with_an_empty_chain(house: House) -> None:
    await house.connect()
    assert (await house.guest()).chain == ()


async def test_the_presented_chain_is_readable_leaf_first_in_the_order_it_came(house: House) -> None:
    root = issue("root")
    middle = issue("middle", root)
    device = issue("device", middle)
    await house.connect(house.client_context(device, root, middle))
    assert (await house.guest()).chain == (device.der, root.der, middle.der)


async def test_openssl_looks_at_no_certificate_but_the_leaf(house: House) -> None:
    root = issue("root")
    device = issue("device", root)
    await house.connect(house.client_context(device, root))
    tls = (await house.guest()).transport._protocol.tls
    assert tls.get_verified_chain(as_cryptography=True) == [device.certificate]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_more_certificates_than_acceptable_still_reach_the_inner_protocol(house: House, version) -> None:
    others = [issue(f"other {number}") for number in range(12)]
    device = issue("device")
    context = house.client_context(device, *others)
    context.minimum_version = context.maximum_version = version
    await house.connect(context)
    assert (await house.guest()).chain == (device.der, *(other.der for other in others))


async def test_a_weak_leaf_gets_through_so_that_it_can_be_told_so_in_mqtt(house: House) -> None:
    weak = issue("device", key=rsa.generate_private_key(65537, 1024))  # noqa: S505 - weak on purpose
    certificate, key = weak.write(house.directory, "weak")
    printed = await house.openssl(
        "-cert",
        str(certificate),
        "-key",
        str(key),
        "-cipher",
        "DEFAULT:@SECLEVEL=0",
        send=b"hello\n",
        wait_for=b"hello",
    )
    assert "hello" in printed
    assert house.guests[0].chain == (weak.der,)


async def test_more_than_40_kib_before_the_end_of_the_handshake_is_cut_off(house: House) -> None:
    large = issue("device", padding_bytes=41 * 1024)
    certificate, key = large.write(house.directory, "large")
    printed = await house.openssl("-cert", str(certificate), "-key", str(key), send=b"hello\n", wait_for=b"hello")
    assert "hello" not in printed
    assert [failure.fault for failure in house.failures] == [HandshakeFault.TOO_LARGE]
    assert not house.guests


async def test_a_chain_of_32_kib_gets_through(house: House) -> None:
    large = issue("device", padding_bytes=32 * 1024)
    await house.connect(house.client_context(large))
    assert (await house.guest()).chain == (large.der,)


async def test_data_right_behind_the_handshake_does_not_count_for_it(house: House) -> None:
    reader, writer = await house.connect()
    text = b"x" * 500_000
    writer.write(text)
    assert await reader.readexactly(len(text)) == text


async def test_a_certificate_without_its_key_fails_the_handshake(house: House) -> None:
    """The proof of possession, on which everything else rests. No tool lies so, hence the exchange on the wire."""
    victim, liar = issue("device"), issue("device")
    while len(liar.der) != len(victim.der):
        liar = issue("device")
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)  # 1.3 would hide the certificate from us, too
    context.use_certificate(liar.certificate)
    context.use_privatekey(liar.key)
    client = SSL.Connection(context, None)
    client.set_connect_state()
    reader, writer = await house.dial()
    for _ in range(2):
        with pytest.raises(SSL.WantReadError):
            client.do_handshake()
        writer.write(client.bio_read(65536).replace(liar.der, victim.der))
        client.bio_write(await reader.read(65536))
    with pytest.raises(SSL.Error, match="decrypt error"):
        client.do_handshake()
    assert house.failures[0].fault is HandshakeFault.PROOF_FAILED
    assert not house.guests


async def test_tls_1_2_hands_out_no_tickets(house: House) -> None:
    printed = await house.openssl("-tls1_2", "-msg", send=b"hello\n", wait_for=b"hello")
    assert "NewSessionTicket" not in printed


async def test_tls_1_2_sessions_are_not_resumed(house: House) -> None:
    printed = await house.openssl("-tls1_2", "-reconnect")
    assert printed.count("\nNew, TLSv1.2") == 6
    assert "Reused" not in printed


async def test_a_saved_session_opens_nothing(house: House) -> None:
    """OpenSSL sends tickets in TLS 1.3 even if it is told to keep no sessions, but then they are good for nothing."""
    session = house.directory / "session.pem"
    certificate, key = issue("device").write(house.directory, "device")
    arguments = ["-tls1_3", "-cert", str(certificate), "-key", str(key)]
    await house.openssl(*arguments, "-sess_out", str(session), send=b"hello\n", wait_for=b"hello")
    printed = await house.openssl(*arguments, "-sess_in", str(session), send=b"hello\n", wait_for=b"hello")
    assert "New, TLSv1.3" in printed
    assert "Reused" not in printed
    assert [len(guest.chain) for guest in house.guests] == [1, 1]


async def test_renegotiation_is_refused(house: House) -> None:
    printed = await house.openssl("-tls1_2", send=b"R\n", wait_for=b"RENEGOTIATING")
    assert "no renegotiation" in printed or "handshake failure" in printed


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_a_client_that_does_not_trust_the_server_is_reported_as_such(house: House, version: str) -> None:
    await house.openssl(version, "-verify_return_error")
    assert house.failures[0].fault is HandshakeFault.SERVER_NOT_TRUSTED


@pytest.mark.parametrize(
    ("first_bytes", "fault"),
    [
        (b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", HandshakeFault.PLAIN_HTTP),
        (b"\x10\x1a\x00\x04MQTT\x04\x02\x00\x3c\x00\x0edevice-without", HandshakeFault.NOT_TLS),
        (b"SSH-2.0-OpenSSH_9.2\r\n", HandshakeFault.NOT_TLS),
        (bytes(100), HandshakeFault.NOT_TLS),
        (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", HandshakeFault.BROKEN),
    ],
)
async def test_strangers_who_speak_something_else_are_told_apart(house: House, first_bytes: bytes, fault) -> None:
    reader, writer = await house.dial()
    writer.write(first_bytes)
    await reader.read()
    assert house.failures[0].fault is fault
    writer.close()


async def test_the_end_of_the_stream_in_the_handshake_is_the_peers_affair(house: House) -> None:
    _, writer = await house.dial()
    writer.write(b"\x16\x03\x01")
    writer.close()
    await house.failed.wait()
    assert house.failures[0].fault is HandshakeFault.PEER_CLOSED
