"""The simulator against the node it drives: whose CPU a connect and a message cost.

On one core each, the one that needs less waits for the other; the simulator must be the one that waits.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop

from bench.connect import SETTLE_SECONDS, WARM_UP, Figures
from bench.fleet import Fleet, make_fleet
from bench.servers import Server, node
from certinel.mqtt.packets import ProtocolVersion
from certinel.simulation.client_tls import ClientTls
from certinel.simulation.fleet import Identity
from certinel.simulation.plan import Plan, Scenario
from certinel.simulation.simulation import Simulation, Target

SENDERS = 100
_REFERENCE = "certinel"
_SIMULATOR = "simulator"


def measure(
    directory: Path, *, count: int, messages: int, rounds: int, progress: Callable[[str], None]
) -> dict[str, Figures]:
    """Microseconds of CPU for a connect and for an acknowledged message, on both sides; the median over rounds."""
    fleet = make_fleet(directory / "simulator", "ec", max(WARM_UP + count, SENDERS))
    storm = Plan(devices=count, scenario=Scenario.STORM, times=1)
    telemetry = Plan(devices=SENDERS, scenario=Scenario.TELEMETRY, times=messages // SENDERS, per_second=0)
    found: dict[str, list[Figures]] = {"one connect": [], f"one message, {SENDERS} devices": []}
    with node(fleet, directory / "simulator") as server:
        _run(server, fleet, Plan(devices=WARM_UP, scenario=Scenario.STORM, times=1), fleet.devices[:WARM_UP])
        for number in range(rounds):
            progress(f"simulator, round {number + 1} of {rounds}")
            for case, plan, units in zip(
                found, (storm, telemetry), (count, telemetry.devices * (telemetry.times or 0)), strict=True
            ):
                figures = _run(server, fleet, plan, fleet.devices[-plan.devices :])
                found[case].append({name: seconds * 1e6 / units for name, seconds in figures.items()})
    return {
        case: {name: statistics.median(one[name] for one in values) for name in (_REFERENCE, _SIMULATOR)}
        for case, values in found.items()
    }


def _run(server: Server, fleet: Fleet, plan: Plan, devices: Sequence[Identity]) -> Figures:
    before, own = server.cpu_seconds(), time.process_time()
    uvloop.run(_simulate(server, fleet, plan, devices))
    own = time.process_time() - own
    time.sleep(SETTLE_SECONDS)
    return {_REFERENCE: server.cpu_seconds() - before, _SIMULATOR: own}


async def _simulate(server: Server, fleet: Fleet, plan: Plan, devices: Sequence[Identity]) -> None:
    target = Target("localhost", server.port, "127.0.0.1")
    simulation = Simulation(plan, target, ClientTls(fleet.authority), version=ProtocolVersion.V5)
    await simulation.run(devices)
    if simulation.tally.unexpected:
        raise SystemExit(f"the simulation did not go as it should: {dict(simulation.tally.unexpected)}")
