"""A node that trusts a fleet, and devices of that fleet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.certificates import DeviceFiles, Issued, MakeDevice, root_authority
from support.node import Node, started_node


@pytest.fixture(scope="session")
def fleet() -> Issued:
    """The CA that the tenant has uploaded with auto-registration."""
    return root_authority("Example Fleet CA")


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory, fleet: Issued) -> Iterator[Node]:
    """A node on SQLite that knows the fleet's CA."""
    with started_node(tmp_path_factory.mktemp("node") / "certinel-data") as running:
        running.upload(fleet.pem)
        yield running


@pytest.fixture(scope="session")
def make_device(fleet: Issued, tmp_path_factory: pytest.TempPathFactory) -> MakeDevice:
    """Certificate files for a device of the fleet, by its name."""
    folder = tmp_path_factory.mktemp("devices")
    return lambda common_name: DeviceFiles.of(fleet.device(common_name), folder)


@pytest.fixture(scope="session")
def java_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled Java programs are kept until the end of the run."""
    return tmp_path_factory.mktemp("java")
