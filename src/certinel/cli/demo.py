"""``certinel demo``: a node, and on it the whole way from a CA to a REST call and to an explained refusal."""

import asyncio
import secrets
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import typer
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from rich.padding import Padding
from rich.table import Table

from certinel.api.explanation_answer import ExplanationAnswer
from certinel.cli.example_device import DeviceFiles, DeviceRefusedError, NoAnswerError, connected
from certinel.cli.explained_cards import drawing_of
from certinel.cli.serve import greet, start_node, told_to_stop
from certinel.cli.terminal import CommandError, console
from certinel.config import Settings, WrongSettingError, load
from certinel.pki.authority import Authority, Validity, distinguished_name, issue_device, make_ca
from certinel.pki.keys import generate_key, key_from_pem, key_to_pem
from certinel.pki.proof import signature_of
from certinel.wiring import logs
from certinel.wiring.data_directory import write_public, write_secret

if TYPE_CHECKING:  # see serve
    from certinel.wiring.node import NodeFacts

DEVICE = "demo-thermometer"
EXPIRED_DEVICE = "demo-old-pump"
DEVICE_VALIDITY = timedelta(days=7)
TENANT = "t1000"
CERTIFICATES = f"/tenant/tenants/{TENANT}/trusted-certificates"
PROOFS = f"{CERTIFICATES}-pop"
TEMPERATURES = (21.3, 21.5, 21.9, 22.4, 22.1)
PASSWORD_FILE = "admin-password"  # noqa: S105 - a file's name


def demo(
    data_dir: Annotated[Path, typer.Option(help="Folder of the demonstration; delete it to start over.")] = Path(
        ".demo"
    ),
    stay: Annotated[bool, typer.Option(help="Keep the node running when the demonstration is over.")] = True,
) -> None:
    """Show it: a CA and its proof, a device that registers itself, its data, its token, and one that is refused."""
    try:
        settings = load({"data_dir": data_dir / "node", "admin_password": _password(data_dir)}, None)
    except WrongSettingError as error:
        raise CommandError(str(error)) from None
    uvloop.run(_demonstrate(settings, data_dir, stay=stay))


def _password(data_dir: Path) -> str:
    """Return the password of the demonstration's administrators, made on the first run."""
    file = data_dir / PASSWORD_FILE
    if not file.exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_secret(file, secrets.token_urlsafe(12).encode())
    return file.read_text()


async def _demonstrate(settings: Settings, folder: Path, *, stay: bool) -> None:
    logs.configure(settings.log.model_copy(update={"level": "error"}))
    node, facts = await start_node(settings)
    try:
        try:
            await asyncio.to_thread(_walk_through, facts, settings, folder)
        except (NoAnswerError, DeviceRefusedError, httpx.HTTPError) as error:
            raise CommandError(f"the demonstration did not work: {error}") from error
        _farewell(facts, settings)
        if stay:
            await told_to_stop().wait()
    finally:
        await node.stop()


def _walk_through(facts: "NodeFacts", settings: Settings, folder: Path) -> None:
    server_ca = facts.server_ca or folder / "node" / "server-ca.pem"
    now = datetime.now(UTC)
    _step(1, "A certificate authority of your own", f"certinel demo plant CA, private key in {folder}")
    plant = _authority(folder, now)
    password = settings.admin_password.get_secret_value() if settings.admin_password else ""
    base = f"https://localhost:{facts.https_port}"
    with httpx.Client(base_url=base, verify=_verify(server_ca), auth=(f"{TENANT}/admin", password)) as admin:
        trusted = _upload(admin, plant)
        detail = f"in tenant {TENANT} with auto registration, fingerprint {trusted['fingerprint']}"
        _step(2, "The tenant uploads it and trusts it", detail)
        _step(3, "And proves that it holds the private key", _prove(admin, plant, trusted))
        device = _device_files(folder, DEVICE, plant, server_ca, Validity.of_days(DEVICE_VALIDITY.days, at=now))
        token = _send_temperatures(device, facts.mqtt_port)
        _step(7, "And reads its own data over REST with it", "GET /measurement/measurements")
        with httpx.Client(
            base_url=base, verify=_verify(server_ca), headers={"Authorization": f"Bearer {token}"}
        ) as own:
            _show_measurements(own)
        last_month = Validity(now - timedelta(days=37), now - timedelta(days=30))
        expired = _device_files(folder, EXPIRED_DEVICE, plant, server_ca, last_month)
        _step(8, "A device with an expired certificate is refused, and told so", _refusal(expired, facts.mqtt_port))
        _step(9, "Its owner sees why, and what to do", "POST /certinel/explanations")
        _show_explanation(admin, expired)


def _send_temperatures(device: DeviceFiles, mqtt_port: int) -> str:
    """Connect for the first time, which registers the device, send what it measures, and return its token for HTTP."""
    with connected(DEVICE, device, "localhost", mqtt_port) as thermometer:
        _step(4, "A device of that CA connects and registers itself", f"client id {DEVICE}, no password anywhere")
        thermometer.publish(f"100,{DEVICE},c8y_Thermometer")
        for temperature in TEMPERATURES:
            thermometer.publish(f"211,{temperature}")
        _step(5, "It sends temperatures", ", ".join(f"{value} °C" for value in TEMPERATURES))
        token = thermometer.request_token()
        _step(6, "It fetches a token for HTTP", f"{token[:24]}… ({len(token)} characters)")
    return token


def _refusal(device: DeviceFiles, mqtt_port: int) -> str:
    """Return what a device is told that is not let in."""
    try:
        with connected(EXPIRED_DEVICE, device, "localhost", mqtt_port):
            raise NoAnswerError("a device with an expired certificate was let in")
    except DeviceRefusedError as refused:
        return str(refused)


def _authority(folder: Path, now: datetime) -> Authority:
    """Return the CA of the demonstration, made on the first run and again when it has expired."""
    certificate_file, key_file = folder / "plant-ca.pem", folder / "plant-ca.key"
    if certificate_file.exists() and key_file.exists():
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        if now < certificate.not_valid_after_utc - DEVICE_VALIDITY:
            return Authority(certificate, key_from_pem(key_file.read_bytes()))
    authority = make_ca(distinguished_name("certinel demo plant CA"), generate_key(), Validity.of_days(30, at=now))
    write_secret(key_file, key_to_pem(authority.key))
    write_public(certificate_file, authority.certificate.public_bytes(Encoding.PEM))
    return authority


def _device_files(folder: Path, name: str, authority: Authority, server_ca: Path, validity: Validity) -> DeviceFiles:
    key = generate_key()
    certificate = issue_device(authority, name, key.public_key(), validity)
    chain = certificate.public_bytes(Encoding.PEM) + authority.certificate.public_bytes(Encoding.PEM)
    files = DeviceFiles(chain=folder / f"{name}.pem", key=folder / f"{name}.key", server_ca=server_ca)
    write_public(files.chain, chain)
    write_secret(files.key, key_to_pem(key))
    return files


def _verify(server_ca: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server_ca))


def _upload(admin: httpx.Client, authority: Authority) -> dict[str, Any]:
    """Return the trusted certificate, uploaded unless an earlier run has done it."""
    fingerprint = authority.certificate.fingerprint(SHA1()).hex()  # noqa: S303 - the contract's name of a certificate
    known = admin.get(f"{CERTIFICATES}/{fingerprint}")
    if known.status_code == httpx.codes.NOT_FOUND:
        body = {
            "name": "Demo plant CA",
            "status": "ENABLED",
            "autoRegistrationEnabled": True,
            "certInPemFormat": authority.certificate.public_bytes(Encoding.PEM).decode(),
        }
        known = admin.post(CERTIFICATES, json=body)
    trusted: dict[str, Any] = known.raise_for_status().json()
    return trusted


def _prove(admin: httpx.Client, authority: Authority, trusted: Mapping[str, Any]) -> str:
    if trusted["proofOfPossessionValid"]:
        return "proven already, on an earlier run"
    code = str(trusted["proofOfPossessionUnsignedVerificationCode"])
    body = {"proofOfPossessionSignedVerificationCode": signature_of(code.encode(), authority.key)}
    admin.post(f"{PROOFS}/{trusted['fingerprint']}/pop", json=body).raise_for_status()
    return f"signed the code {code[:16]}… with the CA's key: no other tenant can take its devices now"


def _show_explanation(admin: httpx.Client, device: DeviceFiles) -> None:
    body = {"chain": device.chain.read_text(), "clientId": EXPIRED_DEVICE}
    answer = admin.post("/certinel/explanations", json=body).raise_for_status()
    console.print(Padding(drawing_of(ExplanationAnswer.model_validate(answer.json())), (0, 0, 0, 2)))


def _show_measurements(client: httpx.Client) -> None:
    objects = client.get(f"/identity/externalIds/c8y_Serial/{DEVICE}").raise_for_status().json()
    source = objects["managedObject"]["id"]
    answer = client.get("/measurement/measurements", params={"source": source, "pageSize": 5, "revert": "true"})
    table = Table("time", "type", "temperature", box=None, padding=(0, 3), header_style="dim")
    for measurement in answer.raise_for_status().json()["measurements"]:
        value = measurement["c8y_TemperatureMeasurement"]["T"]
        table.add_row(measurement["time"], measurement["type"], f"{value['value']} °{value['unit']}")
    console.print(table)


def _step(number: int, title: str, detail: str) -> None:
    console.print(f"\n[bold cyan]{number}[/] [bold]{title}[/]")
    console.print(f"  {detail}", markup=False)


def _farewell(facts: "NodeFacts", settings: Settings) -> None:
    console.print()
    greet(facts, settings.admin_password.get_secret_value() if settings.admin_password else None)
    console.print("  stop with            Ctrl+C")
