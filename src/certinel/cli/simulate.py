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
from pathlib import Path
from typing import Any

import typer
import uvloop
from rich.console import Console
from rich.live import Live
from rich.progress import track

from certinel.cli import simulation_options as given
from certinel.cli.pki.files import CaFile, CaKeyFile, read_authority, write_public
from certinel.cli.pki.secrets_given import CaPassphraseFile
from certinel.cli.reachability import check_server
from certinel.cli.simulation_tables import board, summary
from certinel.cli.terminal import EXIT_FAILURE, EXIT_USAGE, CommandError, console
from certinel.mqtt.packets import ProtocolVersion
from certinel.services.clock import SystemClock
from certinel.simulation.client_tls import ClientTls, KeyExchange
from certinel.simulation.fleet import FleetMaker, Identity
from certinel.simulation.plan import Plan, Scenario, UnusablePlanError
from certinel.simulation.report import Limit, exceeded, report_of
from certinel.simulation.server_trust import ServerTrust
from certinel.simulation.simulation import Simulation, Target

DRAWN_EVERY_SECONDS = 0.5
SPARE_FILES = 100
"""For everything that is no device's socket."""

_progress = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class _Order:
    """Everything a run needs."""

    plan: Plan
    target: Target
    tls: ClientTls
    trust: ServerTrust
    version: ProtocolVersion
    limits: list[Limit]


def simulate(  # noqa: PLR0917 - typer calls it by name
    scenario: given.ScenarioName = Scenario.TELEMETRY,
    devices: given.DeviceCount = 100,
    times: given.Times = None,
    duration: given.Duration = None,
    rate: given.Rate = 1.0,
    ramp: given.Ramp = 0.0,
    at_once: given.AtOnce = 500,
    fault: given.Faults = None,
    ca: CaFile = Path("ca.pem"),
    ca_key: CaKeyFile = None,
    ca_passphrase_file: CaPassphraseFile = None,
    host: given.Host = "localhost",
    port: given.Port = 8883,
    server_ca: given.ServerCa = None,
    mqtt_version: given.SpokenVersion = given.MqttVersion.V5,
    key_exchange: given.HowKeysAreAgreedOn = KeyExchange.P256,
    name_prefix: given.NamePrefix = "sim-",
    seed: given.Seed = 0,
    fail_over: given.Limits = None,
    report: given.ReportFile = None,
    as_json: given.AsJson = False,
    i_operate: given.OperatedHost = None,
) -> None:
    """Put a platform under the load of many devices with real certificates, and report how it went.

    The certificates are made on the fly with the CA's key, end within a day, and are written nowhere. Faulty devices
    are expected to be refused; anything that goes otherwise than it should is unexpected and ends the command with 1,
    unless --fail-over unexpected=… allows it. Ctrl-C ends the run and still reports.
    """
    _refuse_strange_target(host, i_operate)
    try:
        plan = Plan(
            devices=devices,
            scenario=scenario,
            times=times,
            duration_seconds=given.seconds_of(duration, times),
            ramp_seconds=ramp,
            per_second=rate,
            at_once=at_once,
            fault_percent=given.shares_of(fault),
            seed=seed,
            name_prefix=name_prefix,
        )
    except UnusablePlanError as error:
        raise CommandError(str(error), EXIT_USAGE) from None
    limits = given.limits_of(fail_over)
    target = Target(host, port, check_server(host, port, server_ca))
    order = _Order(plan, target, ClientTls(key_exchange=key_exchange), _trust(server_ca), mqtt_version.protocol, limits)
    fleet = _make_fleet(order, ca, ca_key, ca_passphrase_file)
    result, is_within_limits = uvloop.run(_run(order, fleet))
    _tell(result, report, as_json)
    if not is_within_limits:
        raise typer.Exit(EXIT_FAILURE)


def _trust(server_ca: Path | None) -> ServerTrust:
    clock = SystemClock()
    return ServerTrust(clock, server_ca) if server_ca is not None else ServerTrust.of_this_computer(clock)


def _make_fleet(order: _Order, ca: Path, ca_key: Path | None, ca_passphrase_file: Path | None) -> list[Identity]:
    """Make everything that takes time before the run, so that it is none of the run's."""
    _allow_sockets(order.plan.devices)
    issuer, above = read_authority(ca, ca_key, ca_passphrase_file)
    maker = FleetMaker(order.plan, issuer, above, SystemClock().now())
    fleet = []
    for device in track(maker, "Making certificates", total=order.plan.devices, console=_progress, transient=True):
        order.tls.prepare(device)
        fleet.append(device)
    return fleet


def _tell(result: dict[str, Any], report: Path | None, as_json: bool) -> None:
    content = json.dumps(result, indent=2)
    if as_json:
        typer.echo(content)
    else:
        console.print(summary(result), soft_wrap=False)
    if report is not None:  # last: a run is not to be lost for a file that cannot be written
        write_public(report, f"{content}\n".encode(), force=True)


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
    simulation = Simulation(order.plan, order.target, order.tls, order.trust, version=order.version)
    for ending in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(ending, simulation.stop)
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
