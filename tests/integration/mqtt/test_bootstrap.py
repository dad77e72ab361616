"""New devices collect their credentials over MQTT with the bootstrap user, and connect with them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from certinel.domain.audit import PLATFORM
from certinel.domain.identifiers import MANAGEMENT_TENANT
from certinel.domain.new_device_request import RequestStatus
from certinel.mqtt.packets import Puback, Publish
from certinel.services import new_device_requests
from certinel.services.new_device_requests import NewDeviceDraft
from certinel.storage import users
from certinel.storage.managed_objects import ManagedObjectFilter, list_of
from certinel.storage.page import PageRequest
from support.platforms import ADMIN_PASSWORD
from support.stage import TENANT, Stage
from support.wire_device import WireDevice, password_client

BOOTSTRAP = f"{MANAGEMENT_TENANT}/devicebootstrap"


@pytest.fixture
def engine_name() -> str:
    """What is stored is tested on both engines over REST."""
    return "sqlite"


@asynccontextmanager
async def new_device(stage: Stage, device: str = "meter-1", *, topic: str = "s/dcr") -> AsyncIterator[WireDevice]:
    """A device that has only the password of the bootstrap user."""
    password_hash = await stage.platform.passwords.hash(ADMIN_PASSWORD)
    async with stage.platform.database.transaction() as tx:
        await users.set_password_hashes(tx, MANAGEMENT_TENANT, {"devicebootstrap": password_hash})
    async with password_client(stage.gateway.port) as client:
        assert (await client.connect(device, user_name=BOOTSTRAP, password=ADMIN_PASSWORD)).code == 0
        await client.subscribe(topic, qos=0)
        yield client


async def expect(stage: Stage, device: str = "meter-1") -> None:
    async with stage.platform.database.transaction() as tx:
        await new_device_requests.create(tx, stage.platform, TENANT, NewDeviceDraft(device=device), PLATFORM)


async def accept(stage: Stage, token: str | None = None) -> None:
    await new_device_requests.accept(stage.platform, TENANT, "meter-1", token, PLATFORM)


async def status_of(stage: Stage) -> RequestStatus:
    async with stage.platform.database.reading() as tx:
        return (await new_device_requests.get(tx, TENANT, "meter-1")).status


async def credentials_for(client: WireDevice, token: str = "") -> list[str]:
    """Ask once more, and return the fields of the answer."""
    await client.send(Publish("s/ucr", token.encode(), qos=0))
    answer = await client.receive()
    assert isinstance(answer, Publish)
    assert answer.topic == "s/dcr"
    return answer.payload.decode().split(",")


async def test_device_collects_its_credentials_and_connects_with_them(stage: Stage) -> None:
    await expect(stage)
    async with new_device(stage) as client:
        await client.publish("", topic="s/ucr")
        await accept(stage)
        message_id, tenant, user, password = await credentials_for(client)
    assert (message_id, tenant, user) == ("70", TENANT, "device_meter-1")
    async with password_client(stage.gateway.port) as device:
        assert (await device.connect("meter-1", user_name=f"{TENANT}/{user}", password=password)).code == 0
        await device.publish("200,c8y_Temperature,T,21,C")


async def test_payload_is_the_security_token(stage: Stage) -> None:
    await expect(stage)
    async with new_device(stage) as client:
        await client.publish("4711", topic="s/ucr")
        await accept(stage, "4711")
        await client.publish("0815", topic="s/ucr")
        assert (await credentials_for(client, "4711"))[0] == "70"


async def test_device_that_does_not_listen_collects_nothing(stage: Stage) -> None:
    await expect(stage)
    async with new_device(stage, topic="s/e") as client:
        await client.publish("", topic="s/ucr")
    assert await status_of(stage) is RequestStatus.WAITING_FOR_CONNECTION


async def test_new_device_can_do_nothing_else(stage: Stage) -> None:
    async with new_device(stage, topic="s/e") as client:
        for topic in ("s/us", "s/uat", "t/us"):
            await client.send(Publish(topic, b"100,Meter,meter", qos=1, packet_id=1))
            answers = [await client.receive(), await client.receive()]
            (told,) = [answer for answer in answers if isinstance(answer, Publish)]
            assert b"no credentials of its own yet" in told.payload
            assert any(isinstance(answer, Puback) for answer in answers)
    async with stage.platform.database.reading() as tx:
        assert (await list_of(tx, MANAGEMENT_TENANT, ManagedObjectFilter(), PageRequest())).items == ()


async def test_device_with_credentials_of_its_own_polls_for_none(stage: Stage) -> None:
    async with stage.device("pump") as device:
        await device.connect("pump")
        await device.subscribe("s/e", qos=0)
        await device.send(Publish("s/ucr", b"", qos=0))
        answer = await device.receive()
        assert isinstance(answer, Publish)
        assert b"bootstrap user only" in answer.payload


async def test_device_that_is_registered_again_loses_the_session_it_began_with_the_old_password(stage: Stage) -> None:
    passwords = []
    for _ in range(2):
        await expect(stage)
        async with new_device(stage) as client:
            await client.publish("", topic="s/ucr")
            await accept(stage)
            if not passwords:
                passwords.append((await credentials_for(client))[3])
                continue
            async with password_client(stage.gateway.port) as device:
                await device.connect("meter-1", user_name=f"{TENANT}/device_meter-1", password=passwords[0])
                await credentials_for(client)
                assert await device.receive_until_end() == []
