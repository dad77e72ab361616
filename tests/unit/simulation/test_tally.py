"""Durations in bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.simulation.tally import Latencies


def of(*seconds: float) -> Latencies:
    latencies = Latencies()
    for one in seconds:
        latencies.add(one)
    return latencies


@pytest.mark.parametrize(("percent", "expected"), [(50, 0.050), (90, 0.090), (99, 0.099), (100, 0.100)])
def test_percentiles_are_right_to_one_per_cent(percent: float, expected: float) -> None:
    found = of(*(number / 1000 for number in range(1, 101))).percentile(percent)
    assert found == pytest.approx(expected, rel=0.011)


def test_nothing_measured_is_no_duration() -> None:
    assert of().percentile(99) == 0


@given(st.lists(st.floats(0, 1000), min_size=1))
def test_no_percentile_is_above_the_largest(seconds: list[float]) -> None:
    latencies = of(*seconds)
    assert latencies.max_seconds == max(seconds)
    assert latencies.percentile(50) <= latencies.percentile(99) <= latencies.max_seconds
