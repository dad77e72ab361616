"""The pages of devices, registration, groups, overview, users and tenants, in a browser."""

from __future__ import annotations

from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from browser.conftest import DESKTOP, PHONE, OpenScreen, Screen
from support.certificates import DeviceFiles, root_authority
from support.node import Node

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
PAGES = {
    "overview": "/ui/",
    "devices": "/ui/devices",
    "device": "/ui/devices/pump-1",
    "device-delete": "/ui/devices/pump-1/delete",
    "registration": "/ui/registration",
    "registration-bulk": "/ui/registration/bulk",
    "groups": "/ui/groups",
    "users": "/ui/users",
    "user": "/ui/users/admin",
    "search": "/ui/search?q=valve",
}
TABLE = f"""ID;AUTH_TYPE;NAME;TYPE;PATH
pump-1;CERTIFICATES;Cooling pump;pump;plant/hall 3
valve-1;CERTIFICATES;{HOSTILE};{HOSTILE};plant/{HOSTILE.replace("/", "")}
valve-2;CERTIFICATES;Valve;valve;plant
{HOSTILE};CERTIFICATES;x;x;
"""
ROWS = 4


@pytest.fixture(scope="module", autouse=True)
def fleet(node: Node, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Devices with names that want to be scripts, one of which has connected."""
    plant = root_authority(HOSTILE)
    node.upload(plant.pem, name=HOSTILE)
    with node.rest() as rest:
        answer = rest.post("/devicecontrol/bulkNewDeviceRequests", files={"file": ("t.csv", TABLE.encode())})
        assert (answer.status_code, answer.json()["numberOfFailed"]) == (201, 1)
    files = DeviceFiles.of(plant.device("pump-1"), tmp_path_factory.mktemp("pump-1"))
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="pump-1")
    client.tls_set(str(node.server_ca), str(files.chain), str(files.key))
    client.connect("localhost", node.mqtt_port)
    client.loop_start()
    try:
        for value in ("21.5", "22.5"):
            client.publish("s/us", f"200,c8y_Temperature,T,{value},C", qos=1).wait_for_publish(20)
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_pages_are_accessible_fit_and_show_hostile_names_as_text(
    open_screen: OpenScreen, theme: str, size: str
) -> None:
    screen = open_screen(color_scheme=theme, viewport=DESKTOP if size == "desktop" else PHONE)
    screen.sign_in()
    for name, path in PAGES.items():
        assert screen.open(path).status == 200
        screen.keep_picture(f"{name}-{size}-{theme}")
        assert (name, screen.violations(), screen.overflow) == (name, [], 0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_pages_of_the_operator_are_accessible_and_fit(open_screen: OpenScreen, theme: str, size: str) -> None:
    screen = open_screen(color_scheme=theme, viewport=DESKTOP if size == "desktop" else PHONE)
    screen.sign_in("management/admin")
    for name, path in {"tenants": "/ui/tenants", "tenant": "/ui/tenants/t1000"}.items():
        screen.open(path)
        screen.keep_picture(f"{name}-{size}-{theme}")
        assert (name, screen.violations(), screen.overflow) == (name, [], 0)


def test_table_is_sent_with_its_progress_and_answered_in_place(screen: Screen, tmp_path: Path) -> None:
    file = tmp_path / "devices.csv"
    file.write_text(TABLE)
    screen.open("/ui/registration/bulk")
    screen.page.get_by_label("Table of devices").set_input_files(file)
    screen.page.get_by_role("button", name="Upload and register").click()
    screen.see(f"1 of {ROWS} rows failed")
    screen.see("contains '/' character")
    assert screen.page.locator("main script, main img[src=x]").count() == 0


def test_table_is_taken_without_scripts(open_screen: OpenScreen, tmp_path: Path) -> None:
    screen = open_screen(java_script_enabled=False)
    screen.sign_in()
    file = tmp_path / "devices.csv"
    file.write_text(TABLE)
    screen.open("/ui/registration/bulk")
    screen.page.get_by_label("Table of devices").set_input_files(file)
    screen.page.get_by_role("button", name="Upload and register").click()
    screen.see(f"1 of {ROWS} rows failed")


def test_dropped_table_is_chosen(screen: Screen) -> None:
    screen.open("/ui/registration/bulk")
    transfer = screen.page.evaluate_handle(
        "() => { const data = new DataTransfer(); data.items.add(new File(['ID\\nx'], 'dropped.csv')); return data; }"
    )
    screen.page.dispatch_event("[data-drop]", "drop", {"dataTransfer": transfer})
    chosen = screen.page.get_by_label("Table of devices").evaluate("input => input.files[0].name")
    assert chosen == "dropped.csv"


def test_devices_are_disabled_and_enabled_by_keyboard(screen: Screen) -> None:
    for do, state in (("Disable", "Disabled"), ("Enable", "Not connected")):
        screen.open("/ui/devices?q=valve-2")
        screen.page.get_by_label("Choose valve-2").focus()
        screen.page.keyboard.press("Space")
        screen.see("1 chosen")
        screen.page.get_by_role("button", name=do, exact=True).focus()
        screen.page.keyboard.press("Enter")
        screen.page.get_by_role("status").wait_for()
        row = screen.page.get_by_role("row", name="valve-2")
        assert state in row.inner_text()


def test_revoked_device_is_shown_with_the_reason_why_it_is_kept_out(screen: Screen) -> None:
    screen.open("/ui/devices/pump-1")
    screen.see("Why it may connect")
    screen.page.get_by_role("button", name="Revoke…").click()
    screen.page.get_by_role("button", name="Revoke 1 certificate of pump-1").click()
    screen.see("1 certificate is revoked.")
    screen.see("Why it may not connect")
    screen.see("revocation/device")


def test_search_field_leads_to_the_device(screen: Screen) -> None:
    screen.page.keyboard.press("/")
    screen.page.keyboard.type("pump-1")
    screen.page.keyboard.press("Enter")
    screen.page.wait_for_url("**/ui/devices/pump-1")


def test_numbers_behind_a_chart_open_by_keyboard(screen: Screen) -> None:
    screen.open("/ui/")
    screen.page.get_by_text("Show the numbers").first.focus()
    screen.page.keyboard.press("Enter")
    screen.page.get_by_role("columnheader", name="Time (UTC)").wait_for()
