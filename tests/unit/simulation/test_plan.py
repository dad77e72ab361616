"""What a simulation is to do."""

from __future__ import annotations

from collections import Counter

import pytest

from certinel.simulation.plan import Fault, Plan, Scenario, UnusablePlanError


def plan(devices: int = 200, seed: int = 0, **faults: float) -> Plan:
    shares = {Fault(name.replace("_", "-")): percent for name, percent in faults.items()}
    return Plan(devices=devices, times=1, seed=seed, fault_percent=shares)


def test_every_fault_has_its_share_of_the_devices() -> None:
    counts = Counter(plan(wrong_name=5, expired=2.5, cut=10).faults())
    assert counts == {Fault.WRONG_NAME: 10, Fault.EXPIRED: 5, Fault.CUT: 20, None: 165}


def test_healthy_are_those_that_a_platform_lets_in() -> None:
    assert plan(wrong_name=5, expired=2.5, cut=10).healthy_devices == 185


def test_same_seed_makes_the_same_devices_faulty() -> None:
    assert plan(seed=7, expired=10).faults() == plan(seed=7, expired=10).faults()
    assert plan(seed=7, expired=10).faults() != plan(seed=8, expired=10).faults()


def test_names_are_distinct_and_sort_in_their_order() -> None:
    names = [plan().name_of(number) for number in range(200)]
    assert sorted(set(names)) == names


def test_only_a_cut_device_is_to_be_let_in() -> None:
    assert [fault for fault in Fault if not fault.is_refused] == [Fault.CUT]


@pytest.mark.parametrize("shares", [{"expired": 101}, {"expired": -1}, {"expired": 60, "cut": 60}])
def test_impossible_shares_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(UnusablePlanError):
        plan(**shares)


def test_run_without_an_end_is_refused() -> None:
    with pytest.raises(UnusablePlanError):
        Plan(devices=1, scenario=Scenario.STORM)
