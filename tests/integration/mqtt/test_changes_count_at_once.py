"""Each kind of change ends the live session, the token, and the right to connect, and no other device's (section 6)."""

from datetime import timedelta

import pytest

from certinel.domain.admission import ConnectAttempt, TrustPolicy
from certinel.domain.errors import STRANGER_SENTENCE, Code, Refusal
from certinel.mqtt import ProtocolVersion
from certinel.mqtt.packets import Publish
from certinel.services import admission
from certinel.services.authentication import by_token
from certinel.services.platform import PlatformOptions
from certinel.services.signing_keys import TokenRefusedError
from certinel.storage.engine import EngineName
from support.certificates import AT, VALID, root_authority
from support.stage import Stage, StageMaker
from support.trust_changes import (
    CHANGES,
    DEVICE,
    LASTS,
    TrustChange,
    certificate_ran_out,
    deleted,
    device_of,
    proven_by_another_tenant_too,
    stage_with_proof,
)
from support.wire_device import WireDevice


@pytest.fixture
def engine_name() -> EngineName:
    """Which database it is makes no difference here."""
    return "sqlite"


@pytest.fixture
async def stage(make_stage: StageMaker) -> Stage:
    return await stage_with_proof(make_stage)


async def token_of(device: WireDevice) -> str:
    """What a connected device gets on ``s/dat``."""
    await device.subscribe("s/dat", qos=0)
    await device.send(Publish("s/uat", b"", qos=0))
    packet = await device.receive()
    assert isinstance(packet, Publish)
    return packet.payload.decode().removeprefix("71,")


async def is_refused(stage: Stage, token: str) -> bool:
    try:
        await by_token(stage.platform, token)
    except TokenRefusedError:
        return True
    return False


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_change_ends_session_token_and_the_right_to_connect(stage: Stage, change: TrustChange) -> None:
    issued = device_of(stage)
    async with stage.device(DEVICE, issued=issued) as device:
        assert (await device.connect(DEVICE)).code == 0
        token = await token_of(device)
        assert not await is_refused(stage, token)
        await change(stage, issued)
        # a token names its tenant, as a client may by its user name, which decides between several that have proven
        assert await is_refused(stage, token) is (change is not proven_by_another_tenant_too)
        assert not any(isinstance(packet, Publish) for packet in await device.receive_until_end())
    verdict = admission.judge(stage.platform, ConnectAttempt(issued.chain_der, DEVICE))
    assert isinstance(verdict, Refusal)
    assert verdict.code is CHANGES[change]
    async with stage.device(DEVICE, issued=issued, version=ProtocolVersion.V5) as device:
        answer = await device.connect(DEVICE)
    reason = answer.properties.reason_string or ""
    assert answer.code == 0x87
    if change is certificate_ran_out:
        assert reason.startswith(Code.EXPIRED)
    else:
        assert reason == f"{Code.UNKNOWN_ISSUER}: {STRANGER_SENTENCE}"


async def test_renewing_a_ca_with_the_same_key_ends_nothing_not_even_when_the_old_one_goes(stage: Stage) -> None:
    async with stage.device(DEVICE, issued=device_of(stage)) as device:
        assert (await device.connect(DEVICE)).code == 0
        token = await token_of(device)
        await stage.upload(stage.root.renewed())
        await deleted(stage, stage.root)
        await device.publish("211,20")
        assert not await is_refused(stage, token)


@pytest.mark.parametrize(("ends", "code"), [(1, Code.ISSUER_EXPIRED), (2, Code.TRUST_EXPIRED)])
async def test_end_of_a_certificate_above_the_device_ends_the_session_too(
    make_stage: StageMaker, ends: int, code: Code
) -> None:
    stage = await make_stage(platform_options=PlatformOptions(policy=TrustPolicy(max_chain_length=3)))
    lasting = [(VALID[0], AT + LASTS) if index == ends else VALID for index in range(3)]
    root = root_authority("Ending CA", valid=lasting[2])
    await stage.upload(root)
    issued = root.authority("Hall", valid=lasting[1]).device(DEVICE, valid=lasting[0])
    async with stage.device(DEVICE, issued=issued) as device, stage.device("press") as other:
        assert (await device.connect(DEVICE)).code == 0
        assert (await other.connect("press")).code == 0
        stage.clock.move(LASTS + timedelta(seconds=1))
        await device.receive_until_end()
        await other.publish("211,20")
    verdict = admission.judge(stage.platform, ConnectAttempt(issued.chain_der, DEVICE))
    assert isinstance(verdict, Refusal)
    assert verdict.code is code
