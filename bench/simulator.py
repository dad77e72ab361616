"""The simulator against the node it drives: whose CPU a connect and a message cost.

On one core each, the one that needs less waits for the other; the simulator must be the one that waits.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import uvloop

from bench.connect import SETTLE_SECONDS, VERSIONS, WARM_UP, Figures
from bench.fleet import Fleet, make_fleet
from bench.servers import Server, node
from certinel.mqtt.packets import ProtocolVersion
from certinel.services.clock import SystemClock
from certinel.simulation.client_tls import ClientTls
from certinel.simulation.fleet import Identity
from certinel.simulation.plan import Plan, Scenario
from certinel.simulation.server_trust import ServerTrust
from certinel.simulation.simulation import Simulation, Target

SENDERS = 100
RECONNECTS = 5
"""Of each device in a round. Reconnects are the cheapest that a node can be asked for: it knows the certificates."""
_REFERENCE = "certinel"
_SIMULATOR = "simulator"


def measure(
    directory: Path, *, count: int, messages: int, rounds: int, progress: Callable[[str], None]
) -> dict[str, Figures]:
    """Microseconds of CPU for a connect and for an acknowledged message, on both sides; the median over rounds."""
    fleet = make_fleet(directory / "simulator", "ec", max(WARM_UP + count, SENDERS))
    storm = Plan(devices=count, scenario=Scenario.STORM, times=RECONNECTS, per_second=0)
    telemetry = Plan(devices=SENDERS, scenario=Scenario.TELEMETRY, times=messages // SENDERS, per_second=0)
    found: dict[str, list[Figures]] = {}
    with node(fleet, directory / "simulator") as server:
        devices, others = fleet.devices[-count:], fleet.devices[:WARM_UP]
        _run(server, fleet, others, replace(storm, devices=WARM_UP, times=1))
        found["one connect, new devices"] = [_run(server, fleet, devices, replace(storm, times=1))]
        for number in range(rounds):
            progress(f"simulator, round {number + 1} of {rounds}")
            for name, version in VERSIONS.items():
                found.setdefault(f"one reconnect, {name}", []).append(_run(server, fleet, devices, storm, version))
            senders = fleet.devices[-SENDERS:]
            found.setdefault(f"one message, {SENDERS} devices", []).append(_run(server, fleet, senders, telemetry))
    return {
        case: {name: statistics.median(one[name] for one in values) for name in (_REFERENCE, _SIMULATOR)}
        for case, values in found.items()
    }


def _run(
    server: Server, fleet: Fleet, devices: Sequence[Identity], plan: Plan, tls_version: int | None = None
) -> Figures:
    """Microseconds for one of the things that the devices do, on both sides."""
    tls = ClientTls(only_version=tls_version)
    for device in devices:
        tls.prepare(device)
    before, own = server.cpu_seconds(), time.process_time()
    uvloop.run(_simulate(server, fleet, plan, devices, tls))
    own = time.process_time() - own
    time.sleep(SETTLE_SECONDS)
    figures = {_REFERENCE: server.cpu_seconds() - before, _SIMULATOR: own}
    return {name: seconds * 1e6 / (plan.devices * (plan.times or 1)) for name, seconds in figures.items()}


async def _simulate(server: Server, fleet: Fleet, plan: Plan, devices: Sequence[Identity], tls: ClientTls) -> None:
    target, trust = Target("localhost", server.port, "127.0.0.1"), ServerTrust(SystemClock(), fleet.authority)
    simulation = Simulation(plan, target, tls, trust, version=ProtocolVersion.V5)
    await simulation.run(devices)
    if simulation.tally.unexpected:
        raise SystemExit(f"the simulation did not go as it should: {dict(simulation.tally.unexpected)}")
