"""``certinel simulate``: a fleet of simulated devices against a platform that is yours."""

import asyncio
import gc
import ipaddress
import json
import resource
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console
from rich.live import Live
from rich.progress import track

from certinel.cli.pki.files import CaFile, CaKeyFile, read_authority, write_public
from certinel.cli.pki.secrets_given import CaPassphraseFile
from certinel.cli.reachability import check_server
from certinel.cli.simulation_tables import board, summary
from certinel.cli.terminal import EXIT_FAILURE, EXIT_USAGE, CommandError, console
from certinel.mqtt.packets import ProtocolVersion
from certinel.services.clock import SystemClock
from certinel.simulation.client_tls import ClientTls
from certinel.simulation.fleet import FleetMaker, Identity
from certinel.simulation.plan import Fault, Plan, Scenario, UnusablePlanError
from certinel.simulation.report import Limit, UnusableLimitError, exceeded, report_of
from certinel.simulation.simulation import Simulation, Target

DEFAULT_DURATION_SECONDS = 30.0
DRAWN_EVERY_SECONDS = 0.5
SPARE_FILES = 100
"""For everything that is no device's socket."""

_progress = Console(stderr=True)


class MqttVersion(StrEnum):
    """What the devices speak; only 5.0 tells them why they are refused."""

    V3_1_1 = "3.1.1"
    V5 = "5.0"


_VERSIONS = {MqttVersion.V3_1_1: ProtocolVersion.V3_1_1, MqttVersion.V5: ProtocolVersion.V5}


@dataclass(frozen=True, slots=True)
class _Order:
    """Everything a run needs."""

    plan: Plan
    target: Target
    server_ca: Path | None
    version: ProtocolVersion
    limits: list[Limit]


def simulate(  # noqa: PLR0917 - typer calls it by name
    scenario: Annotated[
        Scenario,
        typer.Argument(help="storm: connect and leave; telemetry: stay and send; tokens: stay and ask for them."),
    ] = Scenario.TELEMETRY,
    devices: Annotated[
        int, typer.Option(min=1, max=100_000, help="How many, each with a certificate of its own.")
    ] = 100,
    times: Annotated[
        int | None,
        typer.Option(min=1, help="How often each does it (connects, measurements, tokens), instead of --duration."),
    ] = None,
    duration: Annotated[
        float | None, typer.Option(min=0.1, help=f"Seconds; {DEFAULT_DURATION_SECONDS:.0f} unless --times is given.")
    ] = None,
    rate: Annotated[
        float, typer.Option(min=0, max=1000, help="What each device does in a second; 0 as fast as it is answered.")
    ] = 1.0,
    ramp: Annotated[
        float, typer.Option(min=0, help="Seconds over which the devices come; all at once by default.")
    ] = 0.0,
    at_once: Annotated[int, typer.Option(min=1, help="Connects under way at one moment, at most.")] = 500,
    fault: Annotated[
        list[str] | None,
        typer.Option(help=f"NAME=PERCENT of the devices, repeatable: {', '.join(Fault)}.", metavar="NAME=PERCENT"),
    ] = None,
    ca: CaFile = Path("ca.pem"),
    ca_key: CaKeyFile = None,
    ca_passphrase_file: CaPassphraseFile = None,
    host: Annotated[str, typer.Option(help="Where the platform is.")] = "localhost",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Its MQTT port.")] = 8883,
    server_ca: Annotated[
        Path | None,
        typer.Option(
            envvar="CERTINEL_CA", help="CA of the platform's own certificate, unless this computer trusts it."
        ),
    ] = None,
    mqtt_version: Annotated[
        MqttVersion, typer.Option(help="Only 5.0 tells a device why it is refused.")
    ] = MqttVersion.V5,
    name_prefix: Annotated[str, typer.Option(help="How the common names begin; a number follows.")] = "sim-",
    seed: Annotated[int, typer.Option(help="The same seed makes the same faulty devices and choices.")] = 0,
    fail_over: Annotated[
        list[str] | None,
        typer.Option(
            help="End with 1 above this, repeatable: puback.p99=250ms, connack.max=2s, unexpected=1%.", metavar="LIMIT"
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report as JSON here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    i_operate: Annotated[
        str | None, typer.Option(metavar="HOST", help="Name the host again when it is not this computer.")
    ] = None,
) -> None:
    """Put a platform under the load of many devices with real certificates, and report how it went.

    The certificates are made on the fly with the CA's key, end within a day, and are written nowhere. Faulty devices
    are expected to be refused; anything that goes otherwise than it should is unexpected and ends the command with 1,
    unless --fail-over unexpected=… allows it. Ctrl-C ends the run and still reports.
    """
    _refuse_strange_target(host, i_operate)
    plan = _plan(scenario, devices, times, duration, ramp, rate, at_once, fault, seed, name_prefix)
    limits = _limits(fail_over or [])
    order = _Order(
        plan,
        Target(host, port, check_server(host, port, server_ca)),
        server_ca,
        _VERSIONS[mqtt_version],
        limits,
    )
    issuer, above = read_authority(ca, ca_key, ca_passphrase_file)
    maker = FleetMaker(order.plan, issuer, above, SystemClock().now())
    making = track(maker, "Making certificates", total=devices, console=_progress, transient=True)
    _allow_sockets(devices)
    result, is_within_limits = uvloop.run(_run(order, list(making)))
    content = json.dumps(result, indent=2)
    if report is not None:
        write_public(report, f"{content}\n".encode(), force=True)
    if as_json:
        typer.echo(content)
    else:
        console.print(summary(result), soft_wrap=False)
    if not is_within_limits:
        raise typer.Exit(EXIT_FAILURE)


def _plan(  # noqa: PLR0917 - the options of the command
    scenario: Scenario,
    devices: int,
    times: int | None,
    duration: float | None,
    ramp: float,
    rate: float,
    at_once: int,
    faults: Sequence[str] | None,
    seed: int,
    name_prefix: str,
) -> Plan:
    if times is None and duration is None:
        duration = DEFAULT_DURATION_SECONDS
    try:
        return Plan(
            devices=devices,
            scenario=scenario,
            times=times,
            duration_seconds=duration,
            ramp_seconds=ramp,
            per_second=rate,
            at_once=at_once,
            fault_percent=dict(_fault(text) for text in faults or []),
            seed=seed,
            name_prefix=name_prefix,
        )
    except UnusablePlanError as error:
        raise CommandError(str(error), EXIT_USAGE) from None


def _fault(text: str) -> tuple[Fault, float]:
    name, _, percent = text.partition("=")
    try:
        return Fault(name), float(percent.removesuffix("%"))
    except ValueError:
        raise CommandError(f"{text!r} is no fault as wrong-name=5; there are {', '.join(Fault)}", EXIT_USAGE) from None


def _limits(texts: Sequence[str]) -> list[Limit]:
    try:
        return [Limit.parse(text) for text in texts]
    except UnusableLimitError as error:
        raise CommandError(str(error), EXIT_USAGE) from None


def _refuse_strange_target(host: str, i_operate: str | None) -> None:
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (socket.gaierror, UnicodeError):
        raise CommandError(f"{host}: there is no host of that name", EXIT_USAGE) from None
    is_here = all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found)
    if not is_here and i_operate != host:
        raise CommandError(
            f"{host} is not this computer. A simulation is an attack on a platform that is not yours;"
            f" if you operate it, say so: --i-operate {host}",
            EXIT_USAGE,
        )


def _allow_sockets(devices: int) -> None:
    """Have the system allow as many open files as there are devices; most systems begin with 1024."""
    wanted = devices + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise CommandError(f"this system allows {hard} open files (ulimit -Hn), too few for {devices}", EXIT_USAGE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _run(order: _Order, fleet: Sequence[Identity]) -> tuple[dict[str, Any], bool]:
    simulation = Simulation(
        order.plan,
        order.target,
        ClientTls(order.server_ca, system_trust=order.server_ca is None),
        version=order.version,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, simulation.stop)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, simulation.stop)
    gc.freeze()  # the fleet stays to the end: not to be looked through again and again
    before = time.process_time()
    async with asyncio.TaskGroup() as group:
        drawing = group.create_task(_draw(simulation))
        try:
            await simulation.run(fleet)
        finally:
            drawing.cancel()
    used = time.process_time() - before
    result = report_of(simulation, used, order.limits)
    return result, not exceeded(order.limits, simulation.tally)


async def _draw(simulation: Simulation) -> None:
    if not _progress.is_terminal:
        return
    with Live(board(simulation), console=_progress, transient=True, auto_refresh=False) as live:
        while True:
            await asyncio.sleep(DRAWN_EVERY_SECONDS)
            live.update(board(simulation), refresh=True)
