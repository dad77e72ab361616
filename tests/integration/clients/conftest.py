"""A node that trusts a fleet, and devices of that fleet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.certificates import DeviceFiles, Issued, root_authority
from support.client_programs import Stores
from support.commands import shell
from support.node import Node, started_node
from support.seed_recipe import DEVICE_PASSWORD, STORE_PASSWORD, Device, make_keystores

MakeDevice = Callable[[str], DeviceFiles]


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


def stores_of(issued: Issued, common_name: str, store_format: str, server_ca: Path, folder: Path) -> Stores:
    """Key store and trust store, made with openssl and keytool as the recipe makes them."""
    device = Device(folder)
    device.chain.write_text(issued.chain_pem)
    device.key.write_text(issued.key_pem(DEVICE_PASSWORD))
    make_keystores(device)
    shell(
        f"keytool -importcert -noprompt -keystore truststore -alias server -file {server_ca}",
        answers=[STORE_PASSWORD] * 2,
        folder=folder,
    ).succeeded()
    return Stores(common_name, folder / f"deviceKeystore.{store_format.lower()}", folder / "truststore", store_format)
