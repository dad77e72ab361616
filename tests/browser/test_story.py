"""The whole story in a browser: a CA is uploaded and proven, a device connects, is looked at, revoked, and refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from browser.conftest import OpenScreen, Screen
from support.certificates import Issued, root_authority
from support.commands import Outcome, run
from support.node import Node

REFUSED = 5
"""mosquitto_pub ends with the return code of CONNACK: not authorized."""


@pytest.fixture(scope="module")
def plant() -> Issued:
    return root_authority("Plant North CA")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, plant: Issued) -> Path:
    """Files as an administrator has them: the CA, its key, a device."""
    folder = tmp_path_factory.mktemp("files")
    pump = plant.device("pump-7")
    (folder / "ca.pem").write_text(plant.pem)
    (folder / "ca.key").write_text(plant.key_pem())
    (folder / "pump-7.pem").write_text(pump.chain_pem)
    (folder / "pump-7.key").write_text(pump.key_pem())
    return folder


def publish(node: Node, folder: Path, name: str, client_id: str = "") -> Outcome:
    return run(
        "mosquitto_pub",
        *("-h", node.host, "-p", str(node.mqtt_port), "--cafile", node.server_ca),
        *("--cert", folder / f"{name}.pem", "--key", folder / f"{name}.key", "-i", client_id or name),
        *("-q", "1", "-t", "s/us", "-m", "211,21.5"),
    )


def opened_attempt(screen: Screen, words: str) -> None:
    """Open the attempt whose row has these words."""
    row = screen.page.locator("tr", has_text=words).first
    row.wait_for()
    row.get_by_role("link", name=re.compile("Open the attempt")).click()
    screen.page.locator(".opened-row").wait_for()


def test_the_seeds_whole_story(  # noqa: PLR0915 - a story is told from its beginning to its end
    open_screen: OpenScreen, node: Node, folder: Path
) -> None:
    screen = open_screen(accept_downloads=True)
    page = screen.page
    screen.sign_in()

    # upload the CA: chosen, read and shown, then added with auto registration
    screen.open("/ui/trusted-certificates")
    page.get_by_role("link", name="Add trusted certificate").first.click()
    page.locator("input[type=file]").set_input_files(folder / "ca.pem")
    screen.see("CN=Plant North CA")
    page.get_by_label("Auto registration").check()
    page.get_by_label("Certificate name").fill("Plant North")
    page.get_by_role("button", name="Add certificate").click()
    screen.see("Certificate added: Plant North")

    # prove possession with the command as it stands on the page
    page.get_by_role("link", name="Prove possession").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("Download")).click()
    code_file = download.value.suggested_filename
    download.value.save_as(folder / code_file)
    command = page.locator(".command code").first.inner_text()
    assert command.startswith("openssl dgst -sha256 -sign ca.key ")
    run("sh", "-c", f"cd {folder} && {command}").succeeded()
    page.get_by_label(re.compile("Or choose")).set_input_files(folder / "Plant-North.signed.txt")
    page.get_by_role("button", name="Verify").click()
    screen.see("Signed verification code verified")

    # the device connects by auto registration, and the live list shows it without another click
    screen.open("/ui/attempts")
    screen.see("Live")
    publish(node, folder, "pump-7").succeeded()
    screen.see("Admitted")
    screen.see("pump-7")

    # look at it: the chain is whole
    opened_attempt(screen, "pump-7")
    assert page.locator(".chain-card").count() == 3
    assert page.locator(".chain-broken").count() == 0
    screen.keep_picture("story-admitted")
    serial = page.locator(".opened-row .digits code").first.get_attribute("title")
    assert serial is not None
    page.get_by_role("link", name="This device", exact=True).click()
    page.get_by_role("heading", name="pump-7", level=1).wait_for()
    screen.keep_picture("story-device")

    # revoke it: what it hits is shown before, and the check is turned on
    screen.open("/ui/settings")
    page.get_by_role("switch", name="Offline").click()
    screen.see("the revocation list counts")
    page.get_by_role("link", name="Revoke certificates").click()
    page.get_by_label("Serial number").first.fill(serial)
    page.get_by_role("button", name="Show what it hits").click()
    screen.see("CN=pump-7")
    screen.see("revocation/device")
    page.get_by_role("button", name="Revoke 1 certificate").click()
    screen.see("CRL saved: 1 entry.")

    # see it refused, and why
    screen.open("/ui/attempts?outcome=refused")
    assert publish(node, folder, "pump-7").status == REFUSED
    opened_attempt(screen, "revocation/device")
    assert page.locator(".chain-broken").count() == 1
    screen.see("revoked")
    screen.keep_picture("story-refused")


def test_remedy_of_a_refusal_lets_the_device_in(screen: Screen, node: Node, folder: Path, plant: Issued) -> None:
    lab = root_authority("Laboratory CA")
    node.upload(lab.pem, name="Laboratory", auto_registration=False)
    device = lab.device("lab-1")
    (folder / "lab-1.pem").write_text(device.chain_pem)
    (folder / "lab-1.key").write_text(device.key_pem())
    screen.open("/ui/attempts?device=lab-1")
    assert publish(node, folder, "lab-1").status == REFUSED
    opened_attempt(screen, "registration/required")
    screen.page.get_by_role("button", name="Turn on auto registration of Laboratory").click()
    screen.see("Auto registration of Laboratory is on.")
    publish(node, folder, "lab-1").succeeded()


def test_paused_list_stays_paused(screen: Screen, node: Node, folder: Path) -> None:
    screen.open("/ui/attempts?device=nobody-else")
    screen.page.get_by_role("button", name="Pause").click()
    screen.see("Paused")
    screen.page.reload()
    screen.see("Paused")
    assert "paused=1" in screen.page.url
    screen.page.get_by_role("button", name="Go on").click()
    screen.see("Live")
    assert "paused" not in screen.page.url


def test_code_is_signed_in_the_browser_with_a_key_that_stays_there(screen: Screen, node: Node, folder: Path) -> None:
    for kind in ("ec-p256", "ec-p384", "rsa-2048"):
        authority = root_authority(f"Signing {kind}", key=kind)
        node.upload(authority.pem, name=f"Signing {kind}")
        (folder / "signing.key").write_text(authority.key_pem())
        screen.open("/ui/trusted-certificates")
        screen.page.get_by_role("link", name=f"Signing {kind}", exact=True).click()
        screen.page.get_by_role("link", name="Prove possession").click()
        screen.page.locator("[data-key]").set_input_files(folder / "signing.key")
        screen.page.wait_for_function("document.getElementById('signature').value.length > 60")
        screen.page.get_by_role("button", name="Verify").click()
        screen.see("Signed verification code verified")


def test_certificates_are_dropped_on_the_page(screen: Screen, plant: Issued) -> None:
    screen.open("/ui/trusted-certificates/add")
    dropped = root_authority("Dropped CA")
    screen.page.evaluate(
        """(pem) => {
          const files = new DataTransfer();
          files.items.add(new File([pem], "dropped.pem"));
          const area = document.querySelector("[data-drop]");
          area.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
        }""",
        dropped.pem,
    )
    screen.see("CN=Dropped CA")


def test_form_comes_back_filled_after_the_session_ended(screen: Screen, node: Node) -> None:
    screen.expected.append("status of 401")
    node.upload(root_authority("Renamed CA").pem, name="Renamed")
    screen.open("/ui/trusted-certificates")
    screen.page.get_by_role("link", name="Renamed", exact=True).click()
    screen.page.context.clear_cookies()
    screen.page.get_by_label("Certificate name").fill("What I typed")
    screen.page.get_by_role("button", name="Save").click()
    screen.see("Nothing was sent yet")
    screen.page.get_by_label("User name").fill("t1000/admin")
    screen.page.get_by_label("Password").fill("correct horse battery staple")
    screen.page.get_by_role("button", name="Sign in").click()
    screen.see("This is what you typed")
    assert screen.page.get_by_label("Certificate name").input_value() == "What I typed"
    screen.page.get_by_role("button", name="Save").click()
    screen.see("Certificate saved.")
