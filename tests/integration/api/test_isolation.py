"""Nobody learns whether somebody else has a thing: for every route of the OpenAPI document, what is foreign and what
does not exist are answered alike.

Each route is called by the administrator and by a reader of another tenant, by a device, with an expired token and by
nobody; once with the names of things that our tenant has, and once with names that nothing has.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from certinel.api.openapi import document_of
from certinel.api.platform_of import Served
from certinel.api.routing import router as router_for
from certinel.domain.role import READERS
from integration.api.conformance import Conformance
from integration.api.conftest import ON_ONE_ENGINE, OTHER_TENANT, TENANT, Device, Site
from integration.api.test_connection_attempts import connect
from support.certificates import Issued
from support.revocation_lists import revocation_list

pytestmark = ON_ONE_ENGINE

EVERYBODY = {"/.well-known/jwks.json", "/tenant/loginOptions", "/health", "/health/ready"}
"""Open to the world."""

SIGNING_IN = {"/tenant/oauth", "/tenant/oauth/token"}
"""Open to whoever knows a password."""

SIGNING_OUT = {"/user/logout"}
"""Ends the token it is called with: the caller would be nobody from then on."""

EVERY_USER = {
    "/user/logout",
    "/features",
    "/features/{key}",
    "/tenant/system/options",
    "/tenant/system/options/{category}/{key}",
}
"""Open to whoever has signed in, whatever the roles: what is there is the same for all, or the caller's own."""

OF_ITS_OWN = {"date", "x-request-id", "content-length"}
"""Headers that differ from call to call. Names can be of different lengths, and messages repeat them."""

MARK = "only-ours"
"""Is in everything that our tenant has, and may be in no answer to anybody else."""

PREFIXES = (
    "/inventory/managedObjects",
    "/identity/globalIds",
    "/measurement/measurements",
    "/audit/auditRecords",
    "/certinel/connectionAttempts",
    "/devicecontrol/newDeviceRequests",
    "/devicecontrol/bulkNewDeviceRequests",
)
"""What an ``{id}`` in a path is the name of."""


@dataclass(frozen=True)
class Name:
    """What stands for a part of a path: the name of a thing of ours, and one that nothing has."""

    foreign: str
    missing: str


@dataclass
class Belongings:
    """What our tenant has, by the parts of paths that name it."""

    by_parameter: dict[str, Name]
    by_id: dict[str, Name]
    bodies: dict[tuple[str, str], Any] = field(default_factory=dict)

    def name_of(self, parameter: str, template: str) -> Name:
        if parameter != "id":
            return self.by_parameter[parameter]
        return next(self.by_id[prefix] for prefix in PREFIXES if template.startswith(prefix))


@dataclass(frozen=True)
class Call:
    """One route with a thing in it."""

    method: str
    template: str
    path: str
    body: Any

    async def made_by(self, client: httpx.AsyncClient) -> httpx.Response:
        return await client.request(self.method, self.path, json=self.body)


def filled(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], found[0]), text)


def pairs_of(
    document: dict[str, Any], ours: Belongings, own_tenant: str
) -> Iterator[tuple[Call, Call, dict[str, str]]]:
    """Yield each route twice, with what is foreign and with what is missing, and what to call the difference.

    A tenant in the path is the caller's own as well as ours, since foreign names can be tried in either.
    """
    for template, operations in document["paths"].items():
        parameters = re.findall(r"\{(\w+)\}", template)
        for method, operation in operations.items():
            key = (method.upper(), template)
            body = ours.bodies.get(key, {"any": "thing"} if "requestBody" in operation else None)
            for tenant in [Name(TENANT, "t9999"), Name(own_tenant, own_tenant)] if "tenant" in parameters else [None]:
                names = {one: ours.name_of(one, template) for one in parameters if one != "tenant"}
                if tenant is not None:
                    names["tenant"] = tenant
                in_body = {"other": ours.by_id["/inventory/managedObjects"]}
                yield (
                    *(
                        Call(
                            key[0],
                            template,
                            filled(template, {one: getattr(name, which) for one, name in names.items()}),
                            body
                            if body is None
                            else json.loads(
                                filled(json.dumps(body), {one: getattr(name, which) for one, name in in_body.items()})
                            ),
                        )
                        for which in ("foreign", "missing")
                    ),
                    {name.missing: name.foreign for name in (*names.values(), *in_body.values())},
                )


def told(response: httpx.Response, names: dict[str, str]) -> tuple[int, str, dict[str, str]]:
    """All that an answer tells, with the names of missing things replaced by those of foreign ones."""

    def renamed(text: str) -> str:
        for missing, foreign in names.items():
            text = re.sub(rf"(?<![\w-]){re.escape(missing)}(?![\w-])", foreign, text)
        return text

    headers = {name: renamed(value) for name, value in response.headers.items() if name not in OF_ITS_OWN}
    return response.status_code, renamed(response.text), headers


@dataclass(frozen=True)
class Caller:
    """Somebody who is not ours."""

    who: str
    client: httpx.AsyncClient
    tenant: str = OTHER_TENANT


async def faults_of(app: FastAPI, ours: Belongings, callers: list[Caller]) -> list[str]:
    """Walk every route of ``app``; say where anybody learns of a foreign thing, or where nobody is asked who it is."""
    faults: list[str] = []
    document = document_of(app)
    for template, operations in document["paths"].items():
        for method, operation in operations.items():
            is_open = template in EVERYBODY | SIGNING_IN | EVERY_USER
            if not is_open and "Required role" not in operation["description"]:
                faults.append(f"{method} {template} asks for no role")
    for caller in callers:
        for foreign, missing, names in pairs_of(document, ours, caller.tenant):
            if foreign.template in SIGNING_IN | SIGNING_OUT:
                continue
            there = await foreign.made_by(caller.client)
            not_there = await missing.made_by(caller.client) if missing != foreign else there
            place = f"{caller.who}: {foreign.method} {foreign.path}"
            if told(there, names) != told(not_there, names):
                faults.append(
                    f"{place} tells a foreign thing from a missing one: {told(there, names)} "
                    f"is not {told(not_there, names)}"
                )
            if MARK in there.text:
                faults.append(f"{place} shows what is ours")
            if caller.who in {"nobody", "expired"} and foreign.template not in EVERYBODY and there.status_code != 401:
                faults.append(f"{place} asks nobody who it is")
    return faults


@pytest.fixture
async def ours(site: Site, device: Device, plant: Issued) -> Belongings:
    """A tenant that has one of everything, each with the mark."""
    admin = site.admin

    async def made(path: str, body: Any, **more: Any) -> dict[str, Any]:
        response = await admin.post(path, json=body, **more)
        assert response.is_success, f"{path}: {response.text}"
        answer: dict[str, Any] = response.json()
        return answer

    fingerprint = (await admin.get(f"/tenant/tenants/{TENANT}/trusted-certificates")).json()["certificates"][0][
        "fingerprint"
    ]
    await admin.put(f"/tenant/tenants/{TENANT}/trusted-certificates/{fingerprint}", json={"name": MARK})
    thing = await made("/inventory/managedObjects", {"name": MARK, "c8y_IsDevice": {}, "c8y_IsDeviceGroup": {}})
    child = await made("/inventory/managedObjects", {"name": MARK})
    await made(f"/inventory/managedObjects/{thing['id']}/childDevices", {"managedObject": {"id": child["id"]}})
    await made(f"/identity/globalIds/{thing['id']}/externalIds", {"type": "c8y_Serial", "externalId": "our-own"})
    measurement = await made(
        "/measurement/measurements",
        {"source": {"id": thing["id"]}, "type": MARK, "time": "2026-11-23T09:00:00Z", "x": {"y": {"value": 1}}},
    )
    await made(f"/user/{TENANT}/users", {"userName": "our-user", "password": "a good password"})
    await made(f"/user/{TENANT}/groups/admins/users", {"user": {"id": "our-user"}})
    await made("/devicecontrol/newDeviceRequests", {"id": "our-meter", "type": MARK})
    await admin.put("/tenant/options/our-cat/our-key", json={"value": MARK})
    for number in range(20):  # so many that nobody else's log has a record of this number
        record = await made(
            "/audit/auditRecords", {"activity": MARK, "text": f"{number}", "type": "x", "source": {"id": MARK}}
        )
    await connect(site, (b"rubbish",), "our-pump")
    await connect(site, plant.device("our-pump").chain_der, "our-pump")
    await connect(site, plant.device("our-pump").chain_der, "another name")
    attempt = (await admin.get("/certinel/connectionAttempts")).json()["connectionAttempts"][0]
    content = {"content-type": "application/pkix-crl"}
    listed = await admin.post("/certinel/revocationLists", content=revocation_list(plant, [1]), headers=content)
    return Belongings(
        by_parameter={
            "fingerprint": Name(fingerprint, "0" * 40),
            "list_id": Name(listed.json()["id"], "77"),
            "category": Name("our-cat", "any-cat"),
            "key": Name("our-key", "any-key"),
            "name": Name("our-user", "any-user"),
            "group": Name("admins", "admins"),
            "type": Name("c8y_Serial", "c8y_Serial"),
            "external_id": Name("our-own", "any-own"),
            "relation": Name("childDevices", "childDevices"),
            "child": Name(child["id"], "88"),
            "kid": Name((await site.operator.get("/certinel/signingKeys")).json()["signingKeys"][0]["id"], "x" * 43),
            "device": Name(device.user_name.removeprefix("device_"), "any-7"),
        },
        by_id={
            "/inventory/managedObjects": Name(thing["id"], "99"),
            "/identity/globalIds": Name(thing["id"], "99"),
            "/measurement/measurements": Name(measurement["id"], "66"),
            "/audit/auditRecords": Name(record["id"], "55"),
            "/certinel/connectionAttempts": Name(attempt["id"], str(int(attempt["id"]) + 7)),
            "/devicecontrol/newDeviceRequests": Name("our-meter", "any-meter"),
            "/devicecontrol/bulkNewDeviceRequests": Name("our-meter", "any-meter"),
        },
        bodies={
            ("POST", "/inventory/managedObjects/{id}/{relation}"): {"managedObject": {"id": "{other}"}},
            ("DELETE", "/inventory/managedObjects/{id}/{relation}"): {
                "references": [{"managedObject": {"id": "{other}"}}]
            },
            ("PUT", "/inventory/managedObjects/{id}/user"): {"enabled": False},
            ("POST", "/identity/globalIds/{id}/externalIds"): {"type": "c8y_Serial", "externalId": "taken-over"},
            ("POST", "/measurement/measurements"): {
                "source": {"id": "{other}"},
                "type": "x",
                "time": "2026-11-23T09:00:00Z",
            },
            ("POST", "/devicecontrol/newDeviceRequests"): {"id": "stolen", "groupId": "{other}"},
            ("PUT", "/devicecontrol/newDeviceRequests/{id}"): {"status": "ACCEPTED"},
            ("PUT", "/tenant/options/{category}/{key}"): None,
            ("PUT", "/tenant/options/{category}"): None,
            ("PUT", "/user/{tenant}/users/{name}"): {"enabled": False},
            ("PUT", "/user/{tenant}/users/{name}/password"): {"newPassword": "a new password"},
            ("POST", "/user/{tenant}/groups/{group}/users"): {"user": {"id": "our-user"}},
            ("PUT", "/tenant/tenants/{tenant}/trusted-certificates/{fingerprint}"): {"status": "DISABLED"},
        },
    )


@pytest.fixture
async def callers(site: Site, device: Device) -> list[Caller]:
    stranger = await site.stranger()
    reader = await site.add_person(OTHER_TENANT, "reader", READERS)
    return [
        Caller("another tenant's administrator", stranger),
        Caller("another tenant's reader", reader),
        Caller("nobody", site.nobody),
    ]


async def seen_by_us(site: Site, ours: Belongings) -> dict[str, str]:
    """Everything that our administrator reads."""
    seen = {}
    for call, _, _ in pairs_of(document_of(site.app), ours, TENANT):
        if call.method == "GET" and "crl" not in call.path:  # a list that is signed afresh each time
            seen[call.path] = (await call.made_by(site.admin)).text
    return seen


async def test_foreign_and_missing_things_are_answered_alike(
    site: Site, ours: Belongings, callers: list[Caller]
) -> None:
    before = await seen_by_us(site, ours)
    assert MARK in "".join(before.values())
    assert await faults_of(site.app, ours, callers) == []
    assert await seen_by_us(site, ours) == before


async def test_device_cannot_tell_what_others_in_its_tenant_have(site: Site, ours: Belongings, device: Device) -> None:
    ours.by_parameter["device"] = Name("our-meter", "any-meter")
    caller = Caller("a device", device.client, TENANT)
    assert await faults_of(site.app, ours, [caller]) == []


async def test_expired_token_tells_nothing(site: Site, ours: Belongings, device: Device) -> None:
    site.clock.move(timedelta(days=2))
    assert await faults_of(site.app, ours, [Caller("expired", device.client, TENANT)]) == []


async def test_route_that_asks_nobody_or_shows_what_is_foreign_is_noticed(
    site: Site, ours: Belongings, callers: list[Caller]
) -> None:
    router = router_for("careless")

    @router.get("/certinel/careless/{name:segment}")
    async def leak(platform: Served, name: str) -> dict[str, str]:
        """Tell everybody what everybody has."""
        return {"name": MARK if name.startswith("our") else "no such thing"}

    site.app.router.routes.extend(router.routes)
    site.app.openapi_schema = None
    site.conformance = Conformance(document_of(site.app))
    found = "\n".join(await faults_of(site.app, ours, callers))
    for fault in (
        "get /certinel/careless/{name} asks for no role",
        "tells a foreign thing",
        "shows what is ours",
        "asks nobody",
    ):
        assert fault in found
