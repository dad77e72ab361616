"""``certinel onboard``: the steps in their order, and what is told about each."""

from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.text import Text

from certinel.cli.example_device import DeviceFiles, DeviceRefusedError, NoAnswerError, connected
from certinel.cli.onboarding.folder import (
    CaFiles,
    DevicePaths,
    ca_at,
    device_at,
    write_server_ca,
    write_settings,
    write_stores,
)
from certinel.cli.onboarding.platform import Platform
from certinel.cli.onboarding.trusting import check_clocks, common_name_of, trust
from certinel.cli.pki.files import CaFile, CaKeyFile
from certinel.cli.pki.secrets_given import CaPassphraseFile, StorePassphraseFile
from certinel.cli.reachability import check_server, trust_in
from certinel.cli.terminal import EXIT_USAGE, CommandError, console
from certinel.services.clock import SystemClock


def onboard(  # noqa: PLR0917 - typer calls it by name
    device: Annotated[str, typer.Argument(help="Name of the first device; its MQTT client id.")],
    url: Annotated[
        str, typer.Option(envvar="CERTINEL_URL", help="The platform's REST interface.")
    ] = "https://localhost:8443",
    user: Annotated[
        str, typer.Option(envvar="CERTINEL_USER", help="An administrator of the tenant, as TENANT/NAME.")
    ] = "t1000/admin",
    password: Annotated[
        str | None,
        typer.Option(envvar="CERTINEL_PASSWORD", help="Of that user; better in the environment. Asked for if missing."),
    ] = None,
    server_ca: Annotated[
        Path | None,
        typer.Option(
            envvar="CERTINEL_CA", help="CA of the platform's own certificate, unless this computer trusts it."
        ),
    ] = None,
    mqtt_port: Annotated[int, typer.Option(min=1, max=65535, help="The platform's MQTT port.")] = 8883,
    mqtt_host: Annotated[str | None, typer.Option(help="Where its MQTT is, when not where REST is.")] = None,
    ca: CaFile = Path("ca.pem"),
    ca_key: CaKeyFile = None,
    ca_name: Annotated[
        str | None,
        typer.Option(help="Common name or whole subject of a new CA; by default it says whose devices it is for."),
    ] = None,
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Encrypt the key of a new CA.")] = False,
    ca_passphrase_file: CaPassphraseFile = None,
    store_passphrase_file: StorePassphraseFile = None,
    auto_registration: Annotated[
        bool, typer.Option(help="Whether devices of a new CA register themselves on their first connect.")
    ] = True,
    out_dir: Annotated[Path, typer.Option(help="Where everything of the device goes.")] = Path(),
    connect: Annotated[bool, typer.Option(help="Try it: connect as the device, and call REST with its token.")] = True,
) -> None:
    """Bring in a CA and the first device: from nothing to a device that connects, in one go.

    Makes the CA (or takes yours), uploads it, signs its verification code, enables it, makes the device's key,
    certificate, chain, key store and trust store, and writes what a client has to know into DEVICE.env. Works with
    certinel and with any platform of the same contract. Run again, it goes on where it stopped; nothing that is there
    is made again or replaced. The password is never written down.
    """
    if password is None:
        password = typer.prompt(f"Password of {user}", hide_input=True, err=True)
    paths = DevicePaths(out_dir, device)
    now = SystemClock().now()
    with Platform(url, user, password, server_ca) as platform:
        host = mqtt_host or platform.url.host
        tenant = platform.tenant()
        _tell("Platform found", f"{platform.url}, signed in to tenant {tenant} as {user}")
        check_clocks(platform, now, _tell)
        check_server(host, mqtt_port, server_ca)
        files = CaFiles(ca, ca_key, ca_passphrase_file, encrypt)
        authority, above = ca_at(files, ca_name or f"{tenant} device CA", now, _tell)
        name = common_name_of(authority.certificate)
        trust(platform, tenant, name, authority, _tell, auto_registration=auto_registration)
    chain, key = device_at(paths, ca, authority, above, now, _tell)
    trusted = write_server_ca(paths, server_ca, _tell)
    passphrase_file = write_stores(paths, key, chain, store_passphrase_file, _tell)
    settings = {
        "DEVICE_NAME": device,
        "DEVICE_HOST": host,
        "DEVICE_MQTT_PORT": str(mqtt_port),
        "DEVICE_URL": str(platform.url).rstrip("/"),
        "DEVICE_CHAIN": str(paths.chain.absolute()),
        "DEVICE_KEY": str(paths.key.absolute()),
        "DEVICE_SERVER_CA": str(trusted.absolute()) if trusted is not None else "",
        "DEVICE_KEYSTORE": str(paths.keystore.absolute()),
        "DEVICE_TRUSTSTORE": str(paths.truststore.absolute()) if trusted is not None else "",
        "DEVICE_STORE_PASSPHRASE_FILE": str(passphrase_file.absolute()) if passphrase_file is not None else "",
    }
    write_settings(paths, settings, _tell)
    if connect:
        _try(paths, host, mqtt_port, platform.url, trusted)
    console.print(f"\nEverything of {device} is in {out_dir.absolute()}. Go on with:", markup=False)
    console.print(f"  set -a; . {paths.settings}; certinel connect {device} --listen", markup=False)


def _try(paths: DevicePaths, host: str, port: int, url: httpx.URL, server_ca: Path | None) -> None:
    files = DeviceFiles(chain=paths.chain, key=paths.key, server_ca=server_ca)
    try:
        with connected(f"d:{paths.name}", files, host, port) as device:
            _tell("Connected", f"as d:{paths.name} to {host}:{port}")
            device.publish(f"100,{paths.name},c8y_MQTTDevice")
            token = device.request_token()
    except DeviceRefusedError as refused:
        raise CommandError(
            f"the platform refuses the device: {refused}; its administrator sees why: certinel admin attempts"
            f" --device {paths.name} --details, or certinel explain {paths.chain} --url {url}"
        ) from None
    except NoAnswerError as error:
        raise CommandError(str(error), EXIT_USAGE) from None
    with httpx.Client(base_url=url, verify=trust_in(server_ca), headers={"Authorization": f"Bearer {token}"}) as client:
        try:
            answer = client.get(f"/identity/externalIds/c8y_Serial/{paths.name}")
        except httpx.HTTPError as error:
            raise CommandError(f"{url}: {str(error) or type(error).__name__}", EXIT_USAGE) from None
    if not answer.is_success:
        raise CommandError(f"{url} answers the device's token with {answer.status_code}")
    _tell("REST called with its token", f"it is managed object {answer.json()['managedObject']['id']}")


def _tell(what: str, about: str) -> None:
    console.print(Text.assemble(("✓ ", "bold green"), (what, "bold"), f"  {about}"))
