"""The wheel and the source archive hold all there is, and what they install works without this folder."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from certinel.config import Settings, load
from support.commands import Outcome, run
from support.program import started

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy"


@dataclass(frozen=True, slots=True)
class Distributions:
    """What ``make dist`` makes."""

    wheel: Path
    sdist: Path

    @property
    def names(self) -> set[str]:
        """The files in the wheel."""
        with zipfile.ZipFile(self.wheel) as wheel:
            return {re.sub(r"^certinel-[^/]+\.(dist-info|data)/", r"\1/", name) for name in wheel.namelist()}

    @property
    def metadata(self) -> Message:
        with zipfile.ZipFile(self.wheel) as wheel:
            (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
            return Parser().parsestr(wheel.read(name).decode())


def built(source: Path, folder: Path) -> Distributions:
    """Build with the pinned back end, in this environment."""
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, folder=source).succeeded()
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Distributions(wheel, sdist)


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    return built(REPOSITORY, tmp_path_factory.mktemp("dist"))


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment with the wheel in it, and the dependencies of this one."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": "", "PYTHONSAFEPATH": "1", "CERTINEL_ADMIN_PASSWORD": "from the wheel"}

    def certinel(self, *words: str | Path, folder: Path | None = None) -> Outcome:
        return run(self.folder / "bin/certinel", *words, folder=folder, environment=self.environment)


@pytest.fixture(scope="module")
def installed(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder).succeeded()
    # The dependencies are looked up where they are; an editable certinel there is not, as its own .pth does not count.
    libraries = next(folder.glob("lib/python*/site-packages"))
    (libraries / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--no-index", "--no-deps")
    run(*pip, "--quiet", "--ignore-installed", distributions.wheel).succeeded()
    return Installed(folder)


def test_wheel_has_every_file_of_the_package(distributions: Distributions) -> None:
    tracked = run("git", "ls-files", "src/certinel", folder=REPOSITORY).output.split()
    if not tracked:
        pytest.skip("there is no git here to ask which files there are")
    present = {name.removeprefix("src/") for name in tracked if (REPOSITORY / name).exists()}
    assert present - distributions.names == set()


def test_wheel_has_the_licence_and_the_examples_for_deploying_it(distributions: Distributions) -> None:
    examples = {f"data/data/share/certinel/{path.name}" for path in DEPLOY.iterdir()}
    assert {"dist-info/licenses/LICENSE", *examples} <= distributions.names


def test_wheel_made_of_the_source_archive_is_the_same(distributions: Distributions, tmp_path: Path) -> None:
    with tarfile.open(distributions.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert built(source, tmp_path / "again").names == distributions.names


def test_source_archive_has_pages_tests_and_locks(distributions: Distributions) -> None:
    with tarfile.open(distributions.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "docs/index.md",
        "tests/conftest.py",
        "requirements/run.txt",
        "deploy/certinel.service",
        "Makefile",
    } <= names


def test_metadata_names_version_licence_python_and_readme(distributions: Distributions) -> None:
    metadata = distributions.metadata
    assert (metadata["Name"], metadata["License-Expression"], metadata["License-File"]) == (
        *("certinel", "Apache-2.0", "LICENSE"),
    )
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_installed_command_knows_its_version(installed: Installed, distributions: Distributions) -> None:
    assert installed.certinel("--version").succeeded().output == f"certinel {distributions.metadata['Version']}\n"


def test_module_is_the_command(installed: Installed) -> None:
    python = installed.folder / "bin/python"
    outcome = run(python, "-m", "certinel", "--help", environment=installed.environment).succeeded()
    assert "certinel" in outcome.output
    assert "serve" in outcome.output


def test_what_runs_is_what_was_installed(installed: Installed) -> None:
    words = (installed.folder / "bin/python", "-c", "import certinel; print(certinel.__file__)")
    assert run(*words, environment=installed.environment).output.startswith(str(installed.folder))


@pytest.fixture(scope="module")
def running(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A node from the wheel, started far from this folder."""
    data = tmp_path_factory.mktemp("elsewhere") / "data"
    ports = ("--mqtt-port", "0", "--https-port", "0", "--http-port", "off")
    words = ("env", "-C", data.parent, installed.folder / "bin/certinel", "serve", "--data-dir", data, *ports)
    with started(words, installed.environment) as program:
        assert program.wait_until((data / "node.json").exists), program.text
        port = json.loads((data / "node.json").read_text())["https"]
        trust = ssl.create_default_context(cafile=data / "server-ca.pem")
        with httpx.Client(base_url=f"https://localhost:{port}", verify=trust) as client:
            yield client


def test_installed_node_is_ready(running: httpx.Client) -> None:
    assert running.get("/health/ready").status_code == httpx.codes.OK


def test_installed_node_describes_its_interface(running: httpx.Client) -> None:
    assert "/tenant/tenants/{tenant}/trusted-certificates" in running.get("/openapi.json").json()["paths"]


def test_installed_node_has_its_pages_and_what_they_are_made_of(running: httpx.Client) -> None:
    page = running.get("/ui/sign-in").raise_for_status().text
    (sheet, *_) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    assert running.get(sheet).raise_for_status().headers["Content-Type"].startswith("text/css")


# The examples for deploying


def test_service_is_understood_by_systemd_and_well_confined(installed: Installed, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "certinel.service"
    program = str(installed.folder / "bin/certinel")
    unit.write_text((DEPLOY / unit.name).read_text().replace("/opt/certinel/bin/certinel", program))
    verified = run("systemd-analyze", "verify", unit)
    assert (verified.status, verified.text) == (0, "")
    run("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=20", unit).succeeded()


def uncommented(settings: str) -> str:
    """The example with every line of settings that is commented out taken in."""
    return re.sub(r"^#(?=[a-z_]+ = )", "", settings, flags=re.MULTILINE)


def test_example_settings_change_nothing_as_they_come() -> None:
    assert load({}, DEPLOY / "certinel.toml").model_dump() == Settings().model_dump()


def test_example_settings_show_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "certinel.toml"
    file.write_text(uncommented((DEPLOY / "certinel.toml").read_text()))
    shown, default = load({}, file).model_dump(), Settings().model_dump()
    shown["public_host"], shown["gateway"]["trusted_proxies"] = (), ()
    shown["tls"]["certificate"] = shown["tls"]["key"] = None
    assert shown == default


def test_example_of_secrets_names_settings_that_there_are() -> None:
    names = re.findall(r"^#(CERTINEL_\w+)=", (DEPLOY / "certinel.env").read_text(), re.MULTILINE)
    assert {"CERTINEL_ADMIN_PASSWORD", "CERTINEL_DATABASE"} <= set(names)
    sections: dict[str, object] = {}
    for name in names:
        section, _, inner = name.removeprefix("CERTINEL_").lower().partition("__")
        sections[section] = {inner: SecretStr("x")} if inner else SecretStr("x")
    Settings(**sections)  # type: ignore[arg-type]  # that these are settings is what is tested


def test_container_takes_only_files_that_there_are_and_does_not_run_as_root() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    sources = re.findall(r"^COPY (?!--from)(\S+) ", text, re.MULTILINE)
    assert sources == ["requirements/run.txt", "dist/certinel-*.whl"]
    assert (REPOSITORY / sources[0]).exists()
    ignored = (REPOSITORY / ".dockerignore").read_text().split()
    assert {f"!{source}" for source in sources} <= set(ignored)
    assert int(re.findall(r"^USER (\d+)$", text, re.MULTILINE)[-1]) > 0
