"""``certinel onboard`` with another platform of the contract, which differs from ours wherever it may."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from certinel.cli import app
from support.other_platform import PASSWORD, TENANT, USER, OtherPlatform, Ways, running

MQTT_3_1_1 = 4


@pytest.fixture
def ways(request: pytest.FixtureRequest) -> Ways:
    found = getattr(request, "param", Ways())
    assert isinstance(found, Ways)
    return found


@pytest.fixture
def platform(ways: Ways, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OtherPlatform]:
    (tmp_path / "platform").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    assert CliRunner().invoke(app, ["pki", "ca", "Plant CA"]).exit_code == 0
    with running(tmp_path / "platform", tmp_path / "home/ca.pem", ways) as platform:
        yield platform


def onboard(platform: OtherPlatform, *words: str) -> Result:
    """Onboard as on a computer that trusts the platform's certificate, as all computers trust public ones."""
    place = ["--url", f"https://localhost:{platform.https_port}", "--mqtt-port", str(platform.mqtt_port)]
    environment = {"CERTINEL_PASSWORD": PASSWORD, "SSL_CERT_FILE": str(platform.root)}
    return CliRunner().invoke(app, ["onboard", "pump-7", *place, "--user", USER, *words], env=environment)


def onboarded(platform: OtherPlatform, *words: str) -> str:
    result = onboard(platform, *words)
    assert result.exit_code == 0, f"{result.output}\n{result.exception}"
    return result.output


def state(platform: OtherPlatform) -> tuple[object, object, object]:
    (certificate,) = platform.certificates.values()
    return certificate["status"], certificate["autoRegistrationEnabled"], certificate.get("proofOfPossessionValid")


DIFFERENT = {
    "as the newest": Ways(),
    "a code only when asked": Ways(makes_code_on_upload=False),
    "truths as text": Ways(writes_truths_as_text=True),
    "no single certificates": Ways(shows_single_certificates=False),
    "devices appear late": Ways(registers_after_reads=2),
    "MQTT 3.1.1 only": Ways(newest_mqtt=MQTT_3_1_1),
    "TLS 1.2 only": Ways(newest_tls=ssl.TLSVersion.TLSv1_2),
}


@pytest.mark.parametrize("ways", DIFFERENT.values(), ids=DIFFERENT, indirect=True)
def test_platform_gets_a_proven_and_enabled_ca_and_a_device(platform: OtherPlatform) -> None:
    said = onboarded(platform)
    assert f"signed in to tenant {TENANT}" in said
    assert "No server CA needed" in said
    assert "managed object 4711" in said
    status, _, is_proven = state(platform)
    assert status == "ENABLED"
    assert is_proven in {True, "true"}
    assert platform.devices == {"pump-7"}


@pytest.mark.parametrize("ways", DIFFERENT.values(), ids=DIFFERENT, indirect=True)
def test_run_again_changes_nothing(platform: OtherPlatform) -> None:
    onboarded(platform, "--no-connect")
    before = state(platform)
    said = onboarded(platform, "--no-connect")
    assert "Possession is proven already" in said
    assert "CA is enabled already" in said
    assert state(platform) == before


@pytest.mark.parametrize("ways", [Ways(has_proofs=False)], indirect=True)
def test_platform_without_proofs_of_possession_is_told_and_served(platform: OtherPlatform) -> None:
    said = onboarded(platform)
    assert "this platform does not ask for it" in said
    assert state(platform)[0] == "ENABLED"


def test_platform_that_refuses_in_the_handshake_is_told(platform: OtherPlatform, tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["pki", "ca", "Another CA", "--out", "another.pem"]).exit_code == 0
    result = onboard(platform, "--ca", "another.pem")
    assert "the platform refuses the device: it closes the connection without an answer" in str(result.exception)


def test_wrong_password_is_told(platform: OtherPlatform) -> None:
    result = onboard(platform, "--password", "wrong")
    assert "does not know" in str(result.exception)
    assert not platform.certificates
