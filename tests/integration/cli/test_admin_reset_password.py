"""``certinel admin reset-password``: when nobody can sign in any more."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from certinel.domain.audit import ActorKind
from certinel.domain.identifiers import TenantId
from certinel.domain.role import ADMINS
from certinel.domain.tenant import Tenant
from certinel.domain.user_account import UserAccount
from certinel.services import audit
from certinel.services.clock import SystemClock
from certinel.services.passwords import Passwords
from certinel.storage import tenants, users
from certinel.storage.audit_records import AuditFilter
from certinel.storage.engine import Database, EngineName
from certinel.storage.page import PageRequest
from support.commands import Outcome, run
from support.engines import Engines
from support.node import SOURCES, TENANT, started_node


def reset(*options: str | Path, answers: Sequence[str] = ()) -> Outcome:
    command = (sys.executable, "-m", "certinel", "admin", "reset-password", *options)
    return run(*command, environment={"PYTHONPATH": str(SOURCES)}, answers=answers)


@pytest.fixture(scope="module")
def stopped_node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a node leaves behind whose administrators have forgotten their password."""
    folder = tmp_path_factory.mktemp("node") / "data"
    with started_node(folder) as node:
        node.stop()
    return folder


@pytest.fixture
def data(stopped_node: Path, tmp_path: Path) -> Path:
    """A copy of that."""
    return Path(shutil.copytree(stopped_node, tmp_path / "data"))


def test_administrator_signs_in_with_the_password_that_was_printed_and_no_longer_with_what_was_before(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    with started_node(folder) as node:
        with node.rest() as rest:
            form = {"grant_type": "PASSWORD", "username": "admin", "password": "correct horse battery staple"}
            answer = rest.post("/tenant/oauth/token", params={"tenant_id": TENANT}, data=form)
            token = answer.raise_for_status().json()["access_token"]
        node.stop()
    printed = json.loads(reset("--data-dir", folder, "--json").succeeded().output)
    with started_node(folder) as node:
        with node.rest(token=token) as rest:
            assert rest.get("/user/currentUser").status_code == 401
        with node.rest() as rest:
            assert rest.get("/user/currentUser").status_code == 401
            assert rest.get("/user/currentUser", auth=(f"{TENANT}/admin", printed["password"])).status_code == 200


def test_password_from_standard_input_is_not_printed(data: Path) -> None:
    outcome = reset("--data-dir", data, "--new-password-file", "-", answers=["from the safe"]).succeeded()
    assert "from the safe" not in outcome.text


def test_running_node_is_left_alone(tmp_path: Path) -> None:
    with started_node(tmp_path / "data"):
        outcome = reset("--data-dir", tmp_path / "data")
    assert (outcome.status, "another node is running" in outcome.errors) == (1, True)


def test_missing_data_directory_is_not_made(tmp_path: Path) -> None:
    outcome = reset("--data-dir", tmp_path / "nothing")
    assert (outcome.status, (tmp_path / "nothing").exists()) == (2, False)


@pytest.mark.parametrize(
    ("options", "words"),
    [(("--user", "nobody"), "nobody"), (("--tenant", "t9"), "t9"), (("--new-password-file", "-"), "at least 8")],
)
def test_what_cannot_be_done_is_said(data: Path, options: Sequence[str], words: str) -> None:
    outcome = reset("--data-dir", data, *options, answers=["short"])
    assert (outcome.status, words in outcome.errors) == (1, True)


async def test_disabled_administrator_is_enabled_and_the_platform_is_recorded(
    engines: Engines, engine_name: EngineName
) -> None:
    async with engines.fresh_url(engine_name) as url:
        at, tenant = SystemClock().now(), TenantId("t7")
        locked_out = UserAccount.of_person(
            tenant, "admin", groups=frozenset({ADMINS}), created_at=at, password_hash="-", is_enabled=False
        )
        database = await Database.open(url)
        try:
            async with database.transaction() as tx:
                await tenants.insert_if_absent(tx, Tenant(id=tenant, admin_name="admin", created_at=at))
                await users.insert_if_absent(tx, locked_out)
            printed = await asyncio.to_thread(reset, "--database", url, "--tenant", "t7", "--json")
            done = json.loads(printed.succeeded().output)
            async with database.reading() as tx:
                account = await users.find(tx, tenant, "admin")
                latest = (await audit.list_of(tx, tenant, AuditFilter(), PageRequest())).items[0]
        finally:
            await database.close()
    assert account is not None
    assert account.is_enabled
    assert await Passwords().is_right(account.password_hash, done["password"], at)
    assert (latest.user_kind, latest.source, latest.severity) == (ActorKind.SYSTEM, "admin", "MAJOR")
    assert done["notes"] == ["the user was disabled, and is enabled now"]
