"""Devices that were registered from a file connect; others of the same CA do not."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from support.certificates import DeviceFiles, root_authority
from support.client_programs import paho
from support.node import Node, started_node

PATH = "/devicecontrol/bulkNewDeviceRequests"


def sent(node: Node, rows: str) -> dict[str, int]:
    with node.rest() as rest:
        response = rest.post(PATH, files={"file": ("devices.csv", rows)}, timeout=120)
    assert response.status_code == 201, response.text
    answer: dict[str, int] = response.json()
    return answer


def test_only_registered_devices_connect_without_auto_registration(node: Node, tmp_path: Path) -> None:
    closed = root_authority("Closed Shop CA")
    node.upload(closed.pem, name="closed", auto_registration=False)
    member, stranger = (DeviceFiles.of(closed.device(name), tmp_path) for name in ("member", "no-member"))
    with paho(node, "member", member) as device:
        device.wait_for("refused")
    answer = sent(node, "ID\tAUTH_TYPE\tNAME\tTYPE\tPATH\nmember\tCERTIFICATES\tThe member\tpump\tplant/line 1\n")
    assert answer["numberOfSuccessful"] == 1
    with paho(node, "member", member) as device:
        device.wait_for("connected")
        device.publish("s/us", "200,example_Tank,level,4.5,m", 1)
    with paho(node, "no-member", stranger) as device:
        device.wait_for("refused")
    node.logged("registration/required", "no-member")
    identity = node.call("GET", "/identity/externalIds/c8y_Serial/member").json()
    source = identity["managedObject"]["id"]
    assert node.call("GET", f"/inventory/managedObjects/{source}").json()["name"] == "The member"
    assert len(node.call("GET", f"/measurement/measurements?source={source}").json()["measurements"]) == 1


@pytest.mark.parametrize("after_rows", [300, 900])
def test_file_sent_again_after_a_kill_ends_with_every_device_once(tmp_path: Path, after_rows: int) -> None:
    rows = "ID,AUTH_TYPE,PATH\n" + "".join(f"d{n:04},CERTIFICATES,plant/line {n % 5}\n" for n in range(2000))
    folder = tmp_path / "certinel-data"

    def send_until_killed(node: Node) -> None:
        with pytest.raises(httpx.HTTPError):
            sent(node, rows)

    with started_node(folder) as node:
        sender = threading.Thread(target=send_until_killed, args=(node,))
        sender.start()
        watched = f"/identity/externalIds/c8y_Serial/d{after_rows:04}"
        with node.rest() as rest:
            while rest.get(watched).status_code == 404:
                pass
        node.program.process.kill()
        sender.join()
    (folder / "node.json").unlink()
    with started_node(folder) as node:
        answer = sent(node, rows)
        assert answer["numberOfSuccessful"] == 2000
        assert 0 < answer["numberOfCreated"] < 2000
        for wanted, count in (("fragmentType=c8y_IsDevice", 2000), ("type=c8y_DeviceSubgroup", 5)):
            page = node.call("GET", f"/inventory/managedObjects?{wanted}&pageSize=1&withTotalElements=true").json()
            assert page["statistics"]["totalElements"] == count
