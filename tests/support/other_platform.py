"""Another platform of the same contract, for what is written to work with any: different from ours where it may be.

Its REST is a stand-in that answers as captures of the contract do. Its MQTT is mosquitto, which demands a client
certificate of the CA that is onboarded; where the platform is to speak less than mosquitto can, there is a front to it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import select
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from paho.mqtt.enums import CallbackAPIVersion

from support.certificates import SERVER_AUTH, root_authority
from support.program import started

TENANT = "t07007007"
USER = f"{TENANT}/jane"
PASSWORD = "correct horse battery staple"
TOKEN = "a.device.token"
CODE = "proofOfPossessionUnsignedVerificationCode"
PROVEN = "proofOfPossessionValid"
MQTT_5 = 5
VERSION_REFUSED = b"\x20\x02\x00\x01"


@dataclass(frozen=True, kw_only=True)
class Ways:
    """In what it differs. By default as the newest platforms are."""

    has_proofs: bool = True
    """It knows proof of possession and has its endpoints."""
    makes_code_on_upload: bool = True
    writes_truths_as_text: bool = False
    shows_single_certificates: bool = True
    registers_after_reads: int = 0
    """How often a device that was acknowledged is not there yet."""
    newest_mqtt: int = MQTT_5
    newest_tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3


@dataclass
class OtherPlatform:
    """The platform, while it runs."""

    ways: Ways
    certificates: dict[str, dict[str, Any]] = field(default_factory=dict)
    devices: set[str] = field(default_factory=set)
    reads: int = 0
    https_port: int = 0
    mqtt_port: int = 0
    root: Path = Path()

    def answer(self, method: str, path: str, body: Mapping[str, Any], user: str) -> tuple[int, Any]:
        """Status and body; a body of None stands for the one that errors have."""
        path = path.partition("?")[0]
        if path == "/tenant/currentTenant":
            return 200, {"name": TENANT, "domainName": "iot.example.com", "allowCreateTenants": False, "parent": "m"}
        if path.startswith("/identity/externalIds/c8y_Serial/"):
            return self._device(path.rpartition("/")[2], user)
        return self._trusted_certificates(method, path, body)

    def _trusted_certificates(self, method: str, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        match method, path.removeprefix(f"/tenant/tenants/{TENANT}/trusted-certificates").split("/"):
            case "GET", [""]:
                return 200, {"certificates": list(self.certificates.values()), "statistics": {"currentPage": 1}}
            case "POST", [""]:
                return self._upload(body)
            case "POST", ["-pop", fingerprint, "verification-code"] if self.ways.has_proofs:
                return self._with_code(fingerprint)
            case "POST", ["-pop", fingerprint, "pop"] if self.ways.has_proofs:
                return self._prove(fingerprint, str(body["proofOfPossessionSignedVerificationCode"]))
            case "GET", ["", fingerprint] if self.ways.shows_single_certificates and fingerprint in self.certificates:
                return 200, self.certificates[fingerprint]
            case "PUT", ["", fingerprint] if fingerprint in self.certificates:
                self.certificates[fingerprint] |= {key: value for key, value in body.items() if key in _CHANGEABLE}
                return 200, self.certificates[fingerprint]
            case _:
                return 404, None

    def _device(self, name: str, user: str) -> tuple[int, Any]:
        if user != f"Bearer {TOKEN}":
            return 403, None
        self.reads += 1
        if name not in self.devices or self.reads <= self.ways.registers_after_reads:
            return 404, None
        return 200, {"externalId": name, "type": "c8y_Serial", "managedObject": {"id": "4711", "self": "…"}}

    def _upload(self, body: Mapping[str, Any]) -> tuple[int, Any]:
        certificate = x509.load_pem_x509_certificate(str(body["certInPemFormat"]).encode())
        fingerprint = certificate.fingerprint(hashes.SHA1()).hex()  # noqa: S303 - the contract's name
        if fingerprint in self.certificates:
            return 409, None
        if not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return 422, None
        made = {
            "name": body["name"],
            "status": body["status"],
            "autoRegistrationEnabled": self._truth(bool(body["autoRegistrationEnabled"])),
            "certInPemFormat": base64.b64encode(certificate.public_bytes(Encoding.DER)).decode(),
            "fingerprint": fingerprint,
            "serialNumber": str(certificate.serial_number),
            "version": 3,
            "tenantCertificateAuthority": False,
            "somethingNewer": {"of": ["another", "release"]},
        }
        self.certificates[fingerprint] = made
        if self.ways.has_proofs:
            made[PROVEN] = self._truth(False)
        if self.ways.has_proofs and self.ways.makes_code_on_upload:
            self._with_code(fingerprint)
        return 201, made

    def _with_code(self, fingerprint: str) -> tuple[int, Any]:
        until = datetime.now(UTC) + timedelta(days=1)
        self.certificates[fingerprint] |= {
            CODE: base64.b64encode(secrets.token_bytes(120)).decode(),
            "proofOfPossessionVerificationCodeUsableUntil": f"{until:%Y-%m-%dT%H:%M:%S}.000Z",
        }
        return 200, self.certificates[fingerprint]

    def _prove(self, fingerprint: str, signature: str) -> tuple[int, Any]:
        found = self.certificates[fingerprint]
        key = x509.load_der_x509_certificate(base64.b64decode(found["certInPemFormat"])).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        try:
            key.verify(base64.b64decode(signature, validate=True), found[CODE].encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return 400, None
        found[PROVEN] = self._truth(True)
        del found[CODE]
        return 200, found

    def _truth(self, is_so: bool) -> bool | str:
        return str(is_so).lower() if self.ways.writes_truths_as_text else is_so


_CHANGEABLE = frozenset({"name", "status", "autoRegistrationEnabled"})


def _handler_of(platform: OtherPlatform) -> type[BaseHTTPRequestHandler]:
    basic = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"

    class Handler(BaseHTTPRequestHandler):
        """One call. A body comes back from a write only to those who say what they accept."""

        protocol_version = "HTTP/1.1"

        def _act(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            user = self.headers.get("Authorization", "")
            if user not in {basic, f"Bearer {TOKEN}"}:
                self._reply(
                    401, {"error": "security/Unauthorized", "message": "Invalid credentials! : Bad credentials"}
                )
                return
            status, body = platform.answer(self.command, self.path, json.loads(content or b"{}"), user)
            if body is None:
                body = {"error": "certificate/Error", "message": f"answer {status}", "info": "https://example.com"}
            elif self.command != "GET" and not self.headers.get("Accept"):
                body = None
            self._reply(status, body)

        def _reply(self, status: int, body: Any) -> None:
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response_only(status)  # without Date, which the contract does not ask for
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _act  # noqa: N815 - the names that the library calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def running(folder: Path, device_ca: Path, ways: Ways) -> Iterator[OtherPlatform]:
    """Start it, with a server certificate below an intermediate, as public CAs issue; devices are those of a CA."""
    platform = OtherPlatform(ways)
    root = root_authority("Public Root")
    server = root.authority("Public Issuing CA").device("localhost", eku=[SERVER_AUTH], san=[x509.DNSName("localhost")])
    platform.root = folder / "public-root.pem"
    platform.root.write_text(root.pem)
    (folder / "server.pem").write_text(server.chain_pem_without_root)
    (folder / "server.key").write_text(server.key_pem())
    with ExitStack() as stack:
        platform.https_port = stack.enter_context(_https(platform, folder))
        inner, outer = stack.enter_context(_mosquitto(folder, device_ca))
        stack.enter_context(_listening_to_devices(platform, inner))
        speaks_less = ways.newest_mqtt < MQTT_5 or ways.newest_tls < ssl.TLSVersion.TLSv1_3
        front = stack.enter_context(_in_front_of(inner, folder, device_ca, ways)) if speaks_less else None
        platform.mqtt_port = front or outer
        yield platform


def _server_tls(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context


@contextmanager
def _https(platform: OtherPlatform, folder: Path) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(platform)) as server:
        server.daemon_threads = True
        server.socket = _server_tls(folder).wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _mosquitto(folder: Path, device_ca: Path) -> Iterator[tuple[int, int]]:
    """Start mosquitto; its ports, for those inside the platform and for devices."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        inner, outer = one.getsockname()[1], other.getsockname()[1]
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"allow_anonymous true\npersistence false\nuser root\nlistener {inner} 127.0.0.1\n"
        f"listener {outer} 127.0.0.1\ncafile {device_ca}\ncertfile {folder / 'server.pem'}\n"
        f"keyfile {folder / 'server.key'}\nrequire_certificate true\nuse_identity_as_username true\n"
    )
    with started(["/usr/sbin/mosquitto", "-c", settings]) as program:
        assert program.wait_until(lambda: "running" in program.text), program.text
        yield inner, outer


@contextmanager
def _listening_to_devices(platform: OtherPlatform, port: int) -> Iterator[None]:
    """Answer what devices ask for: their registration, and tokens."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    is_ready = threading.Event()

    def heard(_client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == "s/uat":
            client.publish("s/dat", f"71,{TOKEN}", qos=1)
        elif message.payload.startswith(b"100,"):
            platform.devices.add(message.payload.decode().split(",")[1])

    client.on_message = heard
    client.on_subscribe = lambda *_: is_ready.set()
    client.connect("127.0.0.1", port)
    client.subscribe([("s/us", 1), ("s/uat", 1)])
    client.loop_start()
    try:
        assert is_ready.wait(30)
        yield
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def _in_front_of(inner: int, folder: Path, device_ca: Path, ways: Ways) -> Iterator[int]:
    """TLS with a client certificate, and no newer version of MQTT than the platform speaks."""
    context = _server_tls(folder)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(device_ca)
    context.maximum_version = ways.newest_tls
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                threading.Thread(target=_serve_one, args=(peer, context, inner, ways), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _serve_one(peer: socket.socket, context: ssl.SSLContext, inner: int, ways: Ways) -> None:
    peer.settimeout(30)
    with contextlib.suppress(OSError), context.wrap_socket(peer, server_side=True) as outside:
        first = outside.recv(4096)
        if not first:
            return
        name_at = 2  # a CONNECT of these tests is short: one byte of length
        if first[name_at + 6] > ways.newest_mqtt:
            outside.sendall(VERSION_REFUSED)
            return
        with socket.create_connection(("127.0.0.1", inner)) as inside:
            inside.sendall(first)
            other = {outside: inside, inside: outside}
            while True:
                ready = [outside] if outside.pending() else select.select([outside, inside], [], [], 30)[0]
                pieces = [(other[one], one.recv(4096)) for one in ready]
                if not all(piece for _, piece in pieces):
                    return
                for target, piece in pieces:
                    target.sendall(piece)
