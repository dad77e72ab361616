"""The users of a tenant: who may change whom, and what never happens."""

import httpx
import pytest

from certinel.domain.role import ADMINS, BOOTSTRAP, DEVICES, READERS, Role
from integration.api.conftest import BASE_URL, TENANT, Device, Site
from support.platforms import ADMIN_PASSWORD

ALL = f"/user/{TENANT}/users"
GROUPS = f"/user/{TENANT}/groups"
NEW = {"userName": "anna", "password": "a long password"}


def member(name: str) -> dict[str, object]:
    return {"user": {"self": f"{BASE_URL}{ALL}/{name}"}}


async def created(site: Site, group: str | None = None) -> httpx.AsyncClient:
    assert (await site.admin.post(ALL, json=NEW)).status_code == 201
    if group is not None:
        assert (await site.admin.post(f"{GROUPS}/{group}/users", json=member("anna"))).status_code == 201
    return site.person(f"{TENANT}/anna", "a long password")


async def test_new_user_has_a_name_and_no_rights_and_no_visible_password(site: Site) -> None:
    response = await site.admin.post(ALL, json=NEW)
    body = response.json()
    assert response.headers["location"] == body["self"] == f"{BASE_URL}{ALL}/anna"
    assert (body["userName"], body["enabled"], body["groups"]["references"]) == ("anna", True, [])
    assert "password" not in {name for name in body if name != "shouldResetPassword"}
    assert (await site.admin.get(f"{ALL}/anna")).json() == body
    anna = site.person(f"{TENANT}/anna", "a long password")
    assert (await anna.get(ALL)).status_code == 403


async def test_name_is_given_once(site: Site) -> None:
    await created(site)
    assert (await site.admin.post(ALL, json=NEW)).status_code == 409


@pytest.mark.parametrize(
    "changes", [{"userName": "device_x"}, {"userName": "a b"}, {"userName": ""}, {"password": "short"}]
)
async def test_user_that_cannot_be_is_unprocessable(site: Site, changes: dict[str, str]) -> None:
    assert (await site.admin.post(ALL, json=NEW | changes)).status_code == 422


async def test_users_are_listed_by_kind_and_by_the_beginning_of_the_name(site: Site, device: Device) -> None:
    await created(site)

    async def names(query: str) -> list[str]:
        return [user["userName"] for user in (await site.admin.get(f"{ALL}?{query}")).json()["users"]]

    assert await names("") == ["admin", "anna", "device_pump-7"]
    assert await names("onlyDevices=True") == ["device_pump-7"]
    assert await names("username=a") == ["admin", "anna"]
    assert await names("username=%25") == []
    assert await names("pageSize=1&currentPage=2") == ["anna"]


async def test_another_password_counts_at_once_and_the_old_one_no_more(site: Site) -> None:
    anna = await created(site, READERS)
    assert (await anna.get("/tenant/currentTenant")).status_code == 200
    response = await site.admin.put(f"{ALL}/anna/password", json={"newPassword": "another password"})
    assert response.status_code == 200
    assert "another password" not in response.text
    assert (await anna.get("/tenant/currentTenant")).status_code == 401
    again = site.person(f"{TENANT}/anna", "another password")
    assert (await again.get("/tenant/currentTenant")).status_code == 200


async def test_disabled_user_is_kept_out_at_once(site: Site) -> None:
    anna = await created(site, READERS)
    assert (await site.admin.put(f"{ALL}/anna", json={"enabled": False})).json()["enabled"] is False
    assert (await anna.get("/tenant/currentTenant")).status_code == 401
    await site.admin.put(f"{ALL}/anna", json={"enabled": True})
    assert (await anna.get("/tenant/currentTenant")).status_code == 200


@pytest.mark.parametrize("way", ["users/{name}/password", "users/{name}"])
async def test_password_of_a_device_user_is_refused(site: Site, device: Device, way: str) -> None:
    body = {"newPassword": "a long password", "password": "a long password"}
    response = await site.admin.put(f"/user/{TENANT}/" + way.format(name=device.user_name), json=body)
    assert response.status_code == 422


async def test_device_user_is_in_its_group_for_good(site: Site, device: Device) -> None:
    assert (await site.admin.post(f"{GROUPS}/admins/users", json=member(device.user_name))).status_code == 422
    assert (await site.admin.delete(f"{GROUPS}/devices/users/{device.user_name}")).status_code == 422
    assert (await site.admin.post(f"{GROUPS}/devices/users", json=member("admin"))).status_code == 422


async def test_last_administrator_stays(site: Site) -> None:
    attempts = [
        await site.admin.delete(f"{ALL}/admin"),
        await site.admin.put(f"{ALL}/admin", json={"enabled": False}),
        await site.admin.delete(f"{GROUPS}/admins/users/admin"),
    ]
    assert [attempt.status_code for attempt in attempts] == [409] * 3
    await created(site, ADMINS)
    await site.admin.put(f"{ALL}/anna", json={"enabled": False})
    assert (await site.admin.delete(f"{ALL}/admin")).status_code == 409
    await site.admin.put(f"{ALL}/anna", json={"enabled": True})
    assert (await site.admin.delete(f"{ALL}/admin")).status_code == 204


async def test_users_of_some_groups_and_the_groups_of_a_user_are_listed(site: Site) -> None:
    await created(site, READERS)
    assert [one["userName"] for one in (await site.admin.get(f"{ALL}?groups={READERS}")).json()["users"]] == ["anna"]
    both = (await site.admin.get(f"{ALL}?groups={READERS},{ADMINS}")).json()["users"]
    assert [one["userName"] for one in both] == ["admin", "anna"]
    assert (await site.admin.get(f"{ALL}?groups=nobodies")).json()["users"] == []
    references = (await site.admin.get(f"{ALL}/anna/groups")).json()["references"]
    assert [one["group"]["name"] for one in references] == [READERS]
    assert (await site.admin.get(f"{ALL}/nobody/groups")).status_code == 404


async def test_groups_have_roles_and_members(site: Site) -> None:
    await created(site, READERS)
    groups = (await site.admin.get(GROUPS)).json()["groups"]
    assert [group["name"] for group in groups] == [ADMINS, BOOTSTRAP, DEVICES, READERS]
    assert (await site.admin.get(f"/user/{TENANT}/groupByName/admins")).json() == groups[0]
    assert (await site.admin.get(f"{GROUPS}/admins")).json() == groups[0]
    members = (await site.admin.get(f"{GROUPS}/readers/users")).json()["references"]
    assert [reference["user"]["userName"] for reference in members] == ["anna"]
    assert (await site.admin.delete(f"{GROUPS}/readers/users/anna")).status_code == 204
    assert (await site.admin.delete(f"{GROUPS}/readers/users/anna")).status_code == 404
    assert (await site.admin.get(f"{GROUPS}/nobody/users")).status_code == 404


async def test_roles_are_those_of_the_contract(site: Site) -> None:
    roles = (await site.admin.get("/user/roles?pageSize=100")).json()["roles"]
    assert {role["id"] for role in roles} == set(Role)


async def test_device_user_is_disabled_by_its_object(site: Site, device: Device) -> None:
    url = f"/inventory/managedObjects/{device.number}/user"
    expected = {"userName": device.user_name, "enabled": True, "self": f"{BASE_URL}{url}"}
    assert (await site.admin.get(url)).json() == expected
    assert (await site.admin.put(url, json={"enabled": False})).json() == expected | {"enabled": False}
    assert (await device.client.get("/inventory/managedObjects")).status_code == 401
    await site.admin.put(url, json={"enabled": True})
    assert (await device.client.get("/inventory/managedObjects")).status_code == 200


async def test_person_who_owns_an_object_is_no_device_user(site: Site) -> None:
    number = await site.add_object("admin", "thing")
    url = f"/inventory/managedObjects/{number}/user"
    assert (await site.admin.get(url)).status_code == 404
    assert (await site.admin.put(url, json={"enabled": False})).status_code == 404


async def test_deleted_device_user_is_gone_with_its_token(site: Site, device: Device) -> None:
    assert (await site.admin.delete(f"{ALL}/{device.user_name}")).status_code == 204
    assert (await device.client.get("/inventory/managedObjects")).status_code == 401
    assert (await site.admin.delete(f"{ALL}/{device.user_name}")).status_code == 404


async def test_changes_are_recorded_without_passwords(site: Site) -> None:
    await created(site, READERS)
    await site.admin.put(f"{ALL}/anna", json={"password": "another password"})
    log = await site.admin.get("/audit/auditRecords?type=User&pageSize=10")
    activities = [record["activity"] for record in log.json()["auditRecords"]]
    assert activities == ["User updated: 'anna'.", "User updated: 'anna'.", "User created: 'anna'."]
    assert not any(text in log.text for text in ("a long password", "another password", "argon2", ADMIN_PASSWORD))


PROFILE = {
    "firstName": "Anna",
    "lastName": "Ek",
    "email": "anna@example.org",
    "phone": "+46 1",
    "displayName": "Anna E",
}


async def test_user_says_who_it_is_and_others_read_it(site: Site) -> None:
    body = {"userName": "anna", "password": "a long password", **PROFILE}
    made = (await site.admin.post(f"/user/{TENANT}/users", json=body)).json()
    assert PROFILE.items() <= made.items()
    changed = await site.admin.put(f"/user/{TENANT}/users/anna", json={"email": "ek@example.org", "phone": ""})
    assert changed.json() == (await site.admin.get(f"/user/{TENANT}/users/anna")).json()
    assert (changed.json()["email"], "phone" in changed.json()) == ("ek@example.org", False)


async def test_everybody_changes_what_they_say_of_themselves_and_nothing_else(site: Site) -> None:
    reader = await site.reader()
    sent = {**PROFILE, "userName": "admin", "enabled": False, "groups": {"references": []}}
    changed = (await reader.put("/user/currentUser", json=sent)).json()
    assert PROFILE.items() <= changed.items()
    assert (changed["userName"], changed["enabled"]) == ("reader", True)
    assert (await reader.get("/user/currentUser")).json() == changed


@pytest.mark.parametrize("email", ["x" * 257, "a\nb"])
async def test_what_a_user_says_has_a_limit(site: Site, email: str) -> None:
    assert (await site.admin.put("/user/currentUser", json={"email": email})).status_code == 422


async def test_own_password_is_changed_by_who_knows_it_and_ends_what_began_with_it(site: Site) -> None:
    form = {"username": "admin", "password": ADMIN_PASSWORD}
    token = (await site.nobody.post("/tenant/oauth/token?tenant_id=t1000", data=form)).json()["access_token"]
    signed_in = site.client(authorization=f"Bearer {token}")
    path = "/user/currentUser/password"
    wrong = await signed_in.put(path, json={"currentUserPassword": "wrong", "newPassword": "another password"})
    assert (wrong.status_code, wrong.json()["message"]) == (422, "The current password is wrong.")
    short = await signed_in.put(path, json={"currentUserPassword": ADMIN_PASSWORD, "newPassword": "short"})
    assert short.status_code == 422
    body = {"currentUserPassword": ADMIN_PASSWORD, "newPassword": "another password"}
    assert (await signed_in.put(path, json=body)).status_code == 204
    for client, status in (
        (signed_in, 401),
        (site.admin, 401),
        (site.person(f"{TENANT}/admin", "another password"), 200),
    ):
        assert (await client.get("/user/currentUser")).status_code == status


async def test_guessing_the_own_password_is_slowed_down(site: Site) -> None:
    form = {"username": "admin", "password": ADMIN_PASSWORD}
    token = (await site.nobody.post("/tenant/oauth/token?tenant_id=t1000", data=form)).json()["access_token"]
    thief = site.client(authorization=f"Bearer {token}")
    body = {"currentUserPassword": "a guess", "newPassword": "another password"}
    codes = [(await thief.put("/user/currentUser/password", json=body)).status_code for _ in range(12)]
    assert codes == [422] * 10 + [429] * 2
