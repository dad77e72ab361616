"""A real browser in front of a real node. Whatever page a test opens, it must not complain, nor ask another host."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, sync_playwright

from support.node import ADMIN_PASSWORD, TENANT, Node, started_node

REPOSITORY = Path(__file__).parents[2]
ARTEFACTS = REPOSITORY / ".artefacts" / "browser"
"""Pictures of every page; not kept in the repository."""
CHROMIUM = Path("/usr/bin/chromium")
AXE = REPOSITORY / "tests/integration/clients/javascript/node_modules/axe-core/axe.min.js"
PATIENCE_MILLISECONDS = 20_000
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node of this module's own, with nothing in it."""
    with started_node(tmp_path_factory.mktemp("node") / "certinel-data") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, for one module: while it runs, this process can run no event loop of its own."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed (make setup-test)")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        try:
            yield started
        finally:
            started.close()


@dataclass
class Screen:
    """A browser window, with everything that it complained about."""

    page: Page
    node: Node
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    """Complaints that a test provokes: patterns."""

    def watch(self) -> None:
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", self._note_request)
        self.page.on("dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def _note_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.netloc != urlsplit(self.node.https_url).netloc:
            self.complaints.append(f"asked another host: {request.url}")

    def check(self) -> None:
        """Fail when there was a complaint that the test did not expect."""
        unexpected = [one for one in self.complaints if not any(re.search(pattern, one) for pattern in self.expected)]
        assert not unexpected

    def open(self, path: str) -> Response:
        answer = self.page.goto(self.node.https_url + path)
        assert answer is not None
        return answer

    def sign_in(self, user: str = f"{TENANT}/admin") -> None:
        self.open("/ui/sign-in")
        self.page.get_by_label("User name").fill(user)
        self.page.get_by_label("Password").fill(ADMIN_PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/ui/**")

    def see(self, text: str) -> None:
        """Wait until the page shows ``text``."""
        self.page.get_by_text(text).locator("visible=true").first.wait_for()

    def violations(self) -> list[str]:
        """What axe finds serious on the page as it is."""
        if not AXE.exists():
            pytest.skip("axe is not installed: npm could not fetch it (make setup-test)")
        self.page.evaluate(AXE.read_text())
        found: list[dict[str, Any]] = self.page.evaluate("async () => (await axe.run(document)).violations")
        return [
            f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
            for one in found
            if one["impact"] in SERIOUS
        ]

    @property
    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return width

    def keep_picture(self, name: str) -> None:
        """Keep a picture of the whole page: the window grows for it, so that bars at its edges stay there."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        size = self.page.viewport_size
        assert size is not None
        height: int = self.page.evaluate("document.documentElement.scrollHeight")
        self.page.set_viewport_size({**size, "height": max(height, size["height"])})
        self.page.screenshot(path=ARTEFACTS / f"{name}.png")
        self.page.set_viewport_size(size)


OpenScreen = Callable[..., Screen]


@pytest.fixture
def open_screen(browser: Browser, node: Node) -> Iterator[OpenScreen]:
    """Open windows, each with cookies of its own; when the test is over none may have complained."""
    contexts: list[BrowserContext] = []
    screens: list[Screen] = []

    def opened(**options: Any) -> Screen:
        # the server's own CA is not the system's; axe is put in past the policy of the page (only by `evaluate`)
        context = browser.new_context(**{"ignore_https_errors": True, "viewport": DESKTOP, **options})
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        contexts.append(context)
        screen = Screen(context.new_page(), node)
        screen.watch()
        screens.append(screen)
        return screen

    try:
        yield opened
        for screen in screens:
            screen.check()
    finally:
        for context in contexts:
            context.close()


@pytest.fixture
def screen(open_screen: OpenScreen) -> Screen:
    """A window in which the tenant's administrator has signed in."""
    opened = open_screen()
    opened.sign_in()
    return opened
