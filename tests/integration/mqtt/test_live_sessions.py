"""Sessions that are up: what ends them, and what must not."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from certinel.domain.errors import Code
from certinel.domain.identifiers import MANAGEMENT_TENANT, DeviceId
from certinel.domain.managed_object import SERIAL, ExternalId
from certinel.domain.trusted_certificate import TrustStatus
from certinel.mqtt import ProtocolVersion, ReasonCode, Will
from certinel.mqtt.packets import Disconnect, Pingreq, Pingresp, Puback, Publish
from certinel.services import connection_attempts, devices, trusted_certificates, users
from certinel.services.platform import PlatformOptions
from certinel.services.trusted_certificates import Change
from certinel.storage import external_ids, managed_objects
from certinel.storage.connection_attempts import AttemptFilter
from certinel.storage.managed_objects import NewManagedObject
from certinel.storage.page import PageRequest
from support.certificates import AT, VALID, root_authority
from support.stage import TENANT, Stage, StageMaker
from support.wire_device import PATIENCE_SECONDS, ConnectionEnded, WireDevice


async def is_alive(device: WireDevice) -> bool:
    await device.send(Pingreq())
    try:
        return isinstance(await device.receive(), Pingresp)
    except ConnectionEnded:
        return False


@pytest.fixture
def without_garbage_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_garbage_collection")
async def test_connection_that_has_ended_is_not_kept_in_memory(stage: Stage) -> None:
    forgotten = asyncio.Event()
    async with stage.device("pump") as device:
        await device.connect("pump")
        (connection,) = stage.gateway._sessions.of_tenant(TENANT)
        weakref.finalize(connection, forgotten.set)
        del connection
    async with asyncio.timeout(PATIENCE_SECONDS):
        await forgotten.wait()


async def test_disabling_a_ca_ends_the_sessions_of_its_devices(stage: Stage) -> None:
    async with stage.device("pump") as device:
        await device.connect("pump")
        await stage.change(Change(status=TrustStatus.DISABLED))
        assert await device.receive_until_end() == []


async def test_sessions_of_another_ca_go_on_when_one_is_disabled(stage: Stage) -> None:
    second = root_authority("Second plant CA")
    await stage.upload(second)
    async with stage.device("press", issued=second.device("press")) as device:
        await device.connect("press")
        await stage.change(Change(status=TrustStatus.DISABLED))
        assert await is_alive(device)


async def test_client_of_version_5_is_told_that_its_right_was_withdrawn(stage: Stage) -> None:
    async with stage.device("pump", version=ProtocolVersion.V5) as device:
        await device.connect("pump")
        await stage.change(Change(status=TrustStatus.DISABLED))
        (farewell,) = await device.receive_until_end()
        assert isinstance(farewell, Disconnect)
        assert farewell.reason is ReasonCode.NOT_AUTHORIZED
        assert farewell.properties.reason_string is not None
        assert farewell.properties.reason_string.startswith("chain/unknown-issuer")


async def test_deleting_a_ca_ends_the_sessions_of_its_devices(stage: Stage) -> None:
    async with stage.device("pump") as device:
        await device.connect("pump")
        async with stage.platform.database.transaction() as tx:
            await trusted_certificates.delete(tx, stage.platform, TENANT, stage.fingerprint)
        assert await device.receive_until_end() == []


async def test_renaming_a_ca_ends_no_session(stage: Stage) -> None:
    async with stage.device("pump") as device:
        await device.connect("pump")
        await stage.change(Change(name="another name"))
        assert await is_alive(device)


async def test_switching_auto_registration_off_keeps_registered_devices_connected(stage: Stage) -> None:
    async with stage.device("pump") as device:
        await device.connect("pump")
        await stage.change(Change(auto_registration=False))
        assert await is_alive(device)


async def test_disabling_the_device_user_ends_its_session(stage: Stage) -> None:
    async with stage.device("pump") as device, stage.device("press") as other:
        await device.connect("pump")
        await other.connect("press")
        async with stage.platform.database.transaction() as tx:
            await users.set_enabled(tx, stage.platform, TENANT, "device_pump", is_enabled=False)
        assert await device.receive_until_end() == []
        assert await is_alive(other)


async def test_end_of_the_certificate_ends_the_session(stage: Stage) -> None:
    issued = stage.root.device("pump", valid=(VALID[0], stage.clock.now() + timedelta(hours=1)))
    async with stage.device("pump", issued=issued) as device:
        await device.connect("pump")
        stage.clock.move(timedelta(hours=1, seconds=1))
        assert await device.receive_until_end() == []


async def test_session_that_outlived_its_ca_by_a_renewed_one_ends_with_the_device_certificate(stage: Stage) -> None:
    in_an_hour, in_two_hours = (stage.clock.now() + timedelta(hours=hours) for hours in (1, 2))
    ending = root_authority("Second plant CA", valid=(VALID[0], in_an_hour))
    await stage.upload(ending)
    await stage.upload(ending.renewed(valid=VALID))
    pump = ending.device("pump", valid=(VALID[0], in_two_hours))
    press = stage.root.device("press", valid=(VALID[0], in_an_hour))
    async with stage.device("pump", issued=pump) as device, stage.device("press", issued=press) as ending_first:
        await device.connect("pump")
        await ending_first.connect("press")
        stage.clock.set(in_an_hour + timedelta(seconds=1))
        assert await ending_first.receive_until_end() == []
        assert await is_alive(device)
        stage.clock.set(in_two_hours + timedelta(seconds=1))
        assert await device.receive_until_end() == []


async def test_session_that_goes_on_by_another_certificate_ends_with_that_one(stage: Stage) -> None:
    in_an_hour = stage.clock.now() + timedelta(hours=1)
    await stage.upload(stage.root.renewed(valid=(VALID[0], in_an_hour)))
    async with stage.device("pump") as device:
        await device.connect("pump")
        await stage.change(Change(status=TrustStatus.DISABLED))
        assert await is_alive(device)
        stage.clock.set(in_an_hour + timedelta(seconds=1))
        assert await device.receive_until_end() == []


async def test_silence_beyond_the_keep_alive_ends_the_session(stage: Stage) -> None:
    async with stage.device("pump", version=ProtocolVersion.V5) as device:
        await device.connect("pump", keep_alive=1)
        (farewell,) = await device.receive_until_end()
        assert isinstance(farewell, Disconnect)
        assert farewell.reason is ReasonCode.KEEP_ALIVE_TIMEOUT


async def test_client_that_never_says_connect_is_dropped(make_stage: StageMaker) -> None:
    stage = await make_stage(connect_seconds=0.2)
    async with stage.device("pump") as device:
        with pytest.raises(ConnectionEnded):
            await device.receive()


async def test_will_of_a_device_that_lost_its_right_is_not_carried_out(stage: Stage) -> None:
    async with stage.device("pump") as device:
        await device.connect("pump", will=Will("s/us", b"100,from the grave"))
        await stage.change(Change(status=TrustStatus.DISABLED))
        await device.receive_until_end()
    await stage.gateway.stop(5)
    async with stage.platform.database.reading() as tx:
        assert await external_ids.get(tx, TENANT, SERIAL, "pump") is None


async def test_stopping_tells_clients_of_version_5(stage: Stage) -> None:
    async with stage.device("pump", version=ProtocolVersion.V5) as device:
        await device.connect("pump")
        await stage.gateway.stop(5)
        (farewell,) = await device.receive_until_end()
        assert isinstance(farewell, Disconnect)
        assert farewell.reason is ReasonCode.SERVER_SHUTTING_DOWN


async def test_what_is_in_flight_when_the_node_stops_is_stored_and_acknowledged(stage: Stage) -> None:
    async with stage.device("pump") as device:
        await device.connect("pump")
        await device.send(*(Publish("s/us", b"211,%d" % n, qos=1, packet_id=n) for n in range(1, 21)))
        first = await device.receive()
        await stage.gateway.stop(5)
        acknowledged = [first, *await device.receive_until_end()]
    async with stage.platform.database.reading() as tx:
        stored = (await tx.execute(text("select count(*) from measurement"))).scalar_one()
    assert 0 < len(acknowledged) <= stored


async def test_publish_outside_the_contract_ends_the_connection(stage: Stage) -> None:
    async with stage.device("pump", version=ProtocolVersion.V5) as device:
        await device.connect("pump")
        await device.send(Publish("somewhere/else", b"x", qos=1, packet_id=1))
        (farewell,) = await device.receive_until_end()
        assert isinstance(farewell, Disconnect)
        assert farewell.reason is ReasonCode.TOPIC_NAME_INVALID


async def test_publishes_beyond_what_is_taken_at_once_are_all_acknowledged_in_order(make_stage: StageMaker) -> None:
    stage = await make_stage(receive_maximum=4)
    async with stage.device("pump") as device:
        await device.connect("pump")
        await device.send(*(Publish("s/us", b"211,%d" % n, qos=1, packet_id=n) for n in range(1, 201)))
        acknowledged = [(await device.receive()).packet_id for _ in range(200)]  # type: ignore[union-attr]
        assert acknowledged == list(range(1, 201))


async def test_registered_device_connects_without_waiting_for_the_database(stage: Stage) -> None:
    async with stage.device("pump") as device:
        await device.connect("pump")
    assert stage.platform.trust.device_user(TENANT, DeviceId("pump")).value == "enabled"


async def test_proven_possession_of_another_tenant_ends_sessions_of_an_unproven_copy(stage: Stage) -> None:
    async with stage.device("pump") as device:
        await device.connect("pump")
        await stage.upload(stage.root, tenant=MANAGEMENT_TENANT)
        assert await is_alive(device)
        await stage.prove(MANAGEMENT_TENANT)
        assert await device.receive_until_end() == []


async def test_session_ends_when_the_claim_of_a_deleted_certificate_has_ended_and_another_comes_first(
    stage: Stage,
) -> None:
    await stage.prove(TENANT)
    async with stage.platform.database.transaction() as tx:
        await trusted_certificates.delete(tx, stage.platform, TENANT, stage.fingerprint)
    await stage.upload(stage.root, tenant=MANAGEMENT_TENANT)
    await stage.prove(MANAGEMENT_TENANT)
    await stage.upload(stage.root)  # unproven, and its devices are admitted by what is left of the first one
    async with stage.device("pump") as device:
        assert (await device.connect("pump", user_name=TENANT)).code == 0
        stage.clock.move(timedelta(days=29))
        assert await is_alive(device)
        stage.clock.move(timedelta(days=1))
        assert await device.receive_until_end() == []


async def test_packet_full_of_wrong_rows_gets_a_few_error_lines_and_their_number(stage: Stage) -> None:
    async with stage.device("pump") as device:
        await device.connect("pump")
        await device.subscribe("s/e", qos=0)
        await device.send(Publish("s/us", b"999\n" * 3000, qos=1, packet_id=1))
        lines = []
        while not isinstance(packet := await device.receive(), Puback):
            assert isinstance(packet, Publish)
            lines.append(packet.payload.decode())
        assert lines == ["40,999,No static template for this message id"] * 20 + [
            "50,,2980 more rows were not carried out"
        ]


async def until_stale(stage: Stage, *, is_stale: bool = True) -> None:
    async with asyncio.timeout(20):
        while stage.platform.trust_keeper.is_stale is not is_stale:  # noqa: ASYNC110 - time passes without an event
            await asyncio.sleep(0.02)


async def test_node_that_cannot_confirm_its_trust_refuses_new_connections_and_keeps_live_ones(
    make_stage: StageMaker,
) -> None:
    stage = await make_stage(platform_options=PlatformOptions(max_staleness=timedelta(seconds=2)))
    await stage.platform.trust_keeper.load()
    async with stage.device("pump") as device, stage.device("press") as late:
        assert (await device.connect("pump")).code == 0
        await until_stale(stage)
        assert (await late.connect("press")).code == 3
        assert await is_alive(device)


async def test_node_that_can_confirm_its_trust_again_admits_again(make_stage: StageMaker) -> None:
    stage = await make_stage(platform_options=PlatformOptions(max_staleness=timedelta(seconds=0.2)))
    await until_stale(stage)
    keeping = asyncio.create_task(stage.platform.trust_keeper.run())
    await until_stale(stage, is_stale=False)
    keeping.cancel()


async def test_node_whose_database_fails_does_not_confirm_its_trust(make_stage: StageMaker) -> None:
    stage = await make_stage(platform_options=PlatformOptions(max_staleness=timedelta(seconds=0.2)))
    async with stage.platform.database.transaction() as tx:
        await tx.execute(text("ALTER TABLE tenant RENAME TO away"))
    keeping = asyncio.create_task(stage.platform.trust_keeper.run())
    await until_stale(stage)
    async with stage.device("pump", version=ProtocolVersion.V5) as device:
        answer = await device.connect("pump")
        assert answer.code == ReasonCode.SERVER_UNAVAILABLE
        assert (answer.properties.reason_string or "").startswith("trust/stale-node")
    keeping.cancel()
    async with stage.platform.database.transaction() as tx:
        await tx.execute(text("ALTER TABLE away RENAME TO tenant"))


async def test_device_is_shown_as_connected_and_then_as_seen(stage: Stage) -> None:
    platform = stage.platform
    async with stage.device("pump") as device:
        await device.connect("pump")
        await platform.device_sightings.flush()
        async with platform.database.reading() as tx:
            shown = await devices.get(tx, platform, TENANT, "pump")
        assert (shown.connected_since is not None, shown.certificate is not None) == (True, True)
    async with asyncio.timeout(30):
        while platform.presence.connected(TENANT):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
        await platform.device_sightings.flush()
    async with platform.database.reading() as tx:
        shown = await devices.get(tx, platform, TENANT, "pump")
    assert (shown.connected_since, shown.last_seen_at is not None) == (None, True)


async def test_device_whose_object_is_somebody_elses_is_shown_to_its_tenant_once(stage: Stage) -> None:
    platform = stage.platform
    new = NewManagedObject(tenant=TENANT, name="taken", type=None, owner="anna", created_at=AT, fragments={})
    async with platform.database.transaction() as tx:
        (number,) = await managed_objects.create(tx, [new])
        await external_ids.bind(tx, TENANT, ExternalId(SERIAL, "pump", number))
    async with stage.device("pump") as device:
        await device.connect("pump")
        await device.publish("211,20")
        await device.publish("211,21", packet_id=2)
    await platform.connection_attempts.flush()
    async with platform.database.reading() as tx:
        page = await connection_attempts.list_of(
            tx, TENANT, AttemptFilter(code=Code.OWNER_CONFLICT), PageRequest(page_size=5)
        )
    (attempt,) = page.items
    assert (attempt.count, attempt.device) == (1, "pump")
    assert attempt.sentence == "The external id pump belongs to an object of another owner, anna."
