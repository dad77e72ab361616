"""Limits that a script sets on a run."""

from __future__ import annotations

import pytest

from certinel.simulation.report import Limit, UnusableLimitError, exceeded
from certinel.simulation.tally import Stage, Tally


def tally(*, unexpected: int = 0) -> Tally:
    """100 connections whose publishes took 1 to 100 milliseconds."""
    made = Tally(attempts=100)
    for number in range(1, 101):
        made.latencies[Stage.PUBACK].add(number / 1000)
    made.unexpected["refused: x"] += unexpected
    return made


@pytest.mark.parametrize(
    ("text", "is_exceeded"),
    [
        ("puback.p50=60ms", False),
        ("puback.p50=40ms", True),
        ("puback.p99=0.2s", False),
        ("puback.max=99ms", True),
        ("puback.max=100ms", False),
        ("token.p50=10s", True),  # never measured: a limit that is not looked at is not kept
    ],
)
def test_limit_is_exceeded_by_larger_figures(text: str, is_exceeded: bool) -> None:
    assert Limit.parse(text).is_exceeded(tally()) is is_exceeded


def test_anything_unexpected_is_too_much_unless_allowed() -> None:
    assert [limit.text for limit in exceeded([], tally(unexpected=1))] == ["unexpected=0%"]
    assert not exceeded([Limit.parse("unexpected=1%")], tally(unexpected=1))
    assert not exceeded([], tally())


@pytest.mark.parametrize(
    "text", ["", "puback", "puback.p50", "puback.p50=3", "nothing.p50=3ms", "puback.p50=1.2.3ms", "unexpected=x"]
)
def test_what_sets_no_limit_is_refused(text: str) -> None:
    with pytest.raises(UnusableLimitError):
        Limit.parse(text)
