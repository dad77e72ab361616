"""Makes the pictures of the web interface: ``make screenshots``, when it has changed. They go into ``docs/images``.

A real node with an example fleet, and Debian's Chromium. Needs no network. Look at each picture before it is committed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

IMAGES: Final = Path(__file__).parent / "images"
PASSWORD: Final = "example-password"  # noqa: S105 - of a node that lives for a minute
PLANTS: Final = {"Hall 1": "pump", "Hall 2": "press"}
SWINGS: Final = (0, 0.4, 0.9, 0.6, 1.3, 1.6, 1.1, 0.7, 0.9, 0.2)
START_SECONDS: Final = 30
WIDTH, HEIGHT = 1280, 800


@dataclass(frozen=True, slots=True)
class Picture:
    """A page, and what is done on it before the picture is taken."""

    path: str
    file: str | None = None
    """Put into the first field for files, which may send the form by itself."""
    button: str | None = None
    """Pressed if it does not."""
    client_id: str | None = None


PICTURES: Final = {
    "overview": Picture("/ui/"),
    "devices": Picture("/ui/devices"),
    "device": Picture("/ui/devices/pump-1"),
    "registration": Picture("/ui/registration/bulk"),
    "trusted-certificates": Picture("/ui/trusted-certificates"),
    "add-trusted-certificate": Picture("/ui/trusted-certificates/add", "other.pem"),
    "trusted-certificate": Picture("/ui/trusted-certificates/{proven}"),
    "proof-of-possession": Picture("/ui/trusted-certificates/{unproven}/proof"),
    "attempts": Picture("/ui/attempts"),
    "explain": Picture("/ui/explain", "pump-1.pem", "Explain", "d:pump-2"),
    "settings": Picture("/ui/settings"),
}


class Fleet:
    """A node and the commands that fill it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports: Mapping[str, int] = {}
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "CERTINEL_ADMIN_PASSWORD": PASSWORD,
            "CERTINEL_PASSWORD": PASSWORD,
            "CERTINEL_TRUST__MAX_CHAIN_LENGTH": "3",
            "CERTINEL_CA": "certinel-data/server-ca.pem",
        }

    def run(self, *words: str, may_fail: bool = False) -> str:
        """Run a command of certinel in the folder."""
        done = subprocess.run(
            ["certinel", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode and not may_fail:
            raise SystemExit(f"certinel {' '.join(words)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def connect(self, name: str, *rows: str, client_id: str | None = None) -> None:
        """Connect as a device; a refusal is what some pictures are about."""
        words = [word for row in rows for word in ("--send", row)]
        words += ["--client-id", client_id] if client_id else []
        self.run("connect", name, *self.where(), *words, may_fail=True)

    @contextmanager
    def staying(self, names: Sequence[str]) -> Iterator[None]:
        """Devices that stay connected meanwhile."""
        with ExitStack() as stack:
            for name in names:
                words = ["certinel", "connect", name, *self.where(), "--no-token", "--listen"]
                quiet = subprocess.DEVNULL
                device = subprocess.Popen(words, cwd=self.folder, env=self.environment, stdout=quiet, stderr=quiet)
                stack.callback(device.wait)
                stack.callback(device.terminate)
            self._wait_for(len(names))
            yield

    def where(self) -> list[str]:
        """Return the options that say where the node's MQTT is."""
        return ["--port", str(self.ports["mqtt"]), "--server-ca", "certinel-data/server-ca.pem"]

    def _wait_for(self, count: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.run("admin", "device", "list", "--json").count('"connected": true') < count:
            if time.monotonic() > deadline:
                raise SystemExit(f"{count} devices do not stay connected")
            time.sleep(0.5)


@contextmanager
def running(folder: Path) -> Iterator[Fleet]:
    """A node in ``folder``, stopped afterwards."""
    fleet = Fleet(folder)
    options = ("--mqtt-port", "0", "--https-port", "0", "--http-port", "off")
    with (folder / "node.log").open("w") as log:
        node = subprocess.Popen(
            ["certinel", "serve", *options], cwd=folder, env=fleet.environment, stdout=log, stderr=log
        )
        try:
            facts = folder / "certinel-data/node.json"
            deadline = time.monotonic() + START_SECONDS
            while not facts.exists():
                if time.monotonic() > deadline or node.poll() is not None:
                    raise SystemExit((folder / "node.log").read_text())
                time.sleep(0.1)
            fleet.ports = json.loads(facts.read_text())
            fleet.environment["CERTINEL_URL"] = f"https://localhost:{fleet.ports['https']}"
            yield fleet
        finally:
            node.terminate()
            node.wait(START_SECONDS)


def fill(fleet: Fleet) -> None:
    """Make what the pictures show: two CAs, an intermediate, devices in two halls, and some that are refused."""
    fleet.run("pki", "ca", "Example Fleet CA", "--pathlen", "1")
    fleet.run("admin", "trusted-certificate", "upload", "ca.pem", "--auto-registration", "--key", "ca.key")
    fleet.run("pki", "intermediate", "Example Plant CA", "--pathlen", "0", "--out", "plant.pem")
    fleet.run("pki", "ca", "Example Plant 2 CA", "--out", "other.pem")
    fleet.run("pki", "ca", "Example Retrofit CA", "--days", "25", "--out", "retrofit.pem")
    fleet.run("admin", "trusted-certificate", "upload", "retrofit.pem")
    names = [(f"{kind}-{number}", hall, kind) for hall, kind in PLANTS.items() for number in range(1, 6)]
    rows = "".join(f"{name};CERTIFICATES;example_{kind};{name};Plant 1/{hall}\n" for name, hall, kind in names)
    (fleet.folder / "devices.csv").write_text("ID;AUTH_TYPE;TYPE;NAME;PATH\n" + rows)
    fleet.run("admin", "device", "register", "devices.csv")
    fleet.run("pki", "device", "--csv", "devices.csv", "--ca", "plant.pem")
    for number, (name, _, _) in enumerate(names):
        fleet.connect(name, *history(20 + number / 4, 95 - 3 * number))
    fleet.run("pki", "device", "retro-1", "--ca", "retrofit.pem", "--days", "20")
    fleet.connect("retro-1")
    fleet.connect("pump-3", client_id="d:pump-4")
    faults = ("--fault", "expired=34", "--fault", "wrong-name=33")
    fleet.run("simulate", "storm", "--devices", "6", "--times", "2", *faults, *fleet.where(), may_fail=True)


def history(temperature: float, battery: int) -> Iterator[str]:
    """Rows of the last hours, so that there is a curve to see."""
    now = datetime.now(UTC)
    for number, swing in enumerate(SWINGS):
        time = (now - timedelta(minutes=20 * (len(SWINGS) - number))).isoformat(timespec="seconds")
        yield f"211,{temperature + swing:.1f},{time}"
        yield f"212,{battery - number // 3},{time}"


def fingerprints(fleet: Fleet) -> tuple[str, str]:
    """Return the fingerprints of the proven CA and of the one that is not."""
    listed = json.loads(fleet.run("admin", "trusted-certificate", "list", "--json"))
    found = {
        one["name"]: one["fingerprint"] for one in (listed if isinstance(listed, list) else listed["certificates"])
    }
    return found["Example Fleet CA"], found["Example Retrofit CA"]


def sign_in(page: Page, url: str) -> None:
    """Sign in as the tenant's administrator."""
    page.goto(f"{url}/ui/sign-in")
    page.get_by_label("User name").fill("t1000/admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: not address.endswith("/sign-in"))


def take(fleet: Fleet) -> None:
    """Take every picture."""
    proven, unproven = fingerprints(fleet)
    url = fleet.environment["CERTINEL_URL"]
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, ignore_https_errors=True)
        page.goto(f"{url}/ui/sign-in")
        page.screenshot(path=IMAGES / "sign-in.png")
        sign_in(page, url)
        for name, picture in PICTURES.items():
            address = url + picture.path.format(proven=proven, unproven=unproven)
            answer = page.goto(address)
            if answer is None or not answer.ok:
                raise SystemExit(f"{address} answers {answer.status if answer else 'nothing'}")
            if picture.client_id:
                page.locator("#client-id").fill(picture.client_id)
            if picture.file:
                with page.expect_navigation():
                    page.locator("input[type=file]").first.set_input_files(fleet.folder / picture.file)
                    if picture.button:
                        page.get_by_role("button", name=picture.button).first.click()
            page.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


def main() -> None:
    """Make the node, fill it, take the pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as fleet:
        fill(fleet)
        with fleet.staying(["pump-1", "pump-2", "pump-5", "press-1", "press-4"]):
            take(fleet)


if __name__ == "__main__":
    main()
