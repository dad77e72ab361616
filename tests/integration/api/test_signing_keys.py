"""Keys that sign tokens come and go, by command and by schedule, and every node follows."""

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from certinel.services.authentication import bearer_of
from certinel.services.key_rotation import KeySchedule
from certinel.services.platform import Platform
from certinel.services.secrets import Sealer
from certinel.services.signing_keys import SigningAlgorithm, TokenRefusedError
from integration.api.conftest import BASE_URL, ON_ONE_ENGINE, Device, Site
from support.platforms import SEALING_KEY, started_platform

PATH = "/certinel/signingKeys"
USER = "/user/currentUser"


async def rotated(site: Site) -> str:
    response = await site.operator.post(PATH)
    assert response.status_code == 201, response.text
    return response.headers["location"].rpartition("/")[2]


async def published(site: Site) -> list[str]:
    return [key["kid"] for key in (await site.nobody.get("/.well-known/jwks.json")).json()["keys"]]


async def listed(site: Site) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = (await site.operator.get(PATH)).json()["signingKeys"]
    return keys


async def token_of(site: Site) -> str:
    form = {"username": "admin", "password": "correct horse battery staple"}
    answer = await site.nobody.post("/tenant/oauth/token?tenant_id=t1000", data=form)
    return str(answer.json()["access_token"])


async def status_with(site: Site, token: str) -> int:
    return (await site.client(authorization=f"Bearer {token}").get(USER)).status_code


def header_of(token: str) -> dict[str, str]:
    header: dict[str, str] = json.loads(urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))
    return header


def kid_of(token: str) -> str:
    return header_of(token)["kid"]


async def another_node(site: Site) -> Platform:
    platform, options = site.platform, site.platform.options
    return await Platform.load(platform.database, site.clock, Sealer(SEALING_KEY), platform.passwords, options)


async def test_new_key_signs_at_once_and_the_old_one_goes_after_the_overlap(site: Site, device: Device) -> None:
    old = await token_of(site)
    site.clock.move(timedelta(hours=1))
    kid = await rotated(site)
    new = await token_of(site)
    assert (kid_of(new), kid_of(old) != kid) == (kid, True)
    assert [await status_with(site, token) for token in (old, new)] == [200, 200]
    assert set(await published(site)) == {kid_of(old), kid}
    newest, oldest = await listed(site)
    assert (newest["id"], newest["current"], newest["self"]) == (kid, True, f"{BASE_URL}{PATH}/{kid}")
    assert (oldest["id"], oldest["current"], oldest["endTime"]) == (kid_of(old), False, "2026-12-23T10:00:00.000Z")
    site.clock.move(timedelta(days=30))
    await site.platform.keys.keep()
    assert await published(site) == [kid]


async def test_withdrawn_key_takes_what_it_signed_with_it(site: Site, device: Device) -> None:
    assert (await device.client.get(USER)).status_code == 200
    site.clock.move(timedelta(seconds=1))
    await rotated(site)
    response = await site.operator.delete(f"{PATH}/{kid_of(device.token)}")
    assert response.status_code == 204
    assert (await device.client.get(USER)).status_code == 401
    assert kid_of(device.token) not in await published(site)
    assert (await site.operator.delete(f"{PATH}/{kid_of(device.token)}")).status_code == 404


async def test_key_that_signs_now_cannot_be_withdrawn(site: Site) -> None:
    (kid,) = await published(site)
    response = await site.operator.delete(f"{PATH}/{kid}")
    assert (response.status_code, PATH in response.json()["message"]) == (409, True)


async def test_keys_are_made_by_schedule(site: Site) -> None:
    (first,) = await published(site)
    site.clock.move(timedelta(days=90) - timedelta(seconds=1))
    await site.platform.keys.keep()
    assert await published(site) == [first]
    site.clock.move(timedelta(seconds=1))
    await site.platform.keys.keep()
    assert len(await published(site)) == 2
    await site.platform.keys.keep()
    assert len(await published(site)) == 2


async def test_node_takes_tokens_of_a_key_that_another_node_has_just_made(site: Site) -> None:
    other = await another_node(site)
    await rotated(site)
    token = await token_of(site)
    assert (await bearer_of(other, token)).principal.user_name == "admin"


async def test_tokens_of_keys_that_nobody_has_make_a_node_look_once_a_second_at_most(site: Site) -> None:
    assert await site.platform.keys.look_for_unknown()
    assert not await site.platform.keys.look_for_unknown()


async def test_node_learns_of_a_withdrawn_key_when_it_looks_again(site: Site, device: Device) -> None:
    other = await another_node(site)
    assert (await bearer_of(other, device.token)).principal.user_name == device.user_name
    await rotated(site)
    await site.operator.delete(f"{PATH}/{kid_of(device.token)}")
    await other.keys.keep()
    with pytest.raises(TokenRefusedError):
        await bearer_of(other, device.token)


async def test_rs256_by_setting_signs_from_then_on_and_es256_stays_valid(site: Site) -> None:
    old = await token_of(site)
    options = replace(site.platform.options, keys=KeySchedule(algorithm=SigningAlgorithm.RS256))
    platform = await started_platform(site.platform.database, site.clock, options)
    claims = (await bearer_of(platform, old)).user_token
    assert claims is not None
    assert header_of(platform.tokens.sign_user_token(claims))["alg"] == "RS256"
    assert {key["alg"] for key in (await site.nobody.get("/.well-known/jwks.json")).json()["keys"]} == {
        "ES256",
        "RS256",
    }


@ON_ONE_ENGINE
async def test_only_the_operator_sees_and_changes_keys(site: Site) -> None:
    for method in ("GET", "POST"):
        assert (await site.admin.request(method, PATH)).status_code == 403


async def test_making_and_withdrawing_a_key_is_in_the_audit_log(site: Site) -> None:
    (first,) = await published(site)
    await rotated(site)
    await site.operator.delete(f"{PATH}/{first}")
    records = (await site.operator.get(f"/audit/auditRecords?source={first}")).json()["auditRecords"]
    assert [(record["activity"], record["user"]) for record in records] == [
        ("Signing key for device tokens withdrawn.", "admin"),
        ("Signing key for device tokens made.", "system"),
    ]
