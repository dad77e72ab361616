"""What holds for every route of the OpenAPI document, called by nobody, a reader, a stranger, a device."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from typing_extensions import override

from certinel.api.app import ROUTERS
from certinel.api.negotiation import JSON
from certinel.api.openapi import document_of
from certinel.api.routing import ContractRoute
from certinel.domain.role import ROLES_OF_GROUP
from integration.api.conftest import ON_ONE_ENGINE, TENANT, Device, Site

pytestmark = ON_ONE_ENGINE

PUBLIC = {"/.well-known/jwks.json", "/tenant/loginOptions", "/health", "/health/ready"}
"""Routes that everybody may call."""

OF_ANY_TENANT = {"/metrics"}
"""Routes that look at the caller's tenant instead of its roles alone."""

OF_MANAGEMENT = {
    "/tenant/tenants",
    "/tenant/tenants/{tenant}",
    "/certinel/signingKeys",
    "/certinel/signingKeys/{kid}",
    "/features/{key}/by-tenant/{tenant}",
    "/tenant/options/{category}/{key}/editable",
}
"""Routes for callers of the management tenant only, whatever their roles."""

OF_BOOTSTRAP = {"/devicecontrol/deviceCredentials"}
"""Routes for new devices only, which not even administrators may call."""

SIGNING_IN = {"/tenant/oauth", "/tenant/oauth/token"}
"""Routes that everybody may call with a name and a password in the form."""

SIGNING_OUT = {"/user/logout"}
"""Routes that change only what the caller has signed in with."""

OF_ONESELF = {"/user/currentUser", "/user/currentUser/password"}
"""Routes that change only what the caller is."""

QUESTIONS = {"/tenant/trusted-certificates/verify-cert-chain", "/certinel/explanations"}
"""Routes with POST that change nothing, so that readers may call them too."""


class Call(NamedTuple):
    """One operation of the document, ready to be made."""

    method: str
    path: str
    template: str
    operation: dict[str, Any]

    @property
    def is_write(self) -> bool:
        return self.method != "GET"

    async def made_by(self, client: httpx.AsyncClient, method: str | None = None) -> httpx.Response:
        body = {"json": {}} if "requestBody" in self.operation else {}
        return await client.request(method or self.method, self.path, **body)  # type: ignore[arg-type]


VALUES = {
    "{tenant}": TENANT,
    "{fingerprint}": "0" * 40,
    "{category}": "cat",
    "{key}": "key",
    "{name}": "admin",
    "{group}": "admins",
    "{type}": "c8y_Serial",
    "{external_id}": "pump-7",
    "{id}": "1",
    "{list_id}": "1",
    "{kid}": "no-such-key",
    "{relation}": "childDevices",
    "{child}": "2",
    "{device}": "pump-7",
}


def calls_of(document: dict[str, Any]) -> Iterator[Call]:
    for template, operations in document["paths"].items():
        path = template
        for name, value in VALUES.items():
            path = path.replace(name, value)
        assert "{" not in path, f"say what stands for the parameters of {template}"
        for method, operation in operations.items():
            yield Call(method.upper(), path, template, operation)


def calls(site: Site) -> list[Call]:
    return list(calls_of(document_of(site.app)))


async def test_nobody_is_let_in_but_where_everybody_is(site: Site) -> None:
    for call in calls(site):
        response = await call.made_by(site.nobody)
        if call.template in PUBLIC:
            assert response.status_code == 200, call
        else:
            assert response.status_code == 401, call
            assert response.json()["message"], call


class CountingBody(httpx.AsyncByteStream):
    """A request body that knows whether it was read."""

    def __init__(self) -> None:
        self.is_read = False

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.is_read = True
        yield b"{"


async def test_body_is_read_only_of_who_may_send_it(site: Site) -> None:
    reader, bootstrap = await site.reader(), await site.bootstrap()
    for call in calls(site):
        if "requestBody" in call.operation:
            is_readers = call.template in QUESTIONS | SIGNING_IN | OF_ONESELF
            allowed = site.operator if call.template in OF_MANAGEMENT else site.admin
            if call.template in OF_BOOTSTRAP:
                allowed = bootstrap
            for client, is_read in ((site.nobody, call.template in SIGNING_IN), (reader, is_readers), (allowed, True)):
                body = CountingBody()
                await client.request(call.method, call.path, content=body)
                assert body.is_read == is_read, call


async def test_reader_changes_nothing_and_reads_everything_else(site: Site, device: Device) -> None:
    reader = await site.reader()
    for call in calls(site):
        response = await call.made_by(reader)
        if call.template in QUESTIONS:
            assert response.status_code in {400, 422}, call
        elif call.template in SIGNING_IN | SIGNING_OUT | OF_ONESELF:
            assert response.status_code in {200, 401, 422}, call
        elif call.is_write or call.template in OF_ANY_TENANT | OF_MANAGEMENT:
            assert response.status_code == 403, call
            assert response.json()["message"] == "Access is denied.", call
        else:
            assert response.status_code in {200, 404}, call


async def test_other_tenants_administrator_sees_and_changes_nothing_here(site: Site, device: Device) -> None:
    await site.admin.put("/tenant/options/cat/key", json={"value": "ours"})
    stranger = await site.stranger()
    for call in calls(site):
        response = await call.made_by(stranger)
        assert "MQTT Device" not in response.text, call
        assert "ours" not in response.text, call
        if "{tenant}" in call.template:
            assert response.status_code == 403, call
    assert (await site.admin.get("/tenant/options/cat/key")).json()["value"] == "ours"


async def test_device_reaches_only_what_devices_may(site: Site, device: Device) -> None:
    for call in calls(site):
        if call.template in SIGNING_OUT:  # the device would be nobody from then on
            continue
        response = await call.made_by(device.client)
        if call.template in SIGNING_IN:
            assert response.status_code == 401, call
            continue
        is_for_devices = "A device sees what it owns" in call.operation["description"]
        is_for_own_read = "ROLE_USER_MANAGEMENT_OWN_READ" in call.operation["description"]
        is_for_all = call.template in PUBLIC or "Required role" not in call.operation["description"]
        if is_for_devices and call.is_write:
            assert response.status_code in {200, 201, 204, 404, 422}, call
        elif is_for_devices or is_for_own_read or is_for_all:
            assert response.status_code in {200, 404}, call
        else:
            assert response.status_code == 403, call


async def test_person_without_roles_reaches_nothing_of_the_tenant(site: Site, device: Device) -> None:
    guest = await site.add_person(TENANT, "guest", "no such group")
    for call in calls(site):
        response = await call.made_by(guest)
        if call.template in SIGNING_IN:
            assert response.status_code == 401, call
            continue
        if "Required role" in call.operation["description"]:
            assert response.status_code == 403, call
        else:
            assert response.status_code in {200, 404}, call


async def test_head_has_the_status_and_headers_of_get_and_no_body(site: Site, device: Device) -> None:
    for call in calls(site):
        if call.method != "GET" or call.template in OF_ANY_TENANT:
            continue
        own = {"x-request-id", "date"}
        if call.template.endswith("/settings/crl"):
            own.add("content-length")  # signed afresh each time, and an ECDSA signature has no fixed length
        for client in (site.admin, site.nobody):
            get, head = await call.made_by(client), await call.made_by(client, "HEAD")
            assert head.status_code == get.status_code, call
            assert {k: v for k, v in head.headers.items() if k not in own} == {
                k: v for k, v in get.headers.items() if k not in own
            }, call
            assert head.content == b"", call


async def test_trailing_slash_makes_no_difference(site: Site, device: Device) -> None:
    for call in calls(site):
        if call.method == "GET" and call.template not in OF_ANY_TENANT:
            slashed = await site.admin.get(call.path + "/")
            assert slashed.status_code == (await site.admin.get(call.path)).status_code, call


async def test_every_answer_says_how_browsers_shall_treat_it(site: Site) -> None:
    for call in calls(site):
        for client in (site.admin, site.nobody):
            headers = (await call.made_by(client)).headers
            assert headers["x-content-type-options"] == "nosniff", call
            assert headers["strict-transport-security"], call
            assert headers["x-request-id"], call
            assert headers["cache-control"] == ("public, max-age=300" if "jwks" in call.path else "no-store"), call


async def test_without_tls_nothing_is_said_about_it(site: Site) -> None:
    response = await site.client(base_url="http://localhost:8080").get("/health")
    assert "strict-transport-security" not in response.headers


def test_document_names_every_route(site: Site) -> None:
    documented = {(method.upper(), path) for path, item in document_of(site.app)["paths"].items() for method in item}
    routes = {
        (method, route.path_format)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, ContractRoute)
        for method in route.methods
    }
    assert documented == routes


def test_every_operation_is_described_with_its_security(site: Site) -> None:
    for call in calls(site):
        assert call.operation["summary"], call
        assert call.operation["description"], call
        assert bool(call.operation.get("security")) == (call.template not in PUBLIC | SIGNING_IN), call
        assert "default" in call.operation["responses"], call
    assert set(document_of(site.app)["components"]["securitySchemes"]) == {"basic", "bearer", "cookie"}


def test_every_success_with_a_body_has_a_schema(site: Site) -> None:
    for call in calls(site):
        for status, response in call.operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                assert content.get("schema"), (call.template, status, media_type)


def test_every_reference_of_the_document_leads_somewhere(site: Site) -> None:
    document = document_of(site.app)
    names = document["components"]["schemas"]

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for member in node.values():
                yield from references(member)
        elif isinstance(node, list):
            for member in node:
                yield from references(member)

    assert {reference.rpartition("/")[2] for reference in references(document)} <= set(names)


def test_fields_have_the_contracts_names(site: Site) -> None:
    schemas = document_of(site.app)["components"]["schemas"]
    for name, schema in schemas.items():
        if name != "AccessToken":  # named as in OAuth (RFC 6749, 5.1)
            assert not [field for field in schema.get("properties", {}) if "_" in field], name


def test_every_role_in_the_document_is_held_by_some_group(site: Site) -> None:
    held = {role for roles in ROLES_OF_GROUP.values() for role in roles}
    for router in ROUTERS:
        for route in router.routes:
            for dependency in getattr(route, "dependencies", ()):
                assert set(dependency.dependency.roles) <= held


async def test_document_is_served(site: Site) -> None:
    response = await site.nobody.get("/openapi.json")
    assert (response.status_code, response.headers["content-type"]) == (200, JSON)
    assert response.json() == document_of(site.app)


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect"])
async def test_pages_that_load_from_other_hosts_are_not_there(site: Site, path: str) -> None:
    assert (await site.nobody.get(path)).status_code == 404
