"""What a simulation says in the end, and the limits that a script may set on it. No I/O."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from typing_extensions import override

from certinel.simulation.simulation import Simulation
from certinel.simulation.tally import Latencies, Stage, Tally

PERCENTILES = (50, 90, 99)
BUSY_SHARE = 0.85
"""Of one core's time: above it a simulator may measure itself."""

_LIMIT = re.compile(
    r"(?:(?P<stage>[a-z]+)\.(?P<figure>p\d{1,2}|max)|(?P<unexpected>unexpected))=(?P<value>[\d.]+)(?P<unit>ms|s|%)?"
)
_UNITS = {"ms": 0.001, "s": 1.0}


class UnusableLimitError(ValueError):
    """The text sets no limit; the message shows how one looks."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure that must not be exceeded."""

    text: str
    stage: Stage | None
    """None for the share of connections that went otherwise than they should."""
    percent: float
    """Which percentile; 100 for the largest."""
    value: float
    """Seconds, or per cent."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``puback.p99=250ms``, ``connack.max=2s`` or ``unexpected=1%``."""
        found = _LIMIT.fullmatch(text)
        stages = {stage.value: stage for stage in Stage}
        if found is None or (found["stage"] and (found["stage"] not in stages or found["unit"] not in _UNITS)):
            raise UnusableLimitError(
                f"{text!r} is no limit as puback.p99=250ms or unexpected=1%; stages: {', '.join(stages)}"
            )
        try:
            value = float(found["value"])
        except ValueError:
            raise UnusableLimitError(f"{text!r}: {found['value']} is no number") from None
        if found["unexpected"]:
            return cls(text, None, 0, value)
        figure = found["figure"]
        return cls(
            text, stages[found["stage"]], 100 if figure == "max" else int(figure[1:]), value * _UNITS[found["unit"]]
        )

    def is_exceeded(self, tally: Tally) -> bool:
        """Tell whether the figures of a run are above the limit, or, for a duration, were never measured."""
        if self.stage is None:
            return tally.unexpected_percent > self.value
        latencies = tally.latencies[self.stage]
        return not latencies.count or latencies.percentile(self.percent) > self.value

    @override
    def __str__(self) -> str:
        return self.text


NOTHING_UNEXPECTED = Limit.parse("unexpected=0%")
"""Counts unless another limit on it is set."""


def exceeded(limits: list[Limit], tally: Tally) -> list[Limit]:
    """Return the limits that a run does not keep."""
    has_own = any(limit.stage is None for limit in limits)
    return [limit for limit in (limits if has_own else [*limits, NOTHING_UNEXPECTED]) if limit.is_exceeded(tally)]


def report_of(simulation: Simulation, cpu_seconds: float, limits: list[Limit]) -> dict[str, Any]:
    """Return everything that was measured, for JSON. Names in it do not change."""
    plan, tally, seconds = simulation.plan, simulation.tally, simulation.elapsed_seconds
    return {
        "target": {"host": simulation.target.host, "port": simulation.target.port},
        "plan": {
            "scenario": plan.scenario,
            "devices": plan.devices,
            "times": plan.times,
            "durationSeconds": plan.duration_seconds,
            "rampSeconds": plan.ramp_seconds,
            "perSecond": plan.per_second,
            "faultPercent": dict(plan.fault_percent),
            "seed": plan.seed,
            "mqtt": simulation.version.name.removeprefix("V").replace("_", "."),
            "keyExchange": simulation.tls.key_exchange,
        },
        "end": simulation.end,
        "seconds": round(seconds, 3),
        "connections": {
            "attempts": tally.attempts,
            "admitted": tally.admitted,
            "admittedPerSecond": _rate(tally.admitted, seconds),
            "unanswered": tally.unanswered,
            "connectedAtTheEnd": tally.connected,
            "refused": _counts(tally.refused),
            "failed": _counts(tally.failed),
            "lost": _counts(tally.lost),
            "cut": tally.cut,
        },
        "messages": {"acknowledged": tally.messages, "perSecond": _rate(tally.messages, seconds)},
        "tokens": {"received": tally.tokens, "perSecond": _rate(tally.tokens, seconds)},
        "latencyMilliseconds": {stage: _figures(found) for stage, found in tally.latencies.items() if found.count},
        "unexpected": _counts(tally.unexpected),
        "unexpectedPercent": round(tally.unexpected_percent, 3),
        "simulatorCpu": {"seconds": round(cpu_seconds, 3), "shareOfOneCore": _rate(cpu_seconds, seconds)},
        "exceeded": [str(limit) for limit in exceeded(limits, tally)],
    }


def _figures(latencies: Latencies) -> dict[str, float]:
    figures = {f"p{percent}": latencies.percentile(percent) for percent in PERCENTILES}
    figures |= {"max": latencies.max_seconds, "mean": latencies.total_seconds / latencies.count}
    return {"count": latencies.count} | {name: round(value * 1000, 3) for name, value in figures.items()}


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda entry: -entry[1]))


def _rate(count: float, seconds: float) -> float:
    return round(count / seconds, 3) if seconds else 0.0
