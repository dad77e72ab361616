"""mosquitto's command line tools and curl: what people try first."""

from __future__ import annotations

import json

import pytest

from support.certificates import DeviceFiles, MakeDevice, root_authority
from support.commands import Outcome, run
from support.node import ADMIN_PASSWORD, TENANT, Node

VERSIONS = ("mqttv31", "mqttv311", "mqttv5")


def mosquitto(tool: str, node: Node, device: DeviceFiles, *words: str, client_id: str | None = None) -> Outcome:
    return run(
        f"mosquitto_{tool}",
        *("-h", node.host, "-p", str(node.mqtt_port), "--cafile", node.server_ca),
        *("--cert", device.chain, "--key", device.key, "-i", client_id or device.common_name),
        *words,
    )


def curl(node: Node, path: str, *words: str) -> Outcome:
    return run("curl", "--silent", "--show-error", "--cacert", node.server_ca, *words, f"{node.https_url}{path}")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_mosquitto_pub_sends_with_every_version_and_quality(
    node: Node, make_device: MakeDevice, version: str, qos: str
) -> None:
    device = make_device("publisher")
    mosquitto("pub", node, device, "-V", version, "-q", qos, "-t", "s/us", "-m", "211,20").succeeded()


def test_mosquitto_pub_with_another_client_id_is_not_authorized(node: Node, make_device: MakeDevice) -> None:
    refused = mosquitto("pub", node, make_device("right"), "-t", "s/us", "-m", "211,20", client_id="wrong")
    assert refused.status == 5
    assert "not authorised" in refused.text


def test_mosquitto_pub_with_version_5_prints_the_reason(node: Node, make_device: MakeDevice) -> None:
    words = ("-V", "mqttv5", "-d", "-t", "s/us", "-m", "211,20")
    refused = mosquitto("pub", node, make_device("right"), *words, client_id="wrong")
    assert refused.status != 0
    assert "Not authorized" in refused.text


@pytest.mark.parametrize("version", VERSIONS)
def test_mosquitto_sub_subscribes_to_everything_a_device_hears(
    node: Node, make_device: MakeDevice, version: str
) -> None:
    topics = [word for topic in ("s/e", "s/dat", "s/ds", "s/dc/#") for word in ("-t", topic)]
    listened = mosquitto("sub", node, make_device("subscriber"), "-V", version, "-q", "1", "-d", "-W", "1", *topics)
    assert "Subscribed (mid: 1): 1, 1, 1, 1" in listened.text


def test_mosquitto_rr_asks_for_a_token_and_prints_the_answer(node: Node, make_device: MakeDevice) -> None:
    device = make_device("requester")
    mosquitto("pub", node, device, "-q", "1", "-t", "s/us", "-m", "100").succeeded()
    asked = mosquitto("rr", node, device, "-V", "mqttv311", "-q", "1", "-t", "s/uat", "-e", "s/dat", "-n").succeeded()
    assert asked.output.startswith("71,")


def test_curl_reads_the_device_with_its_own_token(node: Node, make_device: MakeDevice) -> None:
    device = make_device("curl-token")
    mosquitto("pub", node, device, "-q", "1", "-t", "s/us", "-m", "100,Read by curl").succeeded()
    asked = mosquitto("rr", node, device, "-V", "mqttv311", "-q", "1", "-t", "s/uat", "-e", "s/dat", "-n").succeeded()
    token = asked.output.strip().removeprefix("71,")
    answer = curl(
        node, "/identity/externalIds/c8y_Serial/curl-token", "-H", f"Authorization: Bearer {token}", "--fail"
    ).succeeded()
    assert json.loads(answer.output)["externalId"] == "curl-token"


def test_curl_uploads_a_ca_and_lists_it(node: Node) -> None:
    body = {
        "name": "by curl",
        "status": "ENABLED",
        "autoRegistrationEnabled": "true",
        "certInPemFormat": root_authority("Uploaded by curl").pem,
    }
    user = ("--user", f"{TENANT}/admin:{ADMIN_PASSWORD}")
    path = f"/tenant/tenants/{TENANT}/trusted-certificates"
    json_body = ("-H", "Content-Type: application/json", "--data-binary", json.dumps(body))
    uploaded = json.loads(curl(node, path, *user, *json_body, "--fail").succeeded().output)
    listed = json.loads(curl(node, f"{path}?pageSize=2000", *user, "--fail").succeeded().output)
    assert uploaded["fingerprint"] in [one["fingerprint"] for one in listed["certificates"]]


def test_curl_with_a_wrong_password_is_unauthorized(node: Node) -> None:
    words = ("--user", f"{TENANT}/admin:wrong", "--output", "/dev/null", "--write-out", "%{http_code}")
    assert curl(node, "/tenant/currentTenant", *words).succeeded().output == "401"
