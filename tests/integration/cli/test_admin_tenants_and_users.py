"""Tenants, users, groups, options and the audit log on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.admin import Admin
from support.node import TENANT, Node, started_node


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with started_node(tmp_path_factory.mktemp("node") / "data") as running:
        yield running


@pytest.fixture
def admin(node: Node, tmp_path: Path) -> Admin:
    return Admin(node, tmp_path)


@pytest.fixture
def management(node: Node, tmp_path: Path) -> Admin:
    return Admin(node, tmp_path, user="management/admin")


@pytest.fixture
def ann(admin: Admin) -> Iterator[str]:
    """A person without rights."""
    admin.done("user", "create", "ann", "--generate")
    yield "ann"
    admin("user", "delete", "ann", "--yes")


def test_tenant_is_made_with_an_administrator_who_can_sign_in(management: Admin, node: Node, tmp_path: Path) -> None:
    printed = management.done("tenant", "create", "--id", "t3000", "--company", "Example Pumps", "--generate")
    made = re.search(r"password of t3000/admin: (\S+)", printed)
    assert made is not None
    assert "t3000/admin" in Admin(node, tmp_path, user="t3000/admin", password=made[1]).done("whoami")
    assert management.json("tenant", "show", "t3000")["company"] == "Example Pumps"


def test_tenant_is_changed_suspended_resumed_and_deleted(management: Admin) -> None:
    management.done("tenant", "create", "--id", "t4000", "--generate")
    management.done("tenant", "update", "t4000", "--company", "Other Pumps", "--max-devices", "5")
    management.done("tenant", "suspend", "t4000", "--yes")
    suspended = management.json("tenant", "show", "t4000")
    facts = (suspended["company"], suspended["maxDevices"], suspended["status"])
    assert facts == ("Other Pumps", 5, "SUSPENDED")
    management.done("tenant", "resume", "t4000")
    assert management.json("tenant", "show", "t4000")["status"] == "ACTIVE"
    management.done("tenant", "delete", "t4000", "--yes")
    assert "t4000" not in [one["id"] for one in management.json("tenant", "list")]


def test_what_is_refused_ends_with_1_and_says_code_message_and_node(admin: Admin) -> None:
    status, complaint = admin.refused("tenant", "list")
    assert (status, "security/Forbidden" in complaint) == (1, True)
    assert admin.node.https_url in complaint


def test_destructive_command_asks_and_no_leaves_everything_as_it_is(admin: Admin, ann: str) -> None:
    outcome = admin.typed("user", "delete", ann, replies=[("[y/N]: ", "n")])
    assert (outcome.status, "nothing was changed" in outcome.output) == (1, True)
    assert admin.json("user", "show", ann)["enabled"]


def test_destructive_command_asks_and_yes_does_it(admin: Admin, ann: str) -> None:
    admin.typed("user", "disable", ann, replies=[("[y/N]: ", "y")]).succeeded()
    assert not admin.json("user", "show", ann)["enabled"]


def test_destructive_command_in_a_script_wants_yes(admin: Admin, ann: str) -> None:
    status, complaint = admin.refused("user", "delete", ann)
    assert (status, "--yes" in complaint) == (2, True)
    assert admin.json("user", "show", ann)["enabled"]


def test_user_with_a_typed_password_can_sign_in(admin: Admin, node: Node, tmp_path: Path) -> None:
    typed = [("of ben: ", "long enough"), ("confirmation: ", "long enough")]
    outcome = admin.typed("user", "create", "ben", "--group", "readers", replies=typed).succeeded()
    assert "long enough" not in outcome.output
    assert "readers" in Admin(node, tmp_path, user=f"{TENANT}/ben", password="long enough").done("whoami")


def test_password_is_changed_from_standard_input(admin: Admin, ann: str, node: Node, tmp_path: Path) -> None:
    admin.done("group", "add", "readers", ann)
    admin.done("user", "password", ann, "--new-password-file", "-", answers=["another one"])
    assert TENANT in Admin(node, tmp_path, user=f"{TENANT}/{ann}", password="another one").done("whoami")


def test_unacceptable_password_is_refused_with_its_code(admin: Admin, ann: str) -> None:
    outcome = admin("user", "password", ann, "--new-password-file", "-", answers=["short"])
    assert (outcome.status, "at least 8 characters" in outcome.errors) == (1, True)


def test_what_is_known_of_a_person_is_changed(admin: Admin, ann: str) -> None:
    admin.done("user", "update", ann, "--email", "ann@example.com", "--first-name", "Ann")
    assert "ann@example.com" in admin.done("user", "show", ann)
    assert admin.json("user", "show", ann)["firstName"] == "Ann"


def test_user_is_disabled_and_enabled(admin: Admin, ann: str) -> None:
    admin.done("user", "disable", ann, "--yes")
    assert "disabled" in admin.done("user", "list", "--prefix", ann)
    admin.done("user", "enable", ann)
    assert admin.json("user", "show", ann)["enabled"]


def test_group_has_members_that_come_and_go(admin: Admin, ann: str) -> None:
    admin.done("group", "add", "readers", ann)
    assert ann in admin.done("group", "members", "readers")
    admin.done("group", "remove", "readers", ann, "--yes")
    assert ann not in admin.done("group", "members", "readers")


def test_unknown_group_is_found_before_there_is_half_a_user(admin: Admin) -> None:
    status, complaint = admin.refused("user", "create", "cara", "--group", "nobodies", "--generate")
    assert (status, "nobodies" in complaint) == (1, True)
    assert admin.refused("user", "show", "cara")[0] == 1


def test_lists_of_many_pages_come_whole(admin: Admin, node: Node) -> None:
    rows = "\n".join(f"page-{number:04}\tCERTIFICATES" for number in range(1100))
    with node.rest() as rest:
        file = {"file": ("devices.csv", f"ID\tAUTH_TYPE\n{rows}\n".encode())}
        rest.post("/devicecontrol/bulkNewDeviceRequests", files=file, timeout=60).raise_for_status()
    names = [one["userName"] for one in admin.json("user", "list", "--prefix", "device_page-")]
    assert names == [f"device_page-{number:04}" for number in range(1100)]


def test_option_is_set_read_and_removed(admin: Admin) -> None:
    admin.done("option", "set", "plant", "hall", "3")
    assert admin.done("option", "get", "plant", "hall") == "3\n"
    assert "hall" in admin.done("option", "list", "plant")
    admin.done("option", "delete", "plant", "hall", "--yes")
    assert admin.refused("option", "get", "plant", "hall")[0] == 1


def test_fixed_option_cannot_be_changed_by_its_tenant(admin: Admin, management: Admin) -> None:
    admin.done("option", "set", "plant", "fixed", "3")
    management.done("option", "fix", "plant", "fixed", "--tenant", TENANT)
    assert admin.refused("option", "set", "plant", "fixed", "4")[0] == 1
    management.done("option", "release", "plant", "fixed", "--tenant", TENANT)
    admin.done("option", "set", "plant", "fixed", "4")


def test_secret_option_is_read_from_standard_input_and_never_shown(admin: Admin) -> None:
    admin.done("option", "set", "plant", "credentials.token", answers=["s3cret"])
    assert "s3cret" not in admin.done("option", "list", "plant")


def test_audit_log_names_who_did_what(admin: Admin, ann: str) -> None:
    latest = admin.json("audit", "list", "--source", ann, "--limit", "1")[0]
    assert (latest["user"], latest["activity"]) == ("admin", f"User created: '{ann}'.")
    assert latest["hash"] in admin.done("audit", "show", latest["id"])


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_no_line_is_wider_than_the_terminal(admin: Admin, columns: int) -> None:
    for words in (("audit", "list"), ("user", "list"), ("whoami",), ("group", "show", "admins")):
        lines = admin.typed(*words, columns=columns).succeeded().output.splitlines()
        assert max(map(len, lines)) <= columns


def test_what_is_no_terminal_gets_a_row_on_one_line(admin: Admin) -> None:
    lines = admin.done("audit", "list", "--type", "Tenant").splitlines()
    assert ("Tenant created: 't1000'." in lines[-1], len(lines)) == (True, 2)


def test_signing_key_is_rotated_and_the_old_one_withdrawn(management: Admin) -> None:
    (before,) = management.json("signing-key", "list")
    made = management.json("signing-key", "rotate")
    states = [(one["id"], one["current"]) for one in management.json("signing-key", "list")]
    assert states == [(made["id"], True), (before["id"], False)]
    management.done("signing-key", "withdraw", before["id"], "--yes")
    assert [one["id"] for one in management.json("signing-key", "list")] == [made["id"]]


def test_feature_is_switched_off_and_left_to_the_platform_again(admin: Admin) -> None:
    before = admin.json("feature", "list")[0]
    admin.done("feature", "disable", before["key"])
    assert admin.json("feature", "list")[0]["strategy"] == "TENANT"
    admin.done("feature", "reset", before["key"])
    assert admin.json("feature", "list")[0] == before


def test_feature_that_is_not_offered_is_not_switched_on(admin: Admin) -> None:
    status, complaint = admin.refused("feature", "enable", "certificate-authority")
    assert (status, "not offered" in complaint) == (1, True)
