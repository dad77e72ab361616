"""The pages of a large tenant: until a page is there, and until its first paint in a browser, beside the goal."""

import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:  # the one thing here that only those who test have
    from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.certificates import root_authority
from support.node import ADMIN_PASSWORD, Node, started_node

CHROMIUM = "/usr/bin/chromium"
AT_ONCE = 500
ROUNDS = 7
GOAL_MILLISECONDS = 200
PAGES = {
    "overview": "/ui/",
    "trusted certificates": "/ui/trusted-certificates",
    "… the last page": "/ui/trusted-certificates?page=200",
    "… by name": "/ui/trusted-certificates?sort=-name",
    "… narrowed by text": "/ui/trusted-certificates?text=CA%2099",
    "devices": "/ui/devices",
    "attempts": "/ui/attempts?paused=1",
    "settings": "/ui/settings",
    "search": "/ui/search?q=device-0000042",
}
PAINTED = """() => new Promise((found) => new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName("first-contentful-paint")) found(entry.startTime);
}).observe({ type: "paint", buffered: true }))"""


def file_of(count: int) -> str:
    """Devices to register."""
    rows = (f"device-{number:07};CERTIFICATES;Device {number};pump\n" for number in range(count))
    return "ID;AUTH_TYPE;NAME;TYPE\n" + "".join(rows)


def authorities(count: int) -> Iterator[list[dict[str, object]]]:
    """CAs to upload, some at a time."""
    key = root_authority("key").key
    for begin in range(0, count, AT_ONCE):
        yield [
            {
                "name": f"CA {number}",
                "status": "ENABLED",
                "certInPemFormat": root_authority(f"CA {number}", key=key).pem,
            }
            for number in range(begin, min(begin + AT_ONCE, count))
        ]


def fill(node: Node, trusted: int, devices: int) -> None:
    with node.rest() as rest:
        file = file_of(devices).encode()
        rest.post(
            "/devicecontrol/bulkNewDeviceRequests", files={"file": ("devices.csv", file)}, timeout=3600
        ).raise_for_status()
        for some in authorities(trusted):
            path = "/tenant/tenants/t1000/trusted-certificates/bulk"
            rest.post(path, json={"certificates": some}, timeout=600).raise_for_status()


def measure(
    directory: Path, *, certificates: int, devices: int, progress: Callable[[str], None]
) -> dict[str, dict[str, float]]:
    """Milliseconds for each page of a tenant with so many trusted certificates and devices; empty without a browser."""
    if importlib.util.find_spec("playwright") is None or not Path(CHROMIUM).exists():
        progress("pages: left out, there is no browser to draw them (make setup-test)")
        return {}
    with started_node(directory / "pages") as node:
        begun = time.monotonic()
        try:
            fill(node, certificates, devices)
        except httpx.HTTPStatusError as error:
            raise SystemExit(error.response.text) from error
        seconds = time.monotonic() - begun
        progress(f"pages: {certificates} trusted certificates and {devices} devices are there after {seconds:.0f} s")
        figures = _of_all_pages(node)
    progress("pages: done")
    return figures


def _of_all_pages(node: Node) -> dict[str, dict[str, float]]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(ignore_https_errors=True)
        page.goto(f"{node.https_url}/ui/sign-in")
        page.fill("#user", "t1000/admin")
        page.fill("#password", ADMIN_PASSWORD)
        page.click("button.primary")
        figures = {name: _medians(page, node.https_url + path) for name, path in PAGES.items()}
        browser.close()
    return figures


def _medians(page: "Page", address: str) -> dict[str, float]:
    rounds = [_milliseconds(page, address) for _ in range(ROUNDS)]
    answered, painted = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {"answered": answered, "painted": painted, "goal": GOAL_MILLISECONDS}


def _milliseconds(page: "Page", address: str) -> tuple[float, float]:
    """Until the answer was whole, and until the first paint; both as the browser counts them."""
    page.goto(address)
    painted: float = page.evaluate(PAINTED)
    answered: float = page.evaluate("performance.getEntriesByType('navigation')[0].responseEnd")
    return answered, painted
