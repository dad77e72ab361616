"""Every page as people see it: by size and theme, for screen readers, by keyboard, without scripts, and with content
that strangers chose to do harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser

from browser.conftest import DESKTOP, PHONE, OpenScreen, Screen
from support.certificates import Issued, root_authority
from support.commands import run
from support.node import Node, started_node

SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)//{{7*7}}${7*7}<%=7*7%>",
    "\u202etxt.exe\u2066\u200f",
    "<svg/onload=alert(1)>",
)
MANAGEMENT = "management/admin"


def hostile_name(common_name: str) -> x509.Name:
    """A name in which every field tries something else, one of them very long."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "PL"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, HOSTILE[0]),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, HOSTILE[1]),
            x509.NameAttribute(NameOID.LOCALITY_NAME, HOSTILE[3]),
            x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, HOSTILE[4]),
            x509.NameAttribute(NameOID.STREET_ADDRESS, "x" * 120),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a\x01b\x1b[31m@example.org"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


@pytest.fixture(scope="module")
def plant() -> Issued:
    return root_authority("Plant North CA")


@pytest.fixture(scope="module")
def hostile() -> Issued:
    """A CA that tries to do harm with every field and extension that it can choose."""
    names = [x509.DNSName("xn--80ak6aa92e.example"), x509.UniformResourceIdentifier("javascript:alert(1)")]
    return root_authority(
        "x",
        subject=hostile_name(HOSTILE[2]),
        san=names,
        extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"<b>" * 200), False)],
    )


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, plant: Issued, hostile: Issued) -> Iterator[Node]:
    """A node on which something has happened: devices that came in, and some that did not."""
    folder = tmp_path_factory.mktemp("node")
    with started_node(folder / "certinel-data") as running:
        running.upload(plant.pem, name="Plant North")
        running.upload(hostile.pem, name=HOSTILE[1], auto_registration=False)
        running.upload(root_authority("Laboratory CA", key="rsa-2048").pem, name="Laboratory")
        devices = (
            (plant.device("pump-7"), "pump-7"),
            (plant.device("pump-8"), "pump-9"),
            (plant.authority("Hall 3").device("mixer-1"), "mixer-1"),
            (hostile.device(HOSTILE[0][:60]), HOSTILE[0][:60]),
            (root_authority("Nobody's CA").device("ghost"), "ghost"),
        )
        for number, (device, client_id) in enumerate(devices):
            connect(running, folder, str(number), device, client_id)
        yield running


def connect(node: Node, folder: Path, name: str, device: Issued, client_id: str) -> None:
    (folder / f"{name}.pem").write_text(device.chain_pem)
    (folder / f"{name}.key").write_text(device.key_pem())
    run(
        "mosquitto_pub",
        *("-h", node.host, "-p", str(node.mqtt_port), "--cafile", node.server_ca),
        *("--cert", folder / f"{name}.pem", "--key", folder / f"{name}.key", "-i", client_id),
        *("-q", "1", "-t", "s/us", "-m", "211,21.5"),
    )


class Addresses:
    """Where the pages are on this node."""

    def __init__(self, node: Node) -> None:
        with node.rest() as rest:
            trusted = rest.get("/tenant/tenants/t1000/trusted-certificates?pageSize=10").json()["certificates"]
            self.fingerprints = {one["name"]: one["fingerprint"] for one in trusted}

    def attempts(self, node: Node) -> dict[str, str]:
        with node.rest() as rest:
            found = rest.get("/certinel/connectionAttempts?pageSize=50").json()["connectionAttempts"]
        return {one["code"]: one["id"] for one in found}


@pytest.fixture(scope="module")
def pages(node: Node) -> dict[str, str]:
    """Every page by the name of its picture."""
    addresses = Addresses(node)
    node.logged("registration/required")
    one = f"/ui/trusted-certificates/{addresses.fingerprints['Plant North']}"
    hostile = f"/ui/trusted-certificates/{addresses.fingerprints[HOSTILE[1]]}"
    attempts: dict[str, str] = {}

    def stored() -> bool:
        attempts.update(addresses.attempts(node))
        return {"chain/too-long", "registration/required", "client-id/mismatch", "admitted"} <= set(attempts)

    from support.node import eventually

    eventually(stored)
    return {
        "trusted-certificates": "/ui/trusted-certificates",
        "trusted-certificates-open": f"/ui/trusted-certificates?open={addresses.fingerprints['Plant North']}",
        "trusted-certificate": one,
        "trusted-certificate-hostile": hostile,
        "trusted-certificate-delete": f"{one}/delete",
        "proof-of-possession": f"{one}/proof",
        "add-trusted-certificates": "/ui/trusted-certificates/add",
        "attempts": "/ui/attempts?paused=1",
        "attempt-too-long": f"/ui/attempts?paused=1&open={attempts['chain/too-long']}",
        "attempt-mismatch": f"/ui/attempts?paused=1&open={attempts['client-id/mismatch']}",
        "attempt-hostile": f"/ui/attempts?paused=1&open={attempts['registration/required']}",
        "explain": "/ui/explain",
        "settings": "/ui/settings",
        "revoke": "/ui/settings/revoke",
        "nothing-here": "/ui/nothing-here",
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_page_is_accessible_fits_and_runs_nothing_of_strangers(
    open_screen: OpenScreen, pages: dict[str, str], theme: str, size: str
) -> None:
    screen = open_screen(color_scheme=theme, viewport=DESKTOP if size == "desktop" else PHONE)
    screen.expected.append("status of 404")
    screen.sign_in()
    wrong: dict[str, object] = {}
    for name, address in pages.items():
        screen.open(address)
        screen.keep_picture(f"{name}-{size}-{theme}")
        found = screen.violations()
        if found or screen.overflow > 0:
            wrong[name] = (found, screen.overflow)
        assert screen.page.locator("script:not([src])").count() == 0
    assert not wrong
    # whatever strangers wrote, no dialog was opened and nothing was asked of another host: see `check`


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_that_follow_a_form_are_accessible_too(
    open_screen: OpenScreen, plant: Issued, hostile: Issued, theme: str
) -> None:
    screen = open_screen(color_scheme=theme)
    screen.expected.append("status of 422")
    screen.sign_in()
    wrong: dict[str, object] = {}

    def look(name: str) -> None:
        screen.keep_picture(f"{name}-desktop-{theme}")
        found = screen.violations()
        if found or screen.overflow > 0:
            wrong[name] = (found, screen.overflow)

    screen.open("/ui/trusted-certificates/add")
    screen.page.get_by_label("Or paste them").fill(
        root_authority("New CA").pem + plant.device("pump").pem + plant.pem + hostile.pem
    )
    screen.page.get_by_role("button", name="Read certificates").click()
    screen.see("cannot be added")
    look("add-trusted-certificates-read")
    screen.open("/ui/explain")
    for name, text, words in (
        ("explain-admitted", plant.device("pump-77").chain_pem, "can connect"),
        ("explain-refused", plant.authority("Hall").device("pump").chain_pem, "cannot connect"),
        ("explain-unknown", root_authority("Else").device("pump").chain_pem_without_root, "is not trusted here"),
        ("explain-hostile", hostile.device("pump").chain_pem, "cannot connect"),
    ):
        screen.page.get_by_label("Or paste them").fill(text)
        screen.page.get_by_role("button", name="Explain").click()
        screen.see(words)
        look(name)
    screen.page.get_by_label("Or paste them").fill("nothing")
    screen.page.get_by_role("button", name="Explain").click()
    screen.page.get_by_role("alert").wait_for()
    look("explain-fault")
    screen.open("/ui/settings/revoke")
    screen.page.get_by_label("Serial number").first.fill("8ab34fe5476")
    screen.page.get_by_role("button", name="Show what it hits").click()
    screen.see("Certificates that are revoked")
    look("revoke-review")
    assert not wrong


def test_operator_sees_what_no_tenant_claims(open_screen: OpenScreen) -> None:
    screen = open_screen()
    screen.sign_in(MANAGEMENT)
    screen.open("/ui/attempts")
    screen.see("ghost")
    screen.open("/ui/trusted-certificates")
    screen.see("Certificate of another tenant")
    screen.keep_picture("trusted-certificates-operator-desktop-light")
    assert screen.violations() == []


def test_whole_pages_work_by_keyboard_alone(screen: Screen) -> None:
    """Every control of a page is reached by the Tab key, and shows that it is."""
    screen.open("/ui/trusted-certificates")
    controls = screen.page.evaluate(
        """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')]
             .filter((one) => one.checkVisibility() && !one.closest('details:not([open]) > :not(summary)')).length"""
    )
    reached = 0
    for _ in range(controls + 2):
        screen.page.keyboard.press("Tab")
        state = screen.page.evaluate(
            """() => {
              const one = document.activeElement;
              if (one === document.body) return "out";
              return getComputedStyle(one).outlineStyle === "none" ? "unseen " + one.outerHTML.slice(0, 80) : "seen";
            }"""
        )
        if state == "out":
            break
        assert state == "seen"
        reached += 1
    assert reached >= controls - 1


def test_switch_is_turned_by_the_space_bar(screen: Screen) -> None:
    screen.open("/ui/trusted-certificates")
    switch = screen.page.get_by_role("switch", name="Status of Laboratory")
    assert switch.get_attribute("aria-checked") == "true"
    switch.focus()
    screen.page.keyboard.press("Space")
    screen.see("Laboratory is disabled.")
    assert screen.page.get_by_role("switch", name="Status of Laboratory").get_attribute("aria-checked") == "false"


def test_everything_but_what_needs_them_works_without_scripts(open_screen: OpenScreen) -> None:
    screen = open_screen(java_script_enabled=False)
    screen.sign_in()
    screen.open("/ui/trusted-certificates")
    screen.page.get_by_role("switch", name="Auto registration of Laboratory").click()
    screen.see("Auto registration of Laboratory is off.")
    screen.page.get_by_label("State").select_option("unproven")
    screen.page.get_by_role("button", name="Apply").click()
    screen.see("Plant North")
    screen.page.get_by_role("link", name="Open Plant North").click()
    screen.page.locator(".opened-row").wait_for()
    screen.open("/ui/attempts?outcome=refused")
    screen.see("chain/too-long")


def test_chosen_copy_button_copies_the_whole(browser: Browser, open_screen: OpenScreen, pages: dict[str, str]) -> None:
    screen = open_screen(permissions=["clipboard-read", "clipboard-write"])
    screen.sign_in()
    screen.open(pages["trusted-certificate"])
    screen.page.get_by_role("button", name="Copy SHA-1 fingerprint").click()
    copied = screen.page.evaluate("navigator.clipboard.readText()")
    assert copied == pages["trusted-certificate"].rpartition("/")[2]
