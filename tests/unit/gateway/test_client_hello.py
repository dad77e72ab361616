"""The server name in a ClientHello, read before OpenSSL sees it."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from certinel.gateway.client_hello import INCOMPLETE, MAX_RECORD_BYTES, read_server_name
from support.client_hello import client_hello

HELLO = client_hello("plant.example.com")
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{2,10}){1,3}", fullmatch=True)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_name_is_read_in_both_versions(version: ssl.TLSVersion) -> None:
    hello = client_hello("plant.example.com", minimum_version=version, maximum_version=version)
    assert read_server_name(hello) == "plant.example.com"


def test_name_is_read_beside_a_key_share_of_the_post_quantum_hybrid() -> None:
    client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
    client.set_connect_state()
    client.set_tlsext_host_name(b"plant.example.com")
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    hello = client.bio_read(65536)
    assert len(hello) > 1400
    assert read_server_name(hello) == "plant.example.com"


def test_hello_without_a_name_has_none() -> None:
    assert read_server_name(client_hello(None)) is None


def test_name_is_in_lower_case() -> None:
    assert read_server_name(HELLO.replace(b"plant", b"PLANT")) == "plant.example.com"


@given(NAMES)
def test_any_host_name_is_read(name: str) -> None:
    assert read_server_name(client_hello(name)) == name


@given(st.integers(0, len(HELLO) - 1))
def test_every_beginning_of_a_hello_asks_for_more(length: int) -> None:
    assert read_server_name(HELLO[:length]) is INCOMPLETE


@given(st.binary(max_size=100))
def test_what_follows_the_hello_changes_nothing(more: bytes) -> None:
    assert read_server_name(HELLO + more) == "plant.example.com"


@pytest.mark.parametrize(
    "received",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x10\x1a\x00\x04MQTT",
        b"\x16\x03\x01" + (MAX_RECORD_BYTES + 1).to_bytes(2, "big"),
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
        b"\x15\x03\x01\x00\x02\x02\x28",
    ],
    ids=["http", "mqtt", "record too large", "empty record", "no ClientHello", "alert"],
)
def test_what_is_no_hello_has_no_name_and_is_not_waited_for(received: bytes) -> None:
    assert read_server_name(received) is None


def test_hello_spread_over_several_records_has_no_name() -> None:
    content = HELLO[5:]
    assert read_server_name(b"\x16\x03\x01\x00\x10" + content[:16] + b"\x16\x03\x01" + content[16:]) is None


@given(st.data())
def test_hello_with_changed_bytes_has_a_name_or_none(data: st.DataObject) -> None:
    broken = bytearray(HELLO)
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(5, len(broken) - 1))] = data.draw(st.integers(0, 255))
    name = read_server_name(bytes(broken))
    assert name is None or (isinstance(name, str) and 0 < len(name) <= 253)


@given(st.binary(max_size=600))
def test_any_content_of_a_record_has_a_name_or_none(content: bytes) -> None:
    name = read_server_name(b"\x16\x03\x01" + len(content).to_bytes(2, "big") + content)
    assert name is None or isinstance(name, str)


@given(st.binary(max_size=300))
def test_any_list_of_extensions_has_a_name_or_none(extensions: bytes) -> None:
    hello = bytes(34) + b"\0" + b"\0\2\x13\1" + b"\1\0" + len(extensions).to_bytes(2, "big") + extensions
    content = b"\1" + len(hello).to_bytes(3, "big") + hello
    name = read_server_name(b"\x16\x03\x01" + len(content).to_bytes(2, "big") + content)
    assert name is None or isinstance(name, str)
