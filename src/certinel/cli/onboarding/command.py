"""``certinel onboard``: the steps in their order, and what is told about each."""

import shlex
from pathlib import Path

import typer
from rich.text import Text

from certinel.cli.onboarding import options as given
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
from certinel.cli.onboarding.trial import try_out
from certinel.cli.onboarding.trusting import check_clocks, common_name_of, trust
from certinel.cli.pki.files import CaFile, CaKeyFile
from certinel.cli.pki.secrets_given import CaPassphraseFile, StorePassphraseFile
from certinel.cli.reachability import check_server
from certinel.cli.terminal import console, this_program
from certinel.services.clock import SystemClock


def onboard(  # noqa: PLR0917 - typer calls it by name
    device: given.DeviceName,
    url: given.PlatformUrl = "https://localhost:8443",
    user: given.Administrator = "t1000/admin",
    password: given.Password = None,
    server_ca: given.ServerCa = None,
    mqtt_port: given.MqttPort = 8883,
    mqtt_host: given.MqttHost = None,
    ca: CaFile = Path("ca.pem"),
    ca_key: CaKeyFile = None,
    ca_name: given.CaName = None,
    encrypt: given.EncryptCaKey = False,
    ca_passphrase_file: CaPassphraseFile = None,
    store_passphrase_file: StorePassphraseFile = None,
    auto_registration: given.AutoRegistration = True,
    out_dir: given.OutDir = Path(),
    connect: given.Connect = True,
) -> None:
    """Bring in a CA and the first device: from nothing to a device that connects, in one go.

    Makes the CA (or takes yours), uploads it, signs its verification code, enables it, makes the device's key,
    certificate, chain, key store and trust store, and writes what a client has to know into DEVICE.env. Works with
    certinel and with any platform of the same contract. Run again, it goes on where it stopped; nothing that is there
    is made again or replaced. The password is never written down.
    """
    if password is None:
        password = typer.prompt(f"Password of {user}", hide_input=True, err=True)
    paths, now = DevicePaths(out_dir, device), SystemClock().now()
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
    place = {"DEVICE_HOST": host, "DEVICE_MQTT_PORT": str(mqtt_port), "DEVICE_URL": str(platform.url).rstrip("/")}
    write_settings(paths, place, trusted, passphrase_file, _tell)
    if connect:
        try_out(paths, host, mqtt_port, platform.url, trusted, _tell)
    _say_what_next(paths)


def _say_what_next(paths: DevicePaths) -> None:
    console.print(f"\nEverything of {paths.name} is in {paths.folder.absolute()}. Go on with:", markup=False)
    settings = shlex.quote(str(paths.settings.absolute()))  # without a slash, sh looks for it in the PATH
    console.print(f"  set -a; . {settings}; {this_program()} connect {shlex.quote(paths.name)} --listen", markup=False)


def _tell(what: str, about: str) -> None:
    console.print(Text.assemble(("✓ ", "bold green"), (what, "bold"), f"  {about}"))
