"""From nothing to a device that sends, with nothing but the toolkit and mosquitto's tools."""

from __future__ import annotations

from integration.pki.conftest import Toolkit
from support.commands import shell
from support.node import TENANT, started_node

CODE = "proofOfPossessionUnsignedVerificationCode"


def test_made_ca_is_uploaded_and_proven_and_its_device_sends(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    toolkit.succeeds("device", "pump-7")
    with started_node(toolkit.folder / "node") as node:
        uploaded = node.upload((toolkit.folder / "ca.pem").read_text()).json()
        signature = toolkit.succeeds("proof", "-", text=uploaded[CODE]).strip()
        path = f"/tenant/tenants/{TENANT}/trusted-certificates-pop/{uploaded['fingerprint']}/pop"
        answer = node.call("POST", path, {"proofOfPossessionSignedVerificationCode": signature})
        assert answer.status_code == 200, answer.text
        shell(
            f"mosquitto_pub -h localhost -p {node.mqtt_port} -i d:pump-7 --cafile {node.server_ca}"
            " --cert pump-7.pem --key pump-7.key -q 1 -t s/us -m 211,21.5",
            folder=toolkit.folder,
        ).succeeded()
        node.logged("device.connected", "pump-7")
