"""Signing in on the command line: what is kept, what is not, and which login counts."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.admin import Admin
from support.certificates import root_authority
from support.commands import Outcome, run
from support.node import ADMIN_PASSWORD, TENANT, Node, started_node

PROMPT = "/admin: "


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with started_node(tmp_path_factory.mktemp("node") / "data") as running:
        yield running


@pytest.fixture
def admin(node: Node, tmp_path: Path) -> Admin:
    """Somebody who is not signed in and gives no password."""
    return Admin(node, tmp_path, password=None)


def sign_in(admin: Admin, *more: str, user: str = f"{TENANT}/admin") -> None:
    where = ("--url", admin.node.https_url, "--ca", admin.node.server_ca, "--user", user)
    outcome = admin.typed("login", *where, *more, replies=[(PROMPT, ADMIN_PASSWORD)]).succeeded()
    assert ADMIN_PASSWORD not in outcome.output


def end_tokens(admin: Admin) -> None:
    """Make the node refuse the token that is kept, as if its time had come."""
    kept = json.loads(admin.logins.read_text())
    for login in kept["logins"].values():
        login["token"] = login["token"][:-4] + "AAAA"
    admin.logins.write_text(json.dumps(kept))


def test_commands_after_a_login_need_no_password(admin: Admin) -> None:
    sign_in(admin)
    assert f"{TENANT}/admin" in admin.done("whoami")


def test_password_is_not_kept_and_nobody_else_reads_the_token(admin: Admin) -> None:
    sign_in(admin)
    assert ADMIN_PASSWORD not in admin.logins.read_text()
    assert stat.S_IMODE(admin.logins.stat().st_mode) == 0o600
    assert stat.S_IMODE(admin.logins.parent.stat().st_mode) == 0o700


def test_logins_that_others_can_read_are_not_used(admin: Admin) -> None:
    sign_in(admin)
    admin.logins.chmod(0o644)
    status, complaint = admin.refused("whoami")
    assert (status, "others can read it" in complaint) == (2, True)


def test_wrong_password_ends_with_2_and_keeps_nothing(admin: Admin) -> None:
    where = ("--url", admin.node.https_url, "--ca", str(admin.node.server_ca))
    status, complaint = admin.refused("login", *where, "--password", "wrong")
    assert (status, "401" in complaint, admin.logins.exists()) == (2, True, False)


def test_node_with_a_certificate_of_nobody_knows_whom_is_not_trusted(admin: Admin) -> None:
    status, complaint = admin.refused("login", "--url", admin.node.https_url, "--password", ADMIN_PASSWORD)
    assert (status, "--ca" in complaint) == (2, True)


def test_login_that_has_ended_asks_for_the_password_and_goes_on(admin: Admin) -> None:
    sign_in(admin)
    end_tokens(admin)
    outcome = admin.typed("whoami", replies=[(PROMPT, ADMIN_PASSWORD)]).succeeded()
    assert f"{TENANT}/admin" in outcome.output
    assert f"{TENANT}/admin" in admin.done("whoami")


def test_login_that_has_ended_asks_nobody_in_a_script(admin: Admin) -> None:
    sign_in(admin)
    end_tokens(admin)
    status, complaint = admin.refused("whoami")
    assert (status, "has ended" in complaint) == (2, True)


def test_one_of_several_platforms_is_chosen(admin: Admin) -> None:
    sign_in(admin, "--name", "plant")
    sign_in(admin, "--name", "platform", user="management/admin")
    assert "management/admin" in admin.done("whoami")
    assert f"{TENANT}/admin" in admin.done("whoami", "--platform", "plant")
    admin.done("platform", "use", "plant")
    assert f"{TENANT}/admin" in admin.done("whoami")
    assert [(one["name"], one["current"]) for one in admin.json("platform", "list")] == [
        ("plant", True),
        ("platform", False),
    ]


def test_own_password_is_changed_and_the_login_goes_on(admin: Admin, node: Node) -> None:
    node.call("POST", f"/user/{TENANT}/users", {"userName": "ann", "password": ADMIN_PASSWORD})
    node.call("POST", f"/user/{TENANT}/groups/admins/users", {"user": {"id": "ann"}})
    where = ("--url", node.https_url, "--ca", node.server_ca, "--user", f"{TENANT}/ann")
    admin.typed("login", *where, replies=[("/ann: ", ADMIN_PASSWORD)]).succeeded()
    typed = [("/ann: ", ADMIN_PASSWORD), ("/ann: ", "quite another one"), ("confirmation: ", "quite another one")]
    admin.typed("password", replies=typed).succeeded()
    assert f"{TENANT}/ann" in admin.done("whoami")
    assert admin.refused("login", *where, "--password", ADMIN_PASSWORD)[0] == 2


def test_explanations_are_asked_for_with_the_login_too(admin: Admin, tmp_path: Path) -> None:
    sign_in(admin, "--name", "plant")
    chain = tmp_path / "chain.pem"
    chain.write_text(root_authority("Nobody's CA").device("stranger").chain_pem)
    for where in (("--url", admin.node.https_url), ("--platform", "plant")):
        words = (sys.executable, "-m", "certinel", "explain", chain, "--json", *where)
        outcome = run(*words, environment=admin.environment)
        assert json.loads(outcome.output)["refusal"]["code"] == "chain/unknown-issuer", outcome.errors
        assert outcome.status == 1


def test_unknown_platform_is_named(admin: Admin) -> None:
    status, complaint = admin.refused("whoami", "--platform", "nowhere")
    assert (status, "no saved login nowhere" in complaint) == (2, True)


def test_logout_ends_the_token_on_the_node(admin: Admin) -> None:
    sign_in(admin)
    token = next(iter(json.loads(admin.logins.read_text())["logins"].values()))["token"]
    admin.done("logout")
    with admin.node.rest(token=token) as rest:
        assert rest.get("/user/currentUser").status_code == 401
    status, complaint = admin.refused("logout")
    assert (status, "nobody is signed in" in complaint) == (2, True)


def completed(admin: Admin, line: str) -> Outcome:
    """What a shell is told when somebody presses the tab key at the end of ``line``."""
    asked = {"_CERTINEL_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    return run(Path(sys.executable).with_name("certinel"), environment=admin.environment | asked)


def test_shell_completes_what_the_node_knows(admin: Admin) -> None:
    sign_in(admin)
    assert completed(admin, "certinel admin user show ad").output.split() == ["admin"]


def test_shell_completes_nothing_when_nobody_is_signed_in(admin: Admin) -> None:
    outcome = completed(admin, "certinel admin user show ad").succeeded()
    assert (outcome.output.strip(), outcome.errors) == ("", "")
