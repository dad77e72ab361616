"""Every way to fail is told in the same words by the services, over REST and, as far as is told there, in MQTT."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from certinel.api.app import create_app
from certinel.domain.chain_alone import own_client_id
from certinel.domain.errors import STRANGER_SENTENCE, Code, Refusal
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.domain.pem import armoured
from certinel.gateway.gateway import Gateway
from certinel.gateway.limits import ListenerOptions
from certinel.gateway.surroundings import GatewayOptions
from certinel.gateway.tls import ServerTls, TlsOptions
from certinel.mqtt import Connect, ProtocolVersion
from certinel.mqtt.limits import DEFAULT_LIMITS
from certinel.mqtt.packets import Connack
from certinel.services.explanation import ChainQuestion, explain
from integration.explanation.conftest import SceneMaker
from support.house import issue
from support.platforms import ADMIN_PASSWORD
from support.scene import OURS, THEIRS, Scene
from support.ways_to_fail import WAYS, Failing, WayToFail
from support.wire_device import WireDevice

every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)


def seen_by(viewer: TenantId, scene: Scene, failing: Failing) -> Refusal:
    # nobody but the management tenant and the tenant itself may say that a device names it
    tenant = failing.tenant if viewer != THEIRS else None
    question = ChainQuestion(presented=failing.presented, client_id=failing.client_id, tenant=tenant)
    verdict = explain(scene.platform, question, viewer).verdict
    assert isinstance(verdict, Refusal)
    return verdict


def test_there_are_enough_ways() -> None:
    assert len(WAYS) >= 40


@every_way
async def test_owner_and_operator_are_told_what_is_wrong_and_what_to_do(make_scene: SceneMaker, way: WayToFail) -> None:
    scene = await make_scene(require_proof=way.require_proof)
    failing = await way.arrange(scene)
    refusal = seen_by(OURS, scene, failing)
    assert (refusal.code, refusal.certificate, refusal.sentence, refusal.remedy) == (
        way.code,
        way.index,
        way.sentence,
        way.remedy,
    )
    operators = seen_by(MANAGEMENT_TENANT, scene, failing)
    assert (operators.code, operators.certificate, operators.told_code) == (way.code, way.index, way.told)


@every_way
async def test_another_tenant_reads_nothing_of_it(make_scene: SceneMaker, way: WayToFail) -> None:
    if way.name == "proven by another tenant":
        pytest.skip("the other tenant is the owner there")
    scene = await make_scene(require_proof=way.require_proof)
    failing = await way.arrange(scene)
    refusal = seen_by(THEIRS, scene, failing)
    assert refusal.code is way.seen_by_others
    if refusal.code is Code.UNKNOWN_ISSUER:
        assert OURS not in refusal.sentence
        assert refusal.tenant is None
        assert refusal.certificate == 0


def client(scene: Scene, tenant: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_app(scene.platform))
    return httpx.AsyncClient(
        transport=transport, base_url="https://iot.example.org", auth=(f"{tenant}/admin", ADMIN_PASSWORD)
    )


@every_way
async def test_rest_explains_the_same(make_scene: SceneMaker, way: WayToFail) -> None:
    if way.code is Code.NO_CERTIFICATE:
        pytest.skip("REST refuses a question without certificates")
    scene = await make_scene(require_proof=way.require_proof)
    failing = await way.arrange(scene)
    question: dict[str, Any] = {"chain": "".join(map(armoured, failing.presented))}
    question |= {} if failing.client_id is None else {"clientId": failing.client_id}
    question |= {} if failing.tenant is None else {"tenant": failing.tenant}
    # its own administrator may not name another tenant; the operator may
    suspended_or_foreign = way.code in {Code.TENANT_SUSPENDED, Code.WRONG_TENANT}
    async with client(scene, MANAGEMENT_TENANT if suspended_or_foreign else OURS) as rest:
        answer = (await rest.post("/certinel/explanations", json=question)).raise_for_status().json()
    assert answer["verdict"] == "REFUSED"
    assert answer["refusal"] == {"code": way.code, "sentence": way.sentence, "remedy": way.remedy}
    failing_indexes = [index for index, link in enumerate(answer["chain"]) if link["failing"]]
    assert failing_indexes == ([] if way.index is None else [way.index])


@every_way
async def test_contracts_short_answer_is_no(make_scene: SceneMaker, way: WayToFail) -> None:
    scene = await make_scene(require_proof=way.require_proof)
    failing = await way.arrange(scene)
    if way.code is Code.TENANT_SUSPENDED or failing.tenant or failing.client_id not in {None, "pump-7"}:
        pytest.skip("its user cannot ask, or the question cannot be put")
    file = "".join(map(armoured, failing.presented)).encode()
    async with client(scene, OURS) as rest:
        answer = await rest.post("/tenant/trusted-certificates/verify-cert-chain", files={"file": file})
    is_unreadable = way.code in {Code.MALFORMED, Code.NO_CERTIFICATE, Code.TOO_MANY_CERTIFICATES}
    if is_unreadable:
        assert (answer.status_code, answer.json()["error"]) == (400, "Device Certificates/Bad Request")
    else:
        assert (answer.status_code, answer.json()["message"]) == (401, "Invalid certificate chain!")


CONNACK_CODES = {Code.CLIENT_ID_MALFORMED: (2, 0x85)}
"""Of version 3.1.1 and of 5.0 (trust.md section 2); all others of these have 5 and 0x87."""

OPTIONS = GatewayOptions(connect_seconds=20.0, idle_seconds=0, limits=DEFAULT_LIMITS)
CLIENT_CANNOT = {"small curve", "foreign curve"}
"""OpenSSL itself offers no signature with these in a handshake."""
CONNECTABLE = [
    way for way in WAYS if way.code not in {Code.NO_CERTIFICATE, Code.MALFORMED} and way.name not in CLIENT_CANNOT
]


@pytest.mark.parametrize("way", CONNECTABLE, ids=lambda way: way.name)
async def test_device_that_connects_is_told_what_a_stranger_may_know(
    make_scene: SceneMaker, way: WayToFail, tmp_path: Path
) -> None:
    scene = await make_scene(require_proof=way.require_proof)
    failing = await way.arrange(scene)
    client_id = failing.client_id if failing.client_id is not None else own_client_id(failing.presented)
    certificate, key = issue("server").write(tmp_path, "server")
    tls = ServerTls(TlsOptions(certificate=certificate, key=key))
    gateway = Gateway(scene.platform, tls, OPTIONS, ListenerOptions())
    await gateway.start("127.0.0.1", 0)
    try:
        told = await connected(failing, client_id, gateway.port, tmp_path, ProtocolVersion.V5)
        bare = await connected(failing, client_id, gateway.port, tmp_path, ProtocolVersion.V3_1_1)
    finally:
        await gateway.stop(5)
    return_code, reason_code = CONNACK_CODES.get(way.code, (5, 0x87))
    assert (told.code, bare.code) == (reason_code, return_code)
    assert (told.properties.reason_string or "").partition(": ")[0] == way.told
    if way.told is Code.UNKNOWN_ISSUER:
        assert told.properties.reason_string == f"{Code.UNKNOWN_ISSUER}: {STRANGER_SENTENCE}"


async def connected(failing: Failing, client_id: str, port: int, folder: Path, version: ProtocolVersion) -> Connack:
    """What the gateway answers to a CONNECT with that chain."""
    assert failing.key is not None
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_text("".join(map(armoured, failing.presented)))
    key.write_text(failing.key.key_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # the client's own library would not load what is weak
    context.load_cert_chain(chain, key)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        device = WireDevice(reader, writer, version)
        await device.send(Connect(client_id, version, user_name=failing.tenant))
        answer, *more = await device.receive_until_end()
        assert isinstance(answer, Connack)
        assert not more
        return answer
    finally:
        writer.transport.abort()
