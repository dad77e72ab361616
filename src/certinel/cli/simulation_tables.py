"""A simulation on a terminal: the board while it runs, the summary when it has ended."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from certinel.simulation.plan import Plan, Scenario
from certinel.simulation.report import BUSY_SHARE, PERCENTILES
from certinel.simulation.simulation import Simulation
from certinel.simulation.tally import Latencies, Tally

_FIGURE_CHARACTERS = 8
"""Ten seconds and a tenth of a millisecond; so that the table keeps its shape while it is drawn again and again."""
SHOWN_REASONS = 8
"""Of each kind, the most frequent; the JSON report has all."""


def board(simulation: Simulation) -> RenderableType:
    """Return what a run looks like at this moment."""
    plan, tally, seconds = simulation.plan, simulation.tally, simulation.elapsed_seconds
    counts = Table.grid(padding=(0, 2))
    rows = [
        ("connected now", f"{tally.connected:,} of {plan.devices:,} devices, {tally.finished:,} finished"),
        ("let in", f"{tally.admitted:,}  {_rate(tally.admitted, seconds)}"),
        (
            "not let in",
            f"{tally.refused.total():,} refused, {tally.failed.total():,} failed, {tally.lost.total():,} lost",
        ),
    ]
    if plan.scenario is Scenario.TELEMETRY:
        rows.append(("acknowledged", f"{tally.messages:,}  {_rate(tally.messages, seconds)}"))
    if plan.scenario is Scenario.TOKENS:
        rows.append(("tokens", f"{tally.tokens:,}  {_rate(tally.tokens, seconds)}"))
    for name, value in rows:
        counts.add_row(Text(name, "dim"), Text(value))
    for reason, count in tally.unexpected.most_common(SHOWN_REASONS):
        counts.add_row(Text("unexpected", "dim"), Text(f"{count:,} × {reason}", "red"))
    title = Text.assemble((f"{plan.scenario} ", "bold"), f"against {simulation.target.host}:{simulation.target.port}")
    title.append(f"  {seconds:.0f} s, Ctrl-C ends it", "dim")
    figures = {stage: _milliseconds(found) for stage, found in tally.latencies.items() if found.count}
    return Group(title, _progress(plan, tally, seconds), counts, _latencies(figures))


def _progress(plan: Plan, tally: Tally, seconds: float) -> ProgressBar:
    """Return how far a run is: in time, or in what its healthy devices are to do."""
    if plan.duration_seconds is not None:
        return ProgressBar(plan.duration_seconds, min(seconds, plan.duration_seconds))
    done = {Scenario.STORM: tally.admitted, Scenario.TELEMETRY: tally.messages, Scenario.TOKENS: tally.tokens}
    total = plan.healthy_devices * (plan.times or 1)
    return ProgressBar(total or 1, min(done[plan.scenario], total))


def summary(report: Mapping[str, Any]) -> RenderableType:
    """Return the report of a run for a person."""
    plan, connections = report["plan"], report["connections"]
    parts: list[RenderableType] = [
        Text.assemble(
            (f"{plan['scenario']} ", "bold"),
            f"with {plan['devices']:,} devices against {report['target']['host']}:{report['target']['port']}"
            f", {report['seconds']:.1f} s, {report['end']}",
        )
    ]
    rows = Table.grid(padding=(0, 2))
    rows.add_row(
        Text("  connections", "dim"),
        f"{connections['attempts']:,} begun, {connections['admitted']:,} let in"
        f" ({connections['admittedPerSecond']:,.0f}/s), {connections['connectedAtTheEnd']:,} up at the end",
    )
    if connections["cut"]:
        rows.add_row("", f"{connections['cut']:,} cut on purpose")
    for name, unit in (("messages", "acknowledged"), ("tokens", "received")):
        if report[name][unit]:
            rows.add_row(
                Text(f"  {name}", "dim"), f"{report[name][unit]:,} {unit} ({report[name]['perSecond']:,.0f}/s)"
            )
    for name in ("refused", "failed", "lost"):
        _add_reasons(rows, name, connections[name], "")
    if connections["unanswered"]:
        rows.add_row(Text("  unanswered", "dim"), Text(f"{connections['unanswered']:,} when the run ended", "yellow"))
    _add_reasons(rows, "unexpected", report["unexpected"], "red")
    cpu = report["simulatorCpu"]
    rows.add_row(Text("  simulator", "dim"), f"{cpu['seconds']:.1f} s of CPU, {cpu['shareOfOneCore']:.0%} of one core")
    parts.append(rows)
    if report["latencyMilliseconds"]:
        parts.append(_latencies(report["latencyMilliseconds"]))
    if cpu["shareOfOneCore"] > BUSY_SHARE:
        parts.append(Text("  ! The simulator was busy all the time: its own speed is in these figures.", "yellow"))
    parts += [Text(f"  ✗ above the limit: {limit}", "red") for limit in report["exceeded"]]
    if not report["exceeded"]:
        parts.append(Text("  ✓ everything as expected, within the limits", "green"))
    return Group(*parts)


def _add_reasons(rows: Table, name: str, counts: Mapping[str, int], style: str) -> None:
    for number, (reason, count) in enumerate(list(counts.items())[:SHOWN_REASONS]):
        rows.add_row(Text(f"  {name}" if not number else "", "dim"), Text(f"{count:,} × {reason}", style))
    if len(counts) > SHOWN_REASONS:
        rows.add_row("", Text(f"… and {len(counts) - SHOWN_REASONS} more kinds", "dim"))


def _latencies(figures: Mapping[Any, Mapping[str, float]]) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column("  milliseconds")
    names = [*(f"p{percent}" for percent in PERCENTILES), "max"]
    for name in names:
        table.add_column(name, justify="right", min_width=_FIGURE_CHARACTERS)
    for stage, found in figures.items():
        table.add_row(f"  {stage}", *(f"{found[name]:,.1f}" for name in names))
    return table


def _milliseconds(latencies: Latencies) -> dict[str, float]:
    found = {f"p{percent}": latencies.percentile(percent) * 1000 for percent in PERCENTILES}
    return found | {"max": latencies.max_seconds * 1000}


def _rate(count: int, seconds: float) -> str:
    return f"{count / seconds:,.0f}/s" if seconds else ""
