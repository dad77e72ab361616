"""Sessions that began with a password: what ends them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from certinel.domain.role import Principal, Role, UserKind
from certinel.domain.tenant import TenantStatus
from certinel.domain.user_account import UserAccount
from certinel.services import tenants, user_administration
from certinel.services.tenants import TenantChange
from certinel.services.user_administration import UserChange
from support.clock import START
from support.platforms import ADMIN_PASSWORD
from support.stage import TENANT, Stage
from support.wire_device import WireDevice, password_client

ADMINISTRATOR = Principal(TENANT, "admin", UserKind.PERSON, frozenset(Role))


@asynccontextmanager
async def connected_with_password(stage: Stage, user: str = "anna") -> AsyncIterator[WireDevice]:
    await add_person(stage, user)
    async with password_client(stage.gateway.port) as client:
        assert (await client.connect("press", user_name=f"{TENANT}/{user}", password=ADMIN_PASSWORD)).code == 0
        yield client


async def add_person(stage: Stage, name: str) -> None:
    password_hash = await stage.platform.passwords.hash(ADMIN_PASSWORD)
    account = UserAccount.of_person(TENANT, name, groups=frozenset(), created_at=START, password_hash=password_hash)
    async with stage.platform.database.transaction() as tx:
        await user_administration.create(tx, stage.platform, account, ADMINISTRATOR)


@pytest.mark.parametrize("change", [UserChange(is_enabled=False), UserChange(password_hash="another")])
async def test_disabling_a_person_or_another_password_ends_the_session(stage: Stage, change: UserChange) -> None:
    async with connected_with_password(stage) as client:
        async with stage.platform.database.transaction() as tx:
            await user_administration.update(tx, stage.platform, TENANT, "anna", change, ADMINISTRATOR)
        assert await client.receive_until_end() == []


async def test_removing_a_person_ends_the_session(stage: Stage) -> None:
    async with connected_with_password(stage) as client:
        async with stage.platform.database.transaction() as tx:
            await user_administration.delete(tx, stage.platform, TENANT, "anna", ADMINISTRATOR)
        assert await client.receive_until_end() == []


async def test_suspending_the_tenant_ends_sessions_with_and_without_certificate(stage: Stage) -> None:
    async with connected_with_password(stage) as client, stage.device("pump") as device:
        await device.connect("pump")
        async with stage.platform.database.transaction() as tx:
            await tenants.update(tx, stage.platform, TENANT, TenantChange(status=TenantStatus.SUSPENDED))
        assert await client.receive_until_end() == []
        assert await device.receive_until_end() == []


async def test_deleting_the_tenant_ends_its_sessions(stage: Stage) -> None:
    async with connected_with_password(stage) as client, stage.device("pump") as device:
        await device.connect("pump")
        async with stage.platform.database.transaction() as tx:
            await tenants.delete(tx, stage.platform, TENANT)
        assert await client.receive_until_end() == []
        assert await device.receive_until_end() == []
