"""``certinel serve``: run a node until it is told to stop."""

import asyncio
import shlex
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import uvloop
from rich.markup import escape

from certinel.cli.terminal import EXIT_USAGE, CommandError, console, this_program
from certinel.config import Settings, WrongSettingError, load, notify_socket

if TYPE_CHECKING:  # a whole node takes a second to import: when one is started, not for --help
    from certinel.services.first_start import FirstAdministrators
    from certinel.wiring.node import Node, NodeFacts

DEFAULT_CONFIG = Path("certinel.toml")


def serve(  # noqa: PLR0917 - typer calls it by name
    config: Annotated[
        Path | None, typer.Option(help="Settings file; certinel.toml in this folder is read when it is there.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where database, keys and certificates are kept.")] = None,
    host: Annotated[str | None, typer.Option(help="Address for MQTT and HTTPS.")] = None,
    mqtt_port: Annotated[int | None, typer.Option(help="MQTT over TLS; 0 lets the system choose.")] = None,
    https_port: Annotated[int | None, typer.Option(help="Pages and REST over HTTPS.")] = None,
    http_port: Annotated[
        str | None, typer.Option(help='Pages and REST over plain HTTP on loopback; "off" leaves it out.')
    ] = None,
    public_host: Annotated[
        list[str] | None, typer.Option(help="A name devices use; goes into the server certificate. Repeatable.")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="postgresql://USER:PASSWORD@HOST/NAME instead of SQLite in the data directory.")
    ] = None,
) -> None:
    """Run the platform: MQTT over mutual TLS, pages and REST over HTTPS.

    Options win over the environment (CERTINEL_MQTT_PORT=…), which wins over the settings file.
    """
    options: dict[str, Any] = {
        "data_dir": data_dir,
        "host": host,
        "mqtt_port": mqtt_port,
        "https_port": https_port,
        "http_port": http_port,
        "public_host": public_host or None,
        "database": database,
    }
    given = {name: value for name, value in options.items() if value is not None}
    file = config or (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None)
    try:
        settings = load(given, file)
    except WrongSettingError as error:
        raise CommandError(str(error), EXIT_USAGE) from None
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    from certinel.wiring import logs
    from certinel.wiring.service_manager import Stage, tell

    logs.configure(settings.log)
    node, facts = await start_node(settings)
    greet(facts)
    manager, stop = notify_socket(), told_to_stop()
    tell(manager, Stage.READY, f"devices on port {facts.mqtt_port}, pages and REST on port {facts.https_port}")
    try:
        await stop.wait()
    finally:
        tell(manager, Stage.STOPPING, "finishing what is in flight")
        await node.stop()


async def start_node(settings: Settings) -> "tuple[Node, NodeFacts]":
    """Start a node; what keeps it from starting is one line for the operator."""
    from certinel.wiring.node import Node, start_problem

    node = Node(settings)
    try:
        return node, await node.start()
    except start_problem as error:
        made = node.first_administrators
        if made is not None and made.was_generated:  # they are there, and the next start will not say it
            console.print(f"sign in, once the node runs, as {_first_sign_in(made)}")
        raise CommandError(str(error)) from error


def told_to_stop() -> asyncio.Event:
    """Return what is set when the process is told to stop, SIGTERM or Ctrl+C; from now on these do nothing else."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def greet(facts: "NodeFacts", password: str | None = None) -> None:
    """Say where everything is and what to do next; the password only when it is nobody's secret."""
    for note in facts.notes:
        console.print(f"[yellow]note:[/] {escape(note)}")
    host = facts.host_name
    http = f", http://localhost:{facts.http_port}" if facts.http_port is not None else ""
    trusts = facts.server_ca or "the issuer of your server certificate"
    console.print(f"[bold]certinel[/] is ready: data in {facts.data_dir}")
    console.print(f"  devices connect to   mqtts://{host}:{facts.mqtt_port} and trust {trusts}")
    console.print(f"  pages and REST at    https://{host}:{facts.https_port}/ui/{http}")
    console.print(f"  sign in as           {_who(facts, password)}")
    console.print(f"  next                 a CA and a first device: {_onboard(facts)}", markup=False, soft_wrap=True)


def _who(facts: "NodeFacts", password: str | None) -> str:
    if password is not None:
        return f"t1000/admin or management/admin with the password [bold]{escape(password)}[/]"
    if facts.administrators is None:
        return "t1000/admin or management/admin, with the password of the first start"
    return _first_sign_in(facts.administrators)


def _first_sign_in(made: "FirstAdministrators") -> str:
    names = " or ".join(f"{tenant}/{made.user_name}" for tenant in reversed(made.tenants))
    if not made.was_generated:
        return f"{names}, with the password you gave in CERTINEL_ADMIN_PASSWORD"
    return f"{names} with the password [bold]{made.password}[/] (shown only now)"


def _onboard(facts: "NodeFacts") -> str:
    """Return the command that brings in a CA and a first device."""
    where = f"--url https://{facts.host_name}:{facts.https_port} --mqtt-port {facts.mqtt_port}"
    trust = f" --server-ca {shlex.quote(str(facts.server_ca))}" if facts.server_ca is not None else ""
    return f"{this_program()} onboard my-device {where}{trust}"
