"""``certinel connect``: an example device on the command line."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from certinel.cli.example_device import DeviceFiles, DeviceRefusedError, ExampleDevice, NoAnswerError, connected
from certinel.cli.onboarding.trusting import common_name_of
from certinel.cli.pki.files import KEY_SUFFIX, opened_key, read_chain
from certinel.cli.pki.secrets_given import KEY_VARIABLE, PassphraseFile
from certinel.cli.reachability import check_server
from certinel.cli.terminal import EXIT_USAGE, CommandError

DEFAULT_ROW = "211,21.5"
ERRORS_TOPIC = "s/e"
OPERATIONS_TOPIC = "s/ds"

_console = Console(stderr=True, highlight=False, soft_wrap=True)
"""What is told; standard output is for the token and for what comes."""


def connect(  # noqa: PLR0917 - typer calls it by name
    name: Annotated[
        str | None, typer.Argument(envvar="DEVICE_NAME", help="The device; its files are NAME.pem, NAME.key.")
    ] = None,
    chain: Annotated[
        Path | None, typer.Option(envvar="DEVICE_CHAIN", help="Its certificate and those above it, in PEM.")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(envvar="DEVICE_KEY", help="Its private key; by default beside the chain, ending .key."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    host: Annotated[str, typer.Option(envvar="DEVICE_HOST", help="Where the platform is.")] = "localhost",
    port: Annotated[int, typer.Option(envvar="DEVICE_MQTT_PORT", min=1, max=65535, help="Its MQTT port.")] = 8883,
    server_ca: Annotated[
        Path | None,
        typer.Option(
            envvar="DEVICE_SERVER_CA", help="CA of the platform's own certificate, unless this computer trusts it."
        ),
    ] = None,
    client_id: Annotated[
        str | None, typer.Option(help="MQTT client id; by default d: and the name in the certificate.")
    ] = None,
    send: Annotated[
        list[str] | None, typer.Option(help=f"SmartREST row to publish, repeatable; {DEFAULT_ROW} by default.")
    ] = None,
    token: Annotated[bool, typer.Option(help="Fetch a token for REST and print it on standard output.")] = True,
    listen: Annotated[
        bool, typer.Option("--listen", help="Stay and print operations and errors as they come, until Ctrl-C.")
    ] = False,
) -> None:
    """Connect as a device: with its certificate, publish, print a token for REST.

    Everything told goes to standard error, so that TOKEN=$(certinel connect …) works. Ends with 1 when the platform
    refuses the device, with 2 when it cannot be asked.
    """
    if chain is None and name is None:
        raise CommandError("give the name of a device, or --chain FILE", EXIT_USAGE)
    file = chain or Path(f"{name}.pem")
    common_name = common_name_of(read_chain(file)[0])
    key_file = key or file.with_suffix(KEY_SUFFIX)
    _, passphrase = opened_key(key_file, passphrase_file, KEY_VARIABLE)
    check_server(host, port, server_ca)
    files = DeviceFiles(chain=file, key=key_file, server_ca=server_ca, key_passphrase=passphrase)
    try:
        with connected(client_id or f"d:{common_name}", files, host, port) as device:
            _tell("Connected", f"{common_name} to {host}:{port}")
            _talk(device, send or [DEFAULT_ROW], token=token, listen=listen)
    except DeviceRefusedError as refused:
        raise CommandError(f"refused: {refused}") from None
    except NoAnswerError as error:
        raise CommandError(str(error), EXIT_USAGE) from None


def _talk(device: ExampleDevice, rows: Sequence[str], *, token: bool, listen: bool) -> None:
    device.subscribe(ERRORS_TOPIC)
    for row in rows:
        device.publish(row)
        _tell("Acknowledged", row)
    if token:
        typer.echo(device.request_token())
    if listen:
        device.subscribe(OPERATIONS_TOPIC)
        _tell("Listening", "until Ctrl-C")
        with suppress(KeyboardInterrupt):  # the way to end it
            while True:
                _tell_message(*device.messages.get())
    while not device.messages.empty():
        _tell_message(*device.messages.get())


def _tell_message(topic: str, text: str) -> None:
    _console.print(Text.assemble((f"{topic} ", "bold yellow"), text))


def _tell(what: str, about: str) -> None:
    _console.print(Text.assemble(("✓ ", "bold green"), (what, "bold"), f"  {about}"))
