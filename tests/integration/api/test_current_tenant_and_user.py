"""What callers ask first: which tenant, which user."""

from certinel.domain.role import ADMINS, ROLES_OF_GROUP
from integration.api.conftest import BASE_URL, HOST, TENANT, Device, Site


async def test_current_tenant_has_the_contracts_shape(site: Site) -> None:
    assert (await site.admin.get("/tenant/currentTenant")).json() == {
        "name": TENANT,
        "domainName": HOST,
        "allowCreateTenants": False,
        "customProperties": {},
        "applications": {"references": []},
        "self": f"{BASE_URL}/tenant/currentTenant",
    }


async def test_current_user_holds_both_forms(site: Site) -> None:
    user = (await site.admin.get("/user/currentUser")).json()
    assert (user["id"], user["userName"]) == ("admin", "admin")
    assert {role["id"] for role in user["effectiveRoles"]} == set(ROLES_OF_GROUP[ADMINS])
    assert user["effectiveRoles"][0]["self"] == f"{BASE_URL}/user/roles/{user['effectiveRoles'][0]['id']}"
    (group,) = user["groups"]["references"]
    assert group["group"]["name"] == "admins"
    roles = {reference["role"]["id"] for reference in group["group"]["roles"]["references"]}
    assert roles == set(ROLES_OF_GROUP[ADMINS])
    assert (user["devicePermissions"], user["shouldResetPassword"], user["twoFactorAuthenticationEnabled"]) == (
        {},
        False,
        False,
    )


async def test_vendor_type_with_stray_semicolon_is_understood(site: Site) -> None:
    accept = "application/vnd.com.nsn.cumulocity.currentUser+json;"
    response = await site.admin.get("/user/currentUser", headers={"accept": accept})
    assert response.headers["content-type"].startswith("application/vnd.com.nsn.cumulocity.currentuser+json")


async def test_device_is_a_user_too(site: Site, device: Device) -> None:
    user = (await device.client.get("/user/currentUser")).json()
    assert user["userName"] == "device_pump-7"
    assert "ROLE_DEVICE" in {role["name"] for role in user["effectiveRoles"]}
