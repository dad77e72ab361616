"""What the certificate recipe made connects: root, intermediate, every store, with the limits the recipe names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.certificates import DeviceFiles, root_authority
from support.client_programs import DEBIAN_CLIENT, ECLIPSE_PAHO, JavaProgram, Stores, paho
from support.commands import Outcome, run
from support.node import TENANT, Node, started_node
from support.seed_recipe import DEVICE_PASSWORD, STORE_PASSWORD, Device, SeedRecipe

CLOSED = 5
"""mosquitto_pub ends with the return code of CONNACK: not authorized."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, recipe: SeedRecipe) -> Iterator[Node]:
    """A node as it comes, chains of two, with the recipe's root uploaded."""
    with started_node(tmp_path_factory.mktemp("two") / "data") as running:
        running.upload(recipe.root.certificate.read_text(), name="certificateName")
        yield running


@pytest.fixture(scope="module")
def lenient_node(tmp_path_factory: pytest.TempPathFactory, recipe: SeedRecipe) -> Iterator[Node]:
    """A dedicated installation: chains of four."""
    folder = tmp_path_factory.mktemp("four") / "data"
    with started_node(folder, TRUST__MAX_CHAIN_LENGTH="4") as running:
        running.upload(recipe.root.certificate.read_text(), name="certificateName")
        yield running


def plain_key(device: Device, folder: Path) -> Path:
    """The device's key without its password, which mosquitto_pub can only ask a terminal for."""
    path = folder / "deviceKey.plain.pem"
    if not path.exists():
        run("openssl", "pkey", "-in", device.key, "-out", path, "-passin", f"pass:{DEVICE_PASSWORD}").succeeded()
    return path


def publish(node: Node, name: str, chain: Path, key: Path) -> Outcome:
    return run(
        "mosquitto_pub",
        *("-h", node.host, "-p", str(node.mqtt_port), "--cafile", node.server_ca),
        *("--cert", chain, "--key", key, "-i", name, "-q", "1", "-t", "s/us", "-m", "100"),
    )


def test_device_below_the_root_connects_with_its_chain(node: Node, recipe: SeedRecipe, tmp_path: Path) -> None:
    publish(node, recipe.ROOT_DEVICE, recipe.device.chain, plain_key(recipe.device, tmp_path)).succeeded()


def test_device_below_the_root_connects_without_the_root_in_its_chain(
    node: Node, recipe: SeedRecipe, tmp_path: Path
) -> None:
    publish(node, recipe.ROOT_DEVICE, recipe.device.certificate, plain_key(recipe.device, tmp_path)).succeeded()


def test_device_below_the_intermediate_is_too_far_from_the_root(node: Node, recipe: SeedRecipe, tmp_path: Path) -> None:
    device = recipe.device_below_intermediate
    refused = publish(node, recipe.INTERMEDIATE_DEVICE, device.chain, plain_key(device, tmp_path))
    assert refused.status == CLOSED
    node.logged("chain/too-long", "trust.max_chain_length")


def test_device_below_the_intermediate_connects_when_the_limit_is_raised(
    lenient_node: Node, recipe: SeedRecipe, tmp_path: Path
) -> None:
    device = recipe.device_below_intermediate
    publish(lenient_node, recipe.INTERMEDIATE_DEVICE, device.chain, plain_key(device, tmp_path)).succeeded()


def test_device_below_the_intermediate_connects_when_the_intermediate_is_uploaded(
    recipe: SeedRecipe, tmp_path: Path
) -> None:
    device = recipe.device_below_intermediate
    with started_node(tmp_path / "data") as node:
        node.upload(recipe.intermediate.certificate.read_text())
        publish(node, recipe.INTERMEDIATE_DEVICE, device.chain, plain_key(device, tmp_path)).succeeded()


@pytest.mark.parametrize(
    ("path_lengths", "status"), [((2, 1, 0), 0), ((1, 0, 0), CLOSED)], ids=["enough below each", "one too many"]
)
def test_path_lengths_are_kept(lenient_node: Node, tmp_path: Path, path_lengths: tuple[int, ...], status: int) -> None:
    first, *further = path_lengths
    signer = root_authority(f"Root {path_lengths}", path_length=first)
    lenient_node.upload(signer.pem)
    for depth, path_length in enumerate(further, 1):
        signer = signer.authority(f"Level {depth}", path_length=path_length)
    name = "-".join(map(str, ("device", *path_lengths)))
    device = DeviceFiles.of(signer.device(name), tmp_path)
    assert publish(lenient_node, name, device.chain, device.key).status == status
    if status:
        lenient_node.logged("chain/path-length-exceeded", name)


# R10 and R11, the server's certificate in trust stores of both kinds


@pytest.fixture(scope="module")
def device_with_stores(node: Node, recipe: SeedRecipe, tmp_path_factory: pytest.TempPathFactory) -> Device:
    """A copy of the root's device with trust stores made from what the node presents."""
    device = recipe.copied_to(tmp_path_factory.mktemp("stores")).device
    device.run(
        f"openssl s_client -showcerts -connect {node.host}:{node.mqtt_port} </dev/null"
        " | openssl x509 -outform PEM > serverCertificate.pem"
    ).succeeded()
    device.run(
        "keytool -importcert -noprompt -keystore deviceTruststore.pkcs12 -alias servercertificate"
        " -file serverCertificate.pem",
        [STORE_PASSWORD] * 2,
    ).succeeded()
    device.run(
        "keytool -import -file serverCertificate.pem -alias servercertificate -keystore deviceTruststore.jks"
        " -storetype JKS",
        [STORE_PASSWORD, STORE_PASSWORD, "yes"],
    ).succeeded()
    return device


def test_node_presents_its_full_chain(node: Node) -> None:
    shown = run("openssl", "s_client", "-showcerts", "-connect", f"{node.host}:{node.mqtt_port}")
    assert shown.output.count("-----BEGIN CERTIFICATE-----") >= 2


def test_node_names_no_certificate_authorities_to_its_clients(node: Node) -> None:
    shown = run("openssl", "s_client", "-connect", f"{node.host}:{node.mqtt_port}")
    assert "No client certificate CA names sent" in shown.output


@pytest.mark.parametrize("store_format", ["PKCS12", "JKS"])
@pytest.mark.parametrize("program", [ECLIPSE_PAHO, DEBIAN_CLIENT], ids=["Eclipse Paho", "Debian"])
def test_java_client_connects_with_the_stores_of_the_recipe(
    program: JavaProgram,
    store_format: str,
    node: Node,
    recipe: SeedRecipe,
    device_with_stores: Device,
    tmp_path: Path,
) -> None:
    suffix = store_format.lower()
    stores = Stores(
        recipe.ROOT_DEVICE,
        device_with_stores.folder / f"deviceKeystore.{suffix}",
        device_with_stores.folder / f"deviceTruststore.{suffix}",
        store_format,
        truststore_format=store_format,
    )
    with program.connected(tmp_path, node, stores) as conversation:
        conversation.wait_for("connected")
        conversation.publish("s/us", "211,20")
        conversation.disconnect()


def test_key_with_its_password_connects_from_python(node: Node, recipe: SeedRecipe, tmp_path: Path) -> None:
    files = DeviceFiles(recipe.ROOT_DEVICE, recipe.device.chain, recipe.device.key)
    with paho(node, recipe.ROOT_DEVICE, files, more=("--key-password", DEVICE_PASSWORD)) as conversation:
        conversation.wait_for("connected")


# R14, the certificate as the recipe's REST example sends it


def create(node: Node, body: str) -> httpx.Response:
    with node.rest() as rest:
        return rest.post(
            f"/tenant/tenants/{TENANT}/trusted-certificates",
            content=body.encode(),
            headers={"Content-Type": "application/json"},
        )


REQUEST = (
    '{ "status" :  "ENABLED", "name" : "certificateName", "autoRegistrationEnabled" : "true",'
    ' "certInPemFormat" : "%s" }'
)


def test_certificate_on_one_line_uploads_as_in_the_example(node: Node) -> None:
    answer = create(node, REQUEST % root_authority("On one line").pem.replace("\n", ""))
    assert (answer.status_code, answer.json()["autoRegistrationEnabled"]) == (httpx.codes.CREATED, True)


def test_raw_line_breaks_in_the_json_string_are_a_bad_request_that_says_so(node: Node, recipe: SeedRecipe) -> None:
    answer = create(node, REQUEST % recipe.root.certificate.read_text())
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "line break" in answer.json()["message"]
