"""Many who connect at once: who is held up, who is not, and what is said."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from certinel.gateway.buckets import Rate
from certinel.gateway.crowd import CrowdOptions
from certinel.mqtt import Connect, ProtocolVersion, ReasonCode
from certinel.storage.engine import EngineName
from support.certificates import Issued, root_authority
from support.stage import THEIRS, Stage, StageMaker
from support.wire_device import ConnectionEnded, WireDevice

SLOWLY = 0.001
LATER = 3
REFUSED = 5


@pytest.fixture
def engine_name() -> EngineName:
    """Which database it is makes no difference here."""
    return "sqlite"


async def answer(stage: Stage, device: Issued, name: str, **how: str) -> int:
    async with stage.device(name, issued=device, **how) as connected:  # type: ignore[arg-type]
        return (await connected.connect(name)).code


async def test_devices_beyond_their_tenants_share_come_later_and_another_tenants_come_in(
    make_stage: StageMaker,
) -> None:
    stage = await make_stage(crowd_options=CrowdOptions(connects_of_tenant=Rate(SLOWLY, 3)))
    theirs = await stage.with_another_tenant()
    assert [await answer(stage, stage.root.device(f"p{n}"), f"p{n}") for n in range(5)] == [0, 0, 0, LATER, LATER]
    assert await answer(stage, theirs.device("press"), "press") == 0


async def test_device_that_comes_too_early_is_told_so_with_the_reason(make_stage: StageMaker) -> None:
    stage = await make_stage(crowd_options=CrowdOptions(connects_of_tenant=Rate(SLOWLY, 1)))
    pump = stage.root.device("pump")
    assert await answer(stage, pump, "pump") == 0
    async with stage.device("pump", issued=pump, version=ProtocolVersion.V5) as device:
        told = await device.connect("pump")
        assert told.code == ReasonCode.SERVER_UNAVAILABLE
        assert (told.properties.reason_string or "").startswith("overload/try-later: The platform is busy")


async def test_certificates_that_only_look_like_a_tenants_use_up_nothing_of_its_share(make_stage: StageMaker) -> None:
    stage = await make_stage(crowd_options=CrowdOptions(connects_of_tenant=Rate(SLOWLY, 2)))
    look_alike = root_authority("Plant CA", key_identifiers=False)
    for number in range(5):
        assert await answer(stage, look_alike.device(f"x{number}", key_identifiers=False), f"x{number}") == REFUSED
    assert await answer(stage, stage.root.device("pump"), "pump") == 0


async def test_twin_of_a_ca_does_not_draw_its_devices_to_the_share_of_its_own_tenant(make_stage: StageMaker) -> None:
    """Somebody proves a CA of the same name and uses up what is owed to itself: that holds up nobody else."""
    stage = await make_stage(crowd_options=CrowdOptions(connects_of_tenant=Rate(SLOWLY, 2)))
    await stage.with_another_tenant()
    plain = root_authority("Twin", key_identifiers=False)
    twin = root_authority("Twin", key_identifiers=False)
    await stage.upload(plain)
    await stage.upload(twin, tenant=THEIRS)
    for number in range(3):
        await answer(stage, twin.device(f"t{number}", key_identifiers=False), f"t{number}")
    assert await answer(stage, plain.device("pump", key_identifiers=False), "pump") == 0


async def test_stranger_who_names_a_ca_learns_nothing_from_the_storm_of_its_devices(make_stage: StageMaker) -> None:
    """What is told to a stranger depends on nothing that a tenant has uploaded (trust.md section 2)."""
    stage = await make_stage(crowd_options=CrowdOptions(connects_of_tenant=Rate(SLOWLY, 1)))
    pump = stage.root.device("pump")
    assert [await answer(stage, pump, "pump") for _ in range(2)] == [0, LATER]
    look_alike, nobody = root_authority("Plant CA", key_identifiers=False), root_authority("Nobody's CA")
    told = {
        await told_to(stage, authority.device("x", key_identifiers=authority is nobody))
        for authority in (look_alike, nobody)
    }
    assert len(told) == 1
    assert told.pop().startswith("chain/unknown-issuer")
    assert await answer(stage, stage.root.device("new"), "new") == LATER


async def told_to(stage: Stage, device: Issued) -> str:
    async with stage.device("x", issued=device, version=ProtocolVersion.V5) as connected:
        return (await connected.connect("x")).properties.reason_string or ""


async def test_certificate_that_is_refused_again_and_again_is_slowed_and_no_other(make_stage: StageMaker) -> None:
    stage = await make_stage(crowd_options=CrowdOptions(failures_of_certificate=Rate(SLOWLY, 2)))
    stranger = root_authority("Nobody's CA").device("stranger")
    codes = [await answer(stage, stranger, "stranger") for _ in range(4)]
    assert codes == [REFUSED, REFUSED, LATER, LATER]
    assert await answer(stage, stage.root.device("pump"), "pump") == 0


async def test_address_of_many_strangers_is_slowed_and_known_devices_behind_it_are_not(
    make_stage: StageMaker,
) -> None:
    stage = await make_stage(crowd_options=CrowdOptions(failures_of_address=Rate(SLOWLY, 3)))
    pump, nobody = stage.root.device("pump"), root_authority("Nobody's CA")
    assert await answer(stage, pump, "pump") == 0
    codes = [await answer(stage, nobody.device(f"s{n}"), f"s{n}") for n in range(5)]
    assert codes == [REFUSED, REFUSED, REFUSED, LATER, LATER]
    assert await answer(stage, pump, "pump") == 0
    assert await answer(stage, stage.root.device("new"), "new") == LATER
    assert await answer(stage, stage.root.device("new"), "new", source="127.0.0.77") == 0


async def test_connections_without_connect_are_limited_by_address(make_stage: StageMaker) -> None:
    stage = await make_stage(crowd_options=CrowdOptions(max_unsettled_per_address=2))
    pump = stage.root.device("pump")
    async with AsyncExitStack() as open_ones:
        for _ in range(2):
            await open_ones.enter_async_context(stage.device("silent"))
        async with stage.device("pump", issued=pump) as third:
            with pytest.raises((ConnectionEnded, ConnectionError)):
                await third.connect("pump")
        assert await answer(stage, pump, "pump", source="127.0.0.77") == 0
    async with asyncio.timeout(20):
        while await attempted(stage, pump) != 0:
            pass


async def attempted(stage: Stage, device: Issued) -> int | None:
    """The answer, if there is any; the room of those who have gone is found a moment later."""
    try:
        return await answer(stage, device, "pump")
    except (ConnectionEnded, ConnectionError):
        return None


async def test_admitted_sessions_are_not_among_those_without_connect(make_stage: StageMaker) -> None:
    stage = await make_stage(crowd_options=CrowdOptions(max_unsettled=1))
    async with AsyncExitStack() as open_ones:
        for number in range(3):
            device = await open_ones.enter_async_context(stage.device(f"p{number}"))
            assert (await device.connect(f"p{number}")).code == 0


async def test_device_is_answered_before_most_of_another_tenants_storm(stage: Stage) -> None:
    theirs = await stage.with_another_tenant()
    devices = {f"p{number}": stage.root.device(f"p{number}") for number in range(60)} | {
        "press": theirs.device("press")
    }
    for name, issued in devices.items():
        assert await answer(stage, issued, name) == 0
    answered: list[str] = []
    async with AsyncExitStack() as open_ones:
        connected = {
            name: await open_ones.enter_async_context(stage.device(name, issued=issued))
            for name, issued in devices.items()
        }
        for name, device in connected.items():
            await device.send(Connect(name, ProtocolVersion.V3_1_1, keep_alive=60))
        await asyncio.gather(*(heard(device, name, answered) for name, device in connected.items()))
    assert answered.index("press") < len(answered) / 2


async def heard(device: WireDevice, name: str, answered: list[str]) -> None:
    await device.receive()
    answered.append(name)
