"""Options of a tenant and of the system."""

from datetime import timedelta
from typing import Any

import pytest

from integration.api.conftest import BASE_URL, Device, Site
from support.platforms import ADMIN_PASSWORD

LIFETIME = "/tenant/options/oauth.internal/device-token.lifespan.seconds"


async def test_lifetime_of_device_tokens_is_set_as_in_the_contract(site: Site) -> None:
    response = await site.admin.put(LIFETIME, json={"value": "600"})
    assert response.status_code == 200
    assert response.json() == {
        "category": "oauth.internal",
        "key": "device-token.lifespan.seconds",
        "value": "600",
        "self": f"{BASE_URL}{LIFETIME}",
    }


@pytest.mark.parametrize("value", ["299", "0", "-1", "x", ""])
async def test_lifetime_below_the_minimum_is_unprocessable(site: Site, value: str) -> None:
    response = await site.admin.put(LIFETIME, json={"value": value})
    assert (response.status_code, response.json()["error"]) == (422, "options/Unprocessable Entity")


async def test_creating_answers_200_and_the_option(site: Site) -> None:
    body = {"category": "configuration", "key": "a.b", "value": "c"}
    response = await site.admin.post("/tenant/options", json=body)
    assert response.status_code == 200
    assert response.json() == {**body, "self": f"{BASE_URL}/tenant/options/configuration/a.b"}


async def test_option_that_is_not_set_is_not_found(site: Site) -> None:
    response = await site.admin.get("/tenant/options/a/b")
    assert response.status_code == 404
    assert (response.json()["error"], response.json()["message"]) == (
        "options/Not Found",
        "Unable to find option by given key: a/b",
    )


@pytest.mark.parametrize(("sent", "stored"), [(True, "true"), (False, "false"), (7, "7"), (0.5, "0.5"), ("x", "x")])
async def test_put_makes_the_option_and_keeps_text(site: Site, sent: object, stored: str) -> None:
    body = {"category": "configuration", "key": "any.key", "value": sent}
    response = await site.admin.put("/tenant/options/configuration/any.key", json=body)
    assert (response.status_code, response.json()["value"]) == (200, stored)
    read = await site.admin.get("/tenant/options/configuration/any.key?evaluate=current")
    assert read.json()["value"] == stored


@pytest.mark.parametrize("value", [None, {}, [], {"a": 1}])
async def test_value_that_is_no_text_is_unprocessable(site: Site, value: Any) -> None:
    response = await site.admin.put("/tenant/options/a/b", json={"value": value})
    assert response.status_code == 422


async def test_category_is_a_flat_object(site: Site) -> None:
    written = await site.admin.put("/tenant/options/cat", json={"a": "1", "b": True})
    await site.admin.put("/tenant/options/cat", json={"c": 3})
    read = await site.admin.get("/tenant/options/cat")
    assert (written.status_code, written.json()) == (200, {"a": "1", "b": "true"})
    assert read.json() == {"a": "1", "b": "true", "c": "3"}


async def test_category_with_one_fault_is_not_written_at_all(site: Site) -> None:
    await site.admin.put("/tenant/options/oauth.internal", json={"a": "1", "device-token.lifespan.seconds": "1"})
    assert (await site.admin.get("/tenant/options/oauth.internal")).json() == {}


async def test_category_nobody_used_is_empty(site: Site) -> None:
    response = await site.admin.get("/tenant/options/nothing")
    assert (response.status_code, response.json()) == (200, {})


@pytest.mark.parametrize("category", ["a%20b", "a%2Fb", "a%3Fb"])
async def test_category_with_reserved_characters_is_unprocessable(site: Site, category: str) -> None:
    assert (await site.admin.put(f"/tenant/options/{category}/k", json={"value": "v"})).status_code == 422
    assert (await site.admin.get(f"/tenant/options/{category}/k")).status_code == 404


async def test_list_is_a_paged_collection(site: Site) -> None:
    await site.admin.put("/tenant/options/cat", json={"a": "1", "b": "2", "c": "3"})
    page = (await site.admin.get("/tenant/options?pageSize=2&withTotalPages=True")).json()
    assert [option["key"] for option in page["options"]] == ["a", "b"]
    assert page["statistics"] == {"currentPage": 1, "pageSize": 2, "totalPages": 2}


async def test_secret_is_written_and_never_read(site: Site) -> None:
    url = "/tenant/options/cat/credentials.key"
    written = await site.admin.put(url, json={"value": "s3cret"})
    answers = [written, await site.admin.get(url), await site.admin.get("/tenant/options/cat")]
    assert all("s3cret" not in answer.text and "<<Encrypted>>" in answer.text for answer in answers)


async def test_deleted_option_is_gone(site: Site) -> None:
    await site.admin.put("/tenant/options/cat/a", json={"value": "1"})
    assert (await site.admin.delete("/tenant/options/cat/a")).status_code == 204
    assert (await site.admin.delete("/tenant/options/cat/a")).status_code == 404


async def test_tenants_do_not_see_each_others_options(site: Site) -> None:
    await site.admin.put("/tenant/options/cat/a", json={"value": "1"})
    stranger = await site.stranger()
    assert (await stranger.get("/tenant/options/cat/a")).status_code == 404


async def test_option_is_answered_in_its_vendor_type(site: Site) -> None:
    accept = "application/vnd.com.nsn.cumulocity.option+json"
    response = await site.admin.put(LIFETIME, json={"value": "600"}, headers={"accept": accept})
    assert response.headers["content-type"] == f"{accept};ver=0.9;charset=UTF-8"


async def test_shared_truststore_is_reported_as_text(site: Site, device: Device) -> None:
    for client in (site.admin, device.client):
        response = await client.get("/tenant/system/options/ssl/shared-truststore.enabled")
        assert response.json() == {"category": "ssl", "key": "shared-truststore.enabled", "value": "true"}


async def test_system_options_are_listed(site: Site) -> None:
    options = (await site.admin.get("/tenant/system/options")).json()["options"]
    assert {"category": "ssl", "key": "shared-truststore.enabled", "value": "true"} in options


async def test_unknown_system_option_is_not_found(site: Site) -> None:
    assert (await site.admin.get("/tenant/system/options/ssl/nothing")).status_code == 404


async def test_lifetime_that_the_operator_sets_holds_for_the_next_token_of_every_tenant(site: Site) -> None:
    await site.operator.put("/tenant/options/oauth.internal/body-token.lifespan.seconds", json={"value": "600"})
    path = "/tenant/options/oauth.internal/body-token.lifespan.seconds"
    assert (await site.admin.get(path)).json()["value"] == "600"
    assert (await site.admin.get(f"{path}?evaluate=inherited")).json()["value"] == "600"
    assert (await site.admin.get(f"{path}?evaluate=current")).status_code == 404
    form = {"username": "admin", "password": ADMIN_PASSWORD}
    token = (await site.nobody.post("/tenant/oauth/token?tenant_id=t1000", data=form)).json()["access_token"]
    client = site.client(authorization=f"Bearer {token}")
    assert (await client.get("/user/currentUser")).status_code == 200
    site.clock.move(timedelta(seconds=600))
    assert (await client.get("/user/currentUser")).status_code == 401


async def test_option_that_the_operator_has_fixed_is_not_changed(site: Site) -> None:
    await site.admin.put("/tenant/options/cat/a", json={"value": "1"})
    fixed = await site.operator.put("/tenant/options/cat/a/editable?targetTenant=t1000", json={"editable": False})
    assert (fixed.status_code, fixed.json()["value"]) == (200, "1")
    for method in ("PUT", "DELETE"):
        response = await site.admin.request(method, "/tenant/options/cat/a", json={"value": "2"})
        assert (response.status_code, "not editable" in response.json()["message"]) == (403, True)
    await site.operator.put("/tenant/options/cat/a/editable?targetTenant=t1000", json={"editable": True})
    assert (await site.admin.put("/tenant/options/cat/a", json={"value": "2"})).status_code == 200


@pytest.mark.parametrize("tenant", ["t1000", "t9999"])
async def test_option_that_is_not_there_cannot_be_fixed(site: Site, tenant: str) -> None:
    path = f"/tenant/options/cat/a/editable?targetTenant={tenant}"
    assert (await site.operator.put(path, json={"editable": False})).status_code == 404
    assert (await site.admin.put(path, json={"editable": False})).status_code == 403


async def test_settings_of_the_platform_are_read_by_its_operator_only(site: Site) -> None:
    path = "/tenant/system/options/trust/max_chain_length"
    assert (await site.operator.get(path)).json() == {"category": "trust", "key": "max_chain_length", "value": "2"}
    assert (await site.admin.get(path)).status_code == 404
    listed = {
        (one["category"], one["key"]) for one in (await site.operator.get("/tenant/system/options")).json()["options"]
    }
    assert {("trust", "require_proof"), ("token", "algorithm"), ("token", "key_lifetime_days")} <= listed
