"""What a proof of possession does to devices: a gate where it is required, and the end of who had the CA without it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.certificates import DeviceFiles, Issued, root_authority
from support.client_programs import paho
from support.commands import shell
from support.node import TENANT, Node, started_node

CODE = "proofOfPossessionUnsignedVerificationCode"
SIGNED = "proofOfPossessionSignedVerificationCode"
NOT_AUTHORIZED = "135"
MANAGEMENT = "management"


def prove(node: Node, ca: Issued, folder: Path, tenant: str = TENANT) -> str:
    """Prove the possession of an uploaded CA as a person does, and return its fingerprint."""
    fingerprint = hashlib.sha1(ca.der, usedforsecurity=False).hexdigest()
    with node.rest(user=f"{tenant}/admin") as rest:
        path = f"/tenant/tenants/{tenant}/trusted-certificates"
        (folder / "code.txt").write_text(rest.get(f"{path}/{fingerprint}").json()[CODE])
        (folder / "private.key").write_text(ca.key_pem())
        line = "openssl dgst -sha256 -sign private.key code.txt | openssl base64 -A"
        signature = shell(line, folder=folder).succeeded().output
        answer = rest.post(f"{path}-pop/{fingerprint}/pop", json={SIGNED: signature})
    assert answer.status_code == 200, answer.text
    return fingerprint


def upload_into_management(node: Node, ca: Issued) -> None:
    body = {"name": "copy", "status": "ENABLED", "autoRegistrationEnabled": True, "certInPemFormat": ca.pem}
    with node.rest(user=f"{MANAGEMENT}/admin") as rest:
        answer = rest.post(f"/tenant/tenants/{MANAGEMENT}/trusted-certificates", json=body)
    assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def strict_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that asks for proof and allows long chains."""
    folder = tmp_path_factory.mktemp("strict") / "certinel-data"
    with started_node(folder, TRUST__REQUIRE_PROOF="true", TRUST__MAX_CHAIN_LENGTH="3") as running:
        yield running


def test_device_is_admitted_from_the_proof_on_where_proof_is_required(strict_node: Node, tmp_path: Path) -> None:
    ca = root_authority("Gated CA")
    device = DeviceFiles.of(ca.device("gated"), tmp_path)
    strict_node.upload(ca.pem)
    with paho(strict_node, "gated", device) as conversation:
        assert conversation.wait_for("refused")[1].startswith(NOT_AUTHORIZED)
    strict_node.logged("trust/needs-proof-of-possession", "gated")
    prove(strict_node, ca, tmp_path)
    with paho(strict_node, "gated", device) as conversation:
        conversation.wait_for("connected")


def test_withdrawn_proof_ends_sessions_where_proof_is_required(strict_node: Node, tmp_path: Path) -> None:
    ca = root_authority("Withdrawn CA")
    device = DeviceFiles.of(ca.device("withdrawn"), tmp_path)
    strict_node.upload(ca.pem)
    fingerprint = prove(strict_node, ca, tmp_path)
    with paho(strict_node, "withdrawn", device) as conversation:
        conversation.wait_for("connected")
        strict_node.call("DELETE", f"/tenant/tenants/{TENANT}/trusted-certificates-pop/{fingerprint}/pop")
        conversation.wait_for("lost")


def test_proof_outlives_the_renewal_of_the_certificate(strict_node: Node, tmp_path: Path) -> None:
    ca = root_authority("Renewed CA")
    strict_node.upload(ca.pem)
    fingerprint = prove(strict_node, ca, tmp_path)
    strict_node.upload(ca.renewed().pem)
    strict_node.call("DELETE", f"/tenant/tenants/{TENANT}/trusted-certificates/{fingerprint}")
    with paho(strict_node, "renewed", DeviceFiles.of(ca.device("renewed"), tmp_path)) as conversation:
        conversation.wait_for("connected")


def test_console_and_log_warn_of_missing_proof_where_chains_may_be_long(tmp_path: Path) -> None:
    data_folder = tmp_path / "certinel-data"
    with started_node(data_folder) as node:
        node.upload(root_authority("Unproven CA").pem, name="hall 3 [/] [red]")
    with started_node(data_folder, TRUST__MAX_CHAIN_LENGTH="3") as node:
        node.logged("note:", "hall 3 [/] [red]", "proof")
        node.logged("trust.proof_advised", "hall 3 [/] [red]")


@pytest.fixture
def shared(node: Node, tmp_path: Path) -> Issued:
    """A CA that t1000 uploaded first and management after it, both without proof."""
    ca = root_authority(f"Shared CA {tmp_path.name}")
    node.upload(ca.pem)
    upload_into_management(node, ca)
    return ca


def test_first_uploader_keeps_its_devices_until_another_proves(node: Node, shared: Issued, tmp_path: Path) -> None:
    device = DeviceFiles.of(shared.device("coveted"), tmp_path)
    with paho(node, "coveted", device) as conversation:
        conversation.wait_for("connected")
        prove(node, shared, tmp_path, MANAGEMENT)
        conversation.wait_for("lost")
    with paho(node, "coveted", device) as conversation:
        conversation.wait_for("connected")
        node.logged("device.connected", "coveted", MANAGEMENT)


def test_proof_of_the_owner_leaves_its_sessions_alone(node: Node, shared: Issued, tmp_path: Path) -> None:
    device = DeviceFiles.of(shared.device("undisturbed"), tmp_path)
    with paho(node, "undisturbed", device) as conversation:
        conversation.wait_for("connected")
        prove(node, shared, tmp_path)
        conversation.publish("s/us", "200,c8y_Temperature,T,21")
        assert not conversation.heard("lost")


def test_token_of_a_device_that_moved_dies(node: Node, shared: Issued, tmp_path: Path) -> None:
    with paho(node, "moved", DeviceFiles.of(shared.device("moved"), tmp_path)) as conversation:
        conversation.wait_for("connected")
        conversation.subscribe("s/dat")
        conversation.publish("s/uat", "")
        token = conversation.receive("s/dat").removeprefix("71,")
        with node.rest(token=token) as rest:
            before = rest.get("/tenant/currentTenant").status_code
            prove(node, shared, tmp_path, MANAGEMENT)
            after = rest.get("/tenant/currentTenant").status_code
    assert (before, after) == (200, 401)
