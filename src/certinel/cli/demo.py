"""``certinel demo``: a node, and on it the whole way from a CA to a REST call with a device's token."""

import asyncio
import secrets
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import httpx
import typer
import uvloop
from cryptography.hazmat.primitives.serialization import Encoding
from rich.table import Table

from certinel.cli.example_device import DeviceFiles, DeviceRefusedError, NoAnswerError, connected
from certinel.cli.serve import greet, start_node, wait_for_stop
from certinel.cli.terminal import CommandError, console
from certinel.config import Settings, WrongSettingError, load
from certinel.pki.authority import Authority, Validity, distinguished_name, issue_device, make_ca
from certinel.pki.keys import generate_key, key_to_pem
from certinel.wiring import logs
from certinel.wiring.data_directory import write_public, write_secret
from certinel.wiring.node import NodeFacts

DEVICE = "demo-thermometer"
STRANGER = "demo-stranger"
TENANT = "t1000"
TEMPERATURES = (21.3, 21.5, 21.9, 22.4, 22.1)
PASSWORD_FILE = "admin-password"  # noqa: S105 - a file's name


def demo(
    data_dir: Annotated[Path, typer.Option(help="Folder of the demonstration; delete it to start over.")] = Path(
        ".demo"
    ),
    stay: Annotated[bool, typer.Option(help="Keep the node running when the demonstration is over.")] = True,
) -> None:
    """Show it: a CA, a device that registers itself, its temperatures, its token, and a device that is refused."""
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
            await wait_for_stop()
    finally:
        await node.stop()


def _walk_through(facts: NodeFacts, settings: Settings, folder: Path) -> None:
    server_ca = facts.server_ca or folder / "node" / "server-ca.pem"
    now = datetime.now(UTC)
    _step(1, "A certificate authority of your own", f"certinel demo plant CA, private key in {folder}")
    plant = _authority("certinel demo plant CA", now)
    device = _device_files(folder, DEVICE, plant, server_ca, now)
    password = settings.admin_password.get_secret_value() if settings.admin_password else ""
    base = f"https://localhost:{facts.https_port}"
    with httpx.Client(base_url=base, verify=_verify(server_ca), auth=(f"{TENANT}/admin", password)) as admin:
        _step(2, "The tenant trusts it", _upload(admin, plant))
    with connected(DEVICE, device, "localhost", facts.mqtt_port) as thermometer:
        _step(3, "A device of that CA connects and registers itself", f"client id {DEVICE}, no password anywhere")
        thermometer.publish(f"100,{DEVICE},c8y_Thermometer")
        for temperature in TEMPERATURES:
            thermometer.publish(f"211,{temperature}")
        _step(4, "It sends temperatures", ", ".join(f"{value} °C" for value in TEMPERATURES))
        token = thermometer.request_token()
        _step(5, "It fetches a token for HTTP", f"{token[:24]}… ({len(token)} characters)")
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=base, verify=_verify(server_ca), headers=headers) as client:
        _step(6, "And reads its own data over REST with it", "GET /measurement/measurements")
        _show_measurements(client)
    stranger = _device_files(folder, STRANGER, _authority("nobody's CA", now), server_ca, now)
    try:
        with connected(STRANGER, stranger, "localhost", facts.mqtt_port):
            raise NoAnswerError("a device of an unknown CA was let in")
    except DeviceRefusedError as refused:
        _step(7, "A device of another CA is refused, and told so", str(refused))


def _authority(name: str, now: datetime) -> Authority:
    return make_ca(distinguished_name(name), generate_key(), Validity.of_days(30, at=now))


def _device_files(folder: Path, name: str, authority: Authority, server_ca: Path, now: datetime) -> DeviceFiles:
    key = generate_key()
    certificate = issue_device(authority, name, key.public_key(), Validity.of_days(7, at=now))
    chain = certificate.public_bytes(Encoding.PEM) + authority.certificate.public_bytes(Encoding.PEM)
    files = DeviceFiles(chain=folder / f"{name}.pem", key=folder / f"{name}.key", server_ca=server_ca)
    write_public(files.chain, chain)
    write_secret(files.key, key_to_pem(key))
    return files


def _verify(server_ca: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server_ca))


def _upload(admin: httpx.Client, authority: Authority) -> str:
    body = {
        "name": "Demo plant CA",
        "status": "ENABLED",
        "autoRegistrationEnabled": True,
        "certInPemFormat": authority.certificate.public_bytes(Encoding.PEM).decode(),
    }
    answer = admin.post(f"/tenant/tenants/{TENANT}/trusted-certificates", json=body)
    answer.raise_for_status()
    return f"uploaded to tenant {TENANT} with auto registration, fingerprint {answer.json()['fingerprint']}"


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


def _farewell(facts: NodeFacts, settings: Settings) -> None:
    console.print()
    greet(facts)
    password = settings.admin_password.get_secret_value() if settings.admin_password else ""
    console.print(f"  password             {password}", markup=False)
    console.print("  stop with            Ctrl+C")
