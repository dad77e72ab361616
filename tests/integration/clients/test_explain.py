"""One verdict, never two: `certinel explain`, REST and a real connect end with the same code."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from certinel.cli import app
from certinel.cli.example_device import DeviceFiles as Files
from certinel.cli.example_device import DeviceRefusedError, connected
from certinel.cli.terminal import CommandError
from support.certificates import SERVER_AUTH, Issued, root_authority
from support.node import ADMIN_PASSWORD, TENANT, Node

HIDDEN = "chain/unknown-issuer"

FAILING: dict[str, Callable[[Issued], Issued]] = {
    "certificate/expired": lambda fleet: fleet.device("old", ends=-timedelta(days=1)),
    "certificate/wrong-usage": lambda fleet: fleet.device("server", eku=[SERVER_AUTH]),
    "certificate/common-name": lambda fleet: fleet.device("two", "names"),
    "chain/issuer-not-a-ca": lambda fleet: fleet.authority("No CA", basic_constraints=None).device("child"),
    "chain/too-long": lambda fleet: fleet.authority("Branch CA").device("far-down"),
    HIDDEN: lambda _: root_authority("Nobody's CA").device("stranger"),
}


def explain(node: Node, chain: Path, *words: str) -> tuple[int, Any]:
    asking = ("--url", node.https_url, "--ca", str(node.server_ca), "--user", f"{TENANT}/admin", "--json", *words)
    result = CliRunner().invoke(app, ["explain", str(chain), *asking], env={"CERTINEL_PASSWORD": ADMIN_PASSWORD})
    assert result.exit_code in {0, 1}, result.output
    return result.exit_code, json.loads(result.output)


def files(node: Node, device: Issued, folder: Path) -> Files:
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_text(device.chain_pem)
    key.write_text(device.key_pem())
    return Files(chain=chain, key=key, server_ca=node.server_ca)


def refused(node: Node, client_id: str, device: Files) -> str:
    with pytest.raises(DeviceRefusedError) as refusal, connected(client_id, device, node.host, node.mqtt_port):
        pass
    return str(refusal.value).partition(": ")[0]


@pytest.mark.parametrize("code", FAILING)
def test_refusal_has_one_code_everywhere(node: Node, fleet: Issued, tmp_path: Path, code: str) -> None:
    device = FAILING[code](fleet)
    on_device = files(node, device, tmp_path)
    status, answer = explain(node, on_device.chain)
    assert (status, answer["refusal"]["code"]) == (1, code)
    rest = node.call("POST", "/certinel/explanations", {"chain": device.chain_pem}).json()
    assert {**rest, "at": None} == {**answer, "at": None}
    name = answer["chain"][0]["certificate"]["subject"].partition(",")[0].removeprefix("CN=")
    assert refused(node, name, on_device) == code
    node.logged(code, name)


def test_registration_is_told_to_the_owner_and_hidden_from_the_stranger(node: Node, tmp_path: Path) -> None:
    authority = root_authority("Closed CA of explain")
    node.upload(authority.pem, auto_registration=False)
    device = files(node, authority.device("closed-out"), tmp_path)
    assert explain(node, device.chain)[1]["refusal"]["code"] == "registration/required"
    assert refused(node, "closed-out", device) == HIDDEN
    node.logged("registration/required", "closed-out")


def test_client_id_is_part_of_the_verdict(node: Node, fleet: Issued, tmp_path: Path) -> None:
    device = files(node, fleet.device("named"), tmp_path)
    assert explain(node, device.chain, "--client-id", "other")[1]["refusal"]["code"] == "client-id/mismatch"
    assert refused(node, "other", device) == "client-id/mismatch"


def test_admission_is_registration_the_first_time_only(node: Node, fleet: Issued, tmp_path: Path) -> None:
    device = files(node, fleet.device("newcomer"), tmp_path)
    status, before = explain(node, device.chain)
    assert (status, before["tenant"], before["wouldBeRegistered"]) == (0, TENANT, True)
    with connected("newcomer", device, node.host, node.mqtt_port):
        pass
    assert explain(node, device.chain)[1]["wouldBeRegistered"] is False


def test_wrong_password_is_no_verdict(node: Node, fleet: Issued, tmp_path: Path) -> None:
    chain = files(node, fleet.device("asked"), tmp_path).chain
    words = ["explain", str(chain), "--url", node.https_url, "--ca", str(node.server_ca), "--password", "wrong"]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, CommandError)
    assert result.exception.exit_code == 2
    assert "401" in str(result.exception)
