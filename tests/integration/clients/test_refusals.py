"""Who is not let in, and what the client is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from support.certificates import DeviceFiles, Issued, MakeDevice, root_authority
from support.client_programs import paho
from support.conversation import Conversation
from support.node import ADMIN_PASSWORD, TENANT, Node

VERSIONS = ("3.1", "3.1.1", "5.0")
NOT_AUTHORIZED = "135"
"""Return code 5 of the old versions, which paho-mqtt shows as what it is in version 5: reason code 0x87."""
BAD_PASSWORD = "134"
"""Return code 4, or reason code 0x86."""
MALFORMED_CLIENT_ID = "133"
"""Return code 2, or reason code 0x85."""


def refusal(conversation: Conversation) -> tuple[str, str]:
    """The code, and the sentence, which only version 5 has."""
    code, _, sentence = conversation.wait_for("refused")[1].partition(" ")
    return code, sentence


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client_id", ["{}", "d:{}", "d:{}:collection"])
def test_client_id_may_carry_the_prefix_and_a_template_collection(
    node: Node, make_device: MakeDevice, version: str, client_id: str
) -> None:
    device = make_device("well-named")
    with paho(node, client_id.format("well-named"), device, version=version) as conversation:
        conversation.wait_for("connected")


@pytest.mark.parametrize("version", VERSIONS)
def test_client_id_other_than_the_common_name_is_refused(node: Node, make_device: MakeDevice, version: str) -> None:
    with paho(node, "somebody-else", make_device("honest-name"), version=version) as conversation:
        assert refusal(conversation)[0] == NOT_AUTHORIZED
    node.logged("client-id/mismatch", "honest-name", "somebody-else")


@pytest.mark.parametrize("version", VERSIONS)
def test_client_id_with_a_colon_too_many_is_malformed(node: Node, make_device: MakeDevice, version: str) -> None:
    with paho(node, "x:colons", make_device("colons"), version=version) as conversation:
        assert refusal(conversation)[0] == MALFORMED_CLIENT_ID


@pytest.mark.parametrize("version", VERSIONS)
def test_device_of_a_ca_that_nobody_uploaded_is_refused(node: Node, tmp_path: Path, version: str) -> None:
    stranger = DeviceFiles.of(root_authority("Unheard-of CA").device("stranger"), tmp_path)
    with paho(node, "stranger", stranger, version=version) as conversation:
        assert refusal(conversation)[0] == NOT_AUTHORIZED
    node.logged("chain/unknown-issuer", "stranger")


def test_version_5_reads_why(node: Node, tmp_path: Path) -> None:
    stranger = DeviceFiles.of(root_authority("Unheard-of CA").device("stranger-5"), tmp_path)
    with paho(node, "stranger-5", stranger, version="5.0") as conversation:
        assert "chain/unknown-issuer" in refusal(conversation)[1]


def test_expired_certificate_is_refused_and_says_so(node: Node, fleet: Issued, tmp_path: Path) -> None:
    device = DeviceFiles.of(fleet.device("expired", ends=-timedelta(days=1)), tmp_path)
    with paho(node, "expired", device, version="5.0") as conversation:
        code, sentence = refusal(conversation)
    assert (code, "certificate/expired" in sentence) == (NOT_AUTHORIZED, True)


def test_forged_certificate_of_a_known_ca_is_refused(node: Node, fleet: Issued, tmp_path: Path) -> None:
    """A CA of the same name signs, and the genuine root is appended."""
    impostor = root_authority("Example Fleet CA").device("forged")
    forged = Issued(impostor.der, impostor.key, (fleet,))
    with paho(node, "forged", DeviceFiles.of(forged, tmp_path), version="5.0") as conversation:
        assert refusal(conversation)[0] == NOT_AUTHORIZED


def test_device_below_an_intermediate_is_refused_while_the_limit_is_two(
    node: Node, fleet: Issued, tmp_path: Path
) -> None:
    device = DeviceFiles.of(fleet.authority("Example Branch CA").device("too-far-down"), tmp_path)
    with paho(node, "too-far-down", device) as conversation:
        conversation.wait_for("refused")
    node.logged("chain/too-long", "max_chain_length")


@pytest.fixture(scope="module")
def closed_fleet(node: Node) -> Issued:
    """A CA whose devices an administrator must register first."""
    authority = root_authority("Closed Fleet CA")
    node.upload(authority.pem, name="closed", auto_registration=False)
    return authority


def test_unknown_device_is_refused_without_auto_registration(node: Node, closed_fleet: Issued, tmp_path: Path) -> None:
    with paho(node, "unregistered", DeviceFiles.of(closed_fleet.device("unregistered"), tmp_path)) as conversation:
        assert refusal(conversation)[0] == NOT_AUTHORIZED
    node.logged("registration/required", "unregistered")


def test_disabled_ca_refuses_and_enabled_again_admits_at_once(node: Node, tmp_path: Path) -> None:
    authority = root_authority("Switched CA")
    path = f"/tenant/tenants/{TENANT}/trusted-certificates/{node.upload(authority.pem).json()['fingerprint']}"
    device = DeviceFiles.of(authority.device("switched"), tmp_path)
    node.call("PUT", path, {"status": "DISABLED"})
    with paho(node, "switched", device) as conversation:
        conversation.wait_for("refused")
    node.call("PUT", path, {"status": "ENABLED"})
    with paho(node, "switched", device) as conversation:
        conversation.wait_for("connected")


@pytest.fixture
def with_password(node: Node) -> Iterator[Conversation]:
    more = ("--user", f"{TENANT}/admin", "--password", ADMIN_PASSWORD)
    with paho(node, "by-password", more=more) as conversation:
        yield conversation


def test_tenant_user_and_password_connect_without_a_certificate(with_password: Conversation) -> None:
    with_password.wait_for("connected")


def test_password_session_gets_no_token_and_is_told_why(with_password: Conversation) -> None:
    with_password.wait_for("connected")
    with_password.subscribe("s/e")
    with_password.publish("s/uat", "")
    sentence = "MqttAuth: Cannot publish token for device that do not use certificate authentication"
    assert with_password.receive("s/e") == f"41,,{sentence}"


@pytest.mark.parametrize("version", VERSIONS)
def test_wrong_password_is_refused_as_such(node: Node, version: str) -> None:
    more = ("--user", f"{TENANT}/admin", "--password", "not the password")
    with paho(node, "by-password", version=version, more=more) as conversation:
        assert refusal(conversation)[0] == BAD_PASSWORD


def test_neither_certificate_nor_password_is_refused(node: Node) -> None:
    with paho(node, "nobody") as conversation:
        assert refusal(conversation)[0] == NOT_AUTHORIZED
    node.logged("tls/no-certificate", "nobody")


def test_certificate_wins_over_a_wrong_password(node: Node, make_device: MakeDevice) -> None:
    more = ("--user", "anybody", "--password", "not the password")
    with paho(node, "both", make_device("both"), more=more) as conversation:
        conversation.wait_for("connected")
