"""Revocation while devices are connected: who is disconnected, at once, and who is not."""

from datetime import timedelta
from io import BytesIO

import pytest

from certinel.domain.certificate import Certificate
from certinel.domain.revocation import OFFLINE_CHECK, ONLINE_CHECK
from certinel.domain.revocation_entry import RevocationEntry
from certinel.domain.tenant_option import TenantOption
from certinel.domain.trusted_certificate import TrustStatus
from certinel.mqtt import ProtocolVersion
from certinel.mqtt.packets import Pingreq, Pingresp
from certinel.services import authority_lists, revocation, tenant_options
from certinel.services.trusted_certificates import Change
from support.certificates import Issued
from support.revocation_lists import current, revocation_list
from support.stage import TENANT, Stage
from support.wire_device import ConnectionEnded, WireDevice


async def is_alive(device: WireDevice) -> bool:
    await device.send(Pingreq())
    try:
        return isinstance(await device.receive(), Pingresp)
    except ConnectionEnded:
        return False


async def switch(stage: Stage, option: tuple[str, str], value: str = "true") -> None:
    async with stage.platform.database.transaction() as tx:
        await tenant_options.put(tx, stage.platform, TenantOption(TENANT, *option, value))


async def revoke_serial(stage: Stage, issued: Issued) -> None:
    entry = RevocationEntry(serial=issued.certificate.serial_number, revoked_at=stage.clock.now())
    async with stage.platform.database.transaction() as tx:
        await revocation.revoke_serials(tx, stage.platform, TENANT, [entry])


async def upload_list(stage: Stage, *revoked: Issued, number: int = 1) -> int:
    serials = [one.certificate.serial_number for one in revoked]
    der = revocation_list(stage.root, serials, number=number, **current(stage.clock.now()))
    return (await authority_lists.upload(stage.platform, TENANT, BytesIO(der))).id


async def test_session_ends_with_the_revocation_while_the_check_is_on(stage: Stage) -> None:
    pump, press = stage.root.device("pump"), stage.root.device("press")
    await switch(stage, OFFLINE_CHECK)
    async with stage.device("pump", issued=pump) as device, stage.device("press", issued=press) as other:
        await device.connect("pump")
        await other.connect("press")
        await revoke_serial(stage, pump)
        assert await device.receive_until_end() == []
        assert await is_alive(other)


async def test_session_ends_when_the_check_is_switched_on(stage: Stage) -> None:
    pump = stage.root.device("pump")
    async with stage.device("pump", issued=pump) as device:
        await device.connect("pump")
        await revoke_serial(stage, pump)
        assert await is_alive(device)
        await switch(stage, OFFLINE_CHECK)
        assert await device.receive_until_end() == []


async def test_revoked_device_is_refused_and_admitted_with_another_certificate(stage: Stage) -> None:
    pump = stage.root.device("pump")
    await switch(stage, OFFLINE_CHECK)
    await revoke_serial(stage, pump)
    async with stage.device("pump", issued=pump) as device:
        assert (await device.connect("pump")).code == 5
    async with stage.device("pump") as device:
        assert (await device.connect("pump")).code == 0


async def test_exact_revocation_ends_the_session(stage: Stage) -> None:
    pump = stage.root.device("pump")
    await switch(stage, OFFLINE_CHECK)
    async with stage.device("pump", issued=pump) as device:
        await device.connect("pump")
        async with stage.platform.database.transaction() as tx:
            certificate = Certificate.parse(pump.der)
            await revocation.revoke_certificate(tx, stage.platform, TENANT, certificate, stage.clock.now())
        assert await device.receive_until_end() == []


async def test_session_that_goes_on_by_a_renewed_ca_ends_with_the_revocation_of_that_one(stage: Stage) -> None:
    renewed = stage.root.renewed()
    await stage.upload(renewed)
    await switch(stage, OFFLINE_CHECK)
    async with stage.device("pump") as device:
        await device.connect("pump")
        await stage.change(Change(status=TrustStatus.DISABLED))
        assert await is_alive(device)
        await revoke_serial(stage, renewed)
        assert await device.receive_until_end() == []


async def test_list_of_the_ca_ends_the_session_without_any_switch(stage: Stage) -> None:
    pump, press = stage.root.device("pump"), stage.root.device("press")
    async with stage.device("pump", issued=pump) as device, stage.device("press", issued=press) as other:
        await device.connect("pump")
        await other.connect("press")
        await upload_list(stage, pump)
        assert await device.receive_until_end() == []
        assert await is_alive(other)


async def test_online_check_without_a_list_ends_every_session(stage: Stage) -> None:
    async with stage.device("pump") as device:
        await device.connect("pump")
        await switch(stage, ONLINE_CHECK)
        assert await device.receive_until_end() == []


async def test_session_ends_when_the_list_ends_unless_a_newer_one_came(stage: Stage) -> None:
    await upload_list(stage, number=1)
    await switch(stage, ONLINE_CHECK)
    async with stage.device("pump") as device:
        await device.connect("pump")
        stage.clock.move(timedelta(days=6))
        await upload_list(stage, number=2)
        stage.clock.move(timedelta(days=6))
        assert await is_alive(device)
        stage.clock.move(timedelta(days=2))
        assert await device.receive_until_end() == []


async def test_deleting_the_list_ends_sessions_that_need_it(stage: Stage) -> None:
    number = await upload_list(stage)
    await switch(stage, ONLINE_CHECK)
    async with stage.device("pump") as device:
        await device.connect("pump")
        async with stage.platform.database.transaction() as tx:
            await authority_lists.delete(tx, stage.platform, TENANT, number)
        assert await device.receive_until_end() == []


@pytest.mark.parametrize("version", [ProtocolVersion.V5])
async def test_revoked_device_is_not_told_that_it_was_revoked(stage: Stage, version: ProtocolVersion) -> None:
    pump = stage.root.device("pump")
    await switch(stage, OFFLINE_CHECK)
    async with stage.device("pump", issued=pump, version=version) as device:
        await device.connect("pump")
        await revoke_serial(stage, pump)
        (farewell,) = await device.receive_until_end()
        assert "revo" not in str(farewell)
