"""``certinel demo``: what ``make run`` shows a newcomer, and what it leaves behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support.commands import Outcome, run
from support.node import SOURCES

ENVIRONMENT = {
    "PYTHONPATH": str(SOURCES),
    "COLUMNS": "120",
    "CERTINEL_HOST": "127.0.0.1",
    "CERTINEL_MQTT_PORT": "0",
    "CERTINEL_HTTPS_PORT": "0",
    "CERTINEL_HTTP_PORT": "off",
}


def demo(folder: Path) -> Outcome:
    return run(sys.executable, "-m", "certinel", "demo", "--data-dir", folder, "--no-stay", environment=ENVIRONMENT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "demo"


@pytest.fixture(scope="module")
def twice(folder: Path) -> tuple[Outcome, Outcome]:
    return demo(folder).succeeded(), demo(folder).succeeded()


def test_everything_is_shown_up_to_the_refusal_and_its_reason(twice: tuple[Outcome, Outcome]) -> None:
    first, _ = twice
    for words in ("signed the code", "registers itself", "22.1 °C", "certificate/expired", "Renew the device"):
        assert words in first.output


def test_run_again_it_goes_on_with_what_is_there(twice: tuple[Outcome, Outcome]) -> None:
    _, again = twice
    assert "proven already" in again.output


def test_password_of_the_pages_is_said_each_time(folder: Path, twice: tuple[Outcome, Outcome]) -> None:
    password = (folder / "admin-password").read_text()
    for outcome in twice:
        assert f"t1000/admin or management/admin with the password {password}" in " ".join(outcome.output.split())
        assert "you gave" not in outcome.output


def test_command_for_a_first_device_of_ones_own_is_named_as_the_program_was_called(
    twice: tuple[Outcome, Outcome],
) -> None:
    assert f"{sys.executable} -m certinel onboard my-device" in twice[0].output


def test_keys_and_password_are_readable_by_their_owner_only(folder: Path, twice: tuple[Outcome, Outcome]) -> None:
    secrets = [file for file in folder.iterdir() if file.suffix == ".key" or file.name == "admin-password"]
    assert {file.stat().st_mode & 0o777 for file in secrets} == {0o600}
