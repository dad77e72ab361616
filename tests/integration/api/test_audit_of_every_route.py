"""Every route that changes who may connect, or who may change that, leaves its record; a route of which nobody has said
whether it does fails here."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from certinel.api.openapi import document_of
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.pki.proof import signature_of
from integration.api.conftest import ON_ONE_ENGINE, TENANT, Device, Site
from support.certificates import Issued, root_authority
from support.platforms import ADMIN_PASSWORD
from support.revocation_lists import revocation_list

pytestmark = ON_ONE_ENGINE

CERTIFICATES = "/tenant/tenants/{tenant}/trusted-certificates"
PROOFS = "/tenant/tenants/{tenant}/trusted-certificates-pop/{fingerprint}"
OPTION = "/tenant/options/{category}/{key}"
REQUESTS = "/devicecontrol/newDeviceRequests"
FEATURE = "/features/{key}/by-tenant"
USERS = "/user/{tenant}/users"
MEMBERS = "/user/{tenant}/groups/{group}/users"
OBJECT = "/inventory/managedObjects/{id}"
OTHER = TenantId("t4711")

CHANGES_NO_TRUST = {
    ("POST", "/tenant/trusted-certificates/verify-cert-chain"): "a question",
    ("POST", "/certinel/explanations"): "a question",
    ("POST", "/certinel/revocations/rehearsal"): "a question",
    ("POST", "/certinel/rehearsals/revocations"): "a question",
    ("POST", "/tenant/oauth"): "signing in",
    ("POST", "/tenant/oauth/token"): "signing in",
    ("POST", "/user/logout"): "ends what the caller has signed in with",
    ("DELETE", "/identity/externalIds/{type}/{external_id}"): "what devices say of themselves",
    ("POST", "/identity/globalIds/{id}/externalIds"): "what devices say of themselves",
    ("POST", "/inventory/managedObjects"): "what devices say of themselves",
    ("PUT", OBJECT): "what devices say of themselves",
    ("POST", f"{OBJECT}/{{relation}}"): "what devices say of themselves",
    ("DELETE", f"{OBJECT}/{{relation}}"): "what devices say of themselves",
    ("DELETE", f"{OBJECT}/{{relation}}/{{child}}"): "what devices say of themselves",
    ("POST", "/measurement/measurements"): "what devices say of themselves",
}
"""Operations without a record, and why."""


@dataclass(frozen=True)
class Act:
    """One call, and who is to be found in whose log afterwards."""

    method: str
    template: str
    values: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    """What `httpx` sends, as ``json`` or ``files``."""
    query: str = ""
    caller: str = "admin"
    user: str = "admin"
    log: TenantId = TENANT

    @property
    def path(self) -> str:
        return self.template.format(**{"tenant": TENANT, **self.values}) + self.query


def sent(body: dict[str, Any]) -> dict[str, Any]:
    return {"json": body}


def acts(plant: Issued, code: str, signing_key: str, pump: str) -> list[Act]:
    """Every recorded operation, in an order that works."""
    one = {"fingerprint": plant.fingerprint}
    hall, site_ca = root_authority("Hall CA"), root_authority("Site CA")
    operator = {"caller": "operator", "user": "management/admin"}
    in_management: dict[str, Any] = {"caller": "operator", "log": MANAGEMENT_TENANT}
    checks = {"category": "configuration", "key": "crl.offline.check.enabled"}
    passwords = {"key": "password-devices"}
    made = {"id": OTHER, "adminName": "boss", "adminPass": ADMIN_PASSWORD, "company": "Other"}
    request = {"id": "meter-1"}
    table = {"files": {"file": ("devices.csv", b"ID;AUTH_TYPE\npump-100;CERTIFICATES\n")}}
    return [
        Act("POST", CERTIFICATES, body=sent({"status": "ENABLED", "certInPemFormat": hall.pem})),
        Act(
            "POST",
            f"{CERTIFICATES}/bulk",
            body=sent({"certificates": [{"status": "ENABLED", "certInPemFormat": site_ca.pem}]}),
        ),
        Act("PUT", f"{CERTIFICATES}/{{fingerprint}}", one, sent({"autoRegistrationEnabled": False})),
        Act(
            "POST",
            f"{PROOFS}/pop",
            one,
            sent({"proofOfPossessionSignedVerificationCode": signature_of(code.encode(), plant.key)}),
        ),
        Act("DELETE", f"{PROOFS}/pop", one),
        Act("POST", f"{PROOFS}/verification-code", one),
        Act("POST", f"{PROOFS}/confirmed", one, **operator),
        Act("DELETE", f"{CERTIFICATES}/{{fingerprint}}", {"fingerprint": hall.fingerprint}, **operator),
        Act(
            "PUT", "/tenant/trusted-certificates/settings/crl", body=sent({"crls": [{"serialNumberInHex": "abcdef01"}]})
        ),
        Act("POST", "/certinel/revocations", body=sent({"fingerprint": plant.fingerprint})),
        Act("POST", "/certinel/revocationLists", body={"content": revocation_list(plant, [7])}),
        Act("DELETE", "/certinel/revocationLists/{list_id}", {"list_id": "1"}),
        Act("PUT", "/certinel/devices/{device}", {"device": "pump-7"}, sent({"enabled": False})),
        Act("PUT", f"{OBJECT}/user", {"id": pump}, sent({"enabled": True})),
        Act("DELETE", OBJECT, {"id": pump}, query="?withDeviceUser=true"),
        Act("POST", "/tenant/options", body=sent({**checks, "value": "true"})),
        Act("PUT", OPTION, checks, sent({"value": "false"})),
        Act("PUT", "/tenant/options/{category}", checks, sent({"crl.offline.check.enabled": "true"})),
        Act(
            "PUT",
            f"{OPTION}/editable",
            checks,
            sent({"editable": False}),
            query=f"?targetTenant={TENANT}",
            **operator,
        ),
        Act("PUT", f"{OPTION}/editable", checks, sent({"editable": True}), query=f"?targetTenant={TENANT}", **operator),
        Act("DELETE", OPTION, checks),
        Act("PUT", FEATURE, passwords, sent({"active": False})),
        Act("DELETE", FEATURE, passwords),
        Act("PUT", f"{FEATURE}/{{tenant}}", passwords, sent({"active": False}), **operator),
        Act("DELETE", f"{FEATURE}/{{tenant}}", passwords, **operator),
        Act("POST", USERS, body=sent({"userName": "ann", "password": ADMIN_PASSWORD})),
        Act("PUT", f"{USERS}/{{name}}", {"name": "ann"}, sent({"enabled": False})),
        Act("PUT", f"{USERS}/{{name}}", {"name": "ann"}, sent({"enabled": True})),
        Act("PUT", f"{USERS}/{{name}}/password", {"name": "ann"}, sent({"newPassword": ADMIN_PASSWORD + "!"})),
        Act("POST", MEMBERS, {"group": "admins"}, sent({"user": {"id": "ann"}})),
        Act("DELETE", f"{MEMBERS}/{{name}}", {"group": "admins", "name": "ann"}),
        Act("DELETE", f"{USERS}/{{name}}", {"name": "ann"}),
        Act("PUT", "/user/currentUser", body=sent({"firstName": "Ada"})),
        Act("POST", REQUESTS, body=sent(request)),
        Act("DELETE", f"{REQUESTS}/{{id}}", request),
        Act("POST", REQUESTS, body=sent(request)),
        Act("DELETE", "/devicecontrol/bulkNewDeviceRequests/{id}", request),
        Act("POST", REQUESTS, body=sent(request)),
        Act("PUT", f"{REQUESTS}/{{id}}", request, sent({"status": "ACCEPTED"})),
        Act(
            "POST",
            "/devicecontrol/deviceCredentials",
            body=sent(request),
            caller="bootstrap",
            user="device_meter-1",
        ),
        Act("POST", REQUESTS, body=sent({"id": "meter-2"})),
        Act("POST", f"{REQUESTS}/acceptAll"),
        Act("POST", "/devicecontrol/bulkNewDeviceRequests", body=table),
        Act("DELETE", "/certinel/devices/{device}", {"device": "pump-100"}),
        Act(
            "POST", "/audit/auditRecords", body=sent({"activity": "a", "text": "t", "type": "x", "source": {"id": "1"}})
        ),
        Act("POST", "/tenant/tenants", body=sent(made), **in_management),
        Act("PUT", "/tenant/tenants/{tenant}", {"tenant": OTHER}, sent({"status": "SUSPENDED"}), **in_management),
        Act("DELETE", "/tenant/tenants/{tenant}", {"tenant": OTHER}, **in_management),
        Act("POST", "/certinel/signingKeys", **in_management),
        Act("DELETE", "/certinel/signingKeys/{kid}", {"kid": signing_key}, **in_management),
        Act(
            "PUT",
            "/user/currentUser/password",
            body=sent({"currentUserPassword": ADMIN_PASSWORD, "newPassword": ADMIN_PASSWORD + "?"}),
        ),
    ]


async def latest(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/audit/auditRecords?pageSize=1")
    assert answer.status_code == 200, answer.text
    record: dict[str, Any] = answer.json()["auditRecords"][0]
    return record


async def test_every_write_is_recorded_with_its_caller(site: Site, plant: Issued, device: Device) -> None:
    upload = await site.admin.get(f"/tenant/tenants/{TENANT}/trusted-certificates/{plant.fingerprint}")
    keys = (await site.operator.get("/certinel/signingKeys")).json()["signingKeys"]
    bootstrap = await site.bootstrap()
    reader = {TENANT: await site.reader(), MANAGEMENT_TENANT: site.operator}
    callers = {"admin": site.admin, "operator": site.operator, "bootstrap": bootstrap}
    code = upload.json()["proofOfPossessionUnsignedVerificationCode"]
    seen = set()
    for act in acts(plant, code, keys[0]["id"], str(device.number)):
        if act.template in {f"{REQUESTS}/{{id}}", f"{REQUESTS}/acceptAll"} and act.method != "DELETE":
            device_id = act.values.get("id", "meter-2")
            await bootstrap.post("/devicecontrol/deviceCredentials", json={"id": device_id})
        before = await latest(reader[act.log])
        answer = await callers[act.caller].request(act.method, act.path, **(act.body or {}))
        assert answer.is_success, (act, answer.text)
        record = await latest(reader[act.log])
        assert (int(record["id"]) > int(before["id"]), record["user"]) == (True, act.user), act
        seen.add((act.method, act.template))
    assert seen.isdisjoint(CHANGES_NO_TRUST)
    assert {*seen, *CHANGES_NO_TRUST} == {
        (method.upper(), template)
        for template, operations in document_of(site.app)["paths"].items()
        for method in operations
        if method != "get"
    }
