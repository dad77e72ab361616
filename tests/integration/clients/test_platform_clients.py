"""The public clients of the REST contract, unmodified: c8y-api and pyc8y for Python, @c8y/client for JavaScript."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from c8y_api import CumulocityApi, CumulocityDeviceRegistry, HTTPBearerAuth, UnauthorizedError
from c8y_api.model import AuditRecord, Device, ExternalId, TenantOption, User
from pyc8y.auth import BasicAuth
from pyc8y.client import CumulocityClient
from pyc8y.model.identity import ExternalId as AsyncExternalId
from pyc8y.model.managed_object import Device as AsyncDevice
from pyc8y.model.tenant_option import TenantOption as AsyncTenantOption
from pyc8y.model.trusted_certificates import TrustedCertificate
from pyc8y.model.user import User as AsyncUser

from certinel.pki.proof import signature_of
from support.certificates import Issued, root_authority
from support.client_programs import SOURCES
from support.commands import run
from support.node import ADMIN_PASSWORD, TENANT, Node, eventually, started_node

TABLE = b"ID\tAUTH_TYPE\n%s\tCERTIFICATES\n"
"""For the file of a bulk registration."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Asked over plain HTTP on loopback: pyc8y signs in under the certificates of the web and no others."""
    with started_node(tmp_path_factory.mktemp("node") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def url(node: Node) -> str:
    return f"http://127.0.0.1:{node.ports['http']}"


@pytest.fixture(scope="module")
def plant() -> Issued:
    return root_authority("Plant CA")


# ---- c8y-api


@pytest.fixture
def api(url: str) -> CumulocityApi:
    return CumulocityApi(url, TENANT, "admin", ADMIN_PASSWORD)


def test_c8y_api_signs_in_and_works_with_the_token(url: str) -> None:
    token, _xsrf = CumulocityApi.authenticate(url, TENANT, "admin", ADMIN_PASSWORD)
    assert CumulocityApi(url, TENANT, auth=HTTPBearerAuth(token)).users.get_current().username == "admin"


def test_c8y_api_hears_why_it_is_not_signed_in(url: str) -> None:
    with pytest.raises(UnauthorizedError) as refused:
        CumulocityApi.authenticate(url, TENANT, "admin", "wrong")
    assert "Bad credentials" in refused.value.message


def test_c8y_api_sets_reads_and_removes_options(api: CumulocityApi) -> None:
    options = api.tenant_options
    options.create(TenantOption(category="plant", key="hall", value="3"))
    option = options.get("plant", "hall")
    option.value = "4"
    option.update()
    options.update_by("plant", {"line": "7"})
    assert options.get_all_mapped("plant") == {"hall": "4", "line": "7"}
    assert {one.key for one in options.get_all()} >= {"hall", "line"}
    options.delete_by("plant", "hall")
    with pytest.raises(KeyError):
        options.get("plant", "hall")


def test_c8y_api_reads_the_audit_log_and_adds_to_it(api: CumulocityApi) -> None:
    stored = AuditRecord(api, type="Cabinet", time="now", source="4711", activity="Opened.", text="By hand.").create()
    assert api.audit_records.get(stored.id).activity == "Opened."
    assert [one.id for one in api.audit_records.get_all(source="4711", max_age=timedelta(hours=1))] == [stored.id]
    assert api.audit_records.get_all(limit=1)[0].id == "1"
    assert api.audit_records.get_all(reverse=True, limit=1)[0].id == stored.id


def test_c8y_api_makes_users_and_gives_them_groups(api: CumulocityApi) -> None:
    User(api, username="cara", email="cara@example.com", password="a long password", enabled=True).create()
    assert api.users.get("cara").email == "cara@example.com"
    groups = {one.name: one.id for one in api.global_roles.get_all()}
    api.users.get("cara").assign_global_role(groups["readers"])
    assert api.users.get("cara").global_role_ids == {groups["readers"]}
    assert [one.username for one in api.users.get_all(groups=[groups["readers"]])] == ["cara"]
    api.users.get("cara").unassign_global_role(groups["readers"])
    api.users.get("cara").delete()
    with pytest.raises(KeyError):
        api.users.get("cara")


def test_c8y_api_works_with_the_inventory(api: CumulocityApi) -> None:
    pump = Device(api, type="pump", name="Pump 7", c8y_Plant={"hall": 3}).create()
    pump["c8y_Plant"]["hall"] = 4
    pump.name = "Pump seven"
    pump.update()
    ExternalId(api, external_id="py-pump", external_type="c8y_Serial", managed_object_id=pump.id).create()
    found = api.inventory.get(api.identity.get_id("py-pump", "c8y_Serial"))
    assert (found.name, found["c8y_Plant"]["hall"]) == ("Pump seven", 4)
    assert [one.id for one in api.inventory.get_all(type="pump")] == [pump.id]
    pump.delete()
    with pytest.raises(KeyError):
        api.inventory.get(pump.id)


def test_c8y_api_registers_in_bulk(api: CumulocityApi) -> None:
    result = api.post_file("/devicecontrol/bulkNewDeviceRequests", BytesIO(TABLE % b"py-bulk"))
    assert (result["numberOfSuccessful"], result["numberOfAll"]) == (1, 1)


def test_c8y_api_registers_a_device_that_waits_for_its_password(api: CumulocityApi, url: str) -> None:
    api.device_inventory.request("py-waiting")
    User(api, username="bootstrap-py", password="a long password", enabled=True).create()
    api.users.get("bootstrap-py").assign_global_role("bootstrap")
    registry = CumulocityDeviceRegistry(url, TENANT, "bootstrap-py", "a long password")
    connections: list[CumulocityApi] = []

    def wait() -> None:
        connections.append(registry.await_connection("py-waiting", timeout="30s", pause="1s"))

    def is_accepted() -> bool:
        try:
            api.device_inventory.accept("py-waiting")
        except KeyError:  # it has not asked yet
            return False
        return True

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    eventually(is_accepted)
    waiting.join(30)
    assert [one.users.get_current().username for one in connections] == ["device_py-waiting"]


# ---- pyc8y


@pytest.fixture
async def client(url: str) -> AsyncIterator[CumulocityClient]:
    """Signed in with the token it gets for a password."""
    auth, _xsrf = await CumulocityClient.authenticate(url, TENANT, "admin", ADMIN_PASSWORD)
    async with CumulocityClient(url, TENANT, auth) as signed_in:
        yield signed_in


async def test_pyc8y_is_who_signed_in(client: CumulocityClient) -> None:
    assert (await client.users.get_current()).username == "admin"


async def test_pyc8y_sets_reads_and_removes_options(client: CumulocityClient) -> None:
    options = client.tenant_options
    await options.create(AsyncTenantOption(category="async.plant", key="hall", value="3"))
    await options.set_value("async.plant", "line", "7")
    assert await options.get_values("async.plant") == {"hall": "3", "line": "7"}
    await (await options.get("async.plant", "hall")).delete()
    with pytest.raises(KeyError):
        await options.get("async.plant", "hall")


async def test_pyc8y_uploads_a_ca_and_proves_that_it_holds_its_key(client: CumulocityClient, plant: Issued) -> None:
    certificates = client.trusted_certificates
    uploaded = await TrustedCertificate(
        client, certificate_pem=plant.pem, name="from Python", status="ENABLED", auto_registration_enabled=True
    ).create()
    assert (uploaded.fingerprint, uploaded.pop_valid) == (plant.fingerprint, False)
    challenge = await certificates.generate_pop_challenge(plant.fingerprint)
    signature = signature_of(challenge.pop_challenge.encode(), plant.key)  # type: ignore[arg-type]  # an EC key
    assert (await certificates.provide_pop_verification(plant.fingerprint, signature)).pop_valid
    uploaded.status = "DISABLED"
    await uploaded.update()
    assert [one.status for one in await certificates.get_all(limit=None)] == ["DISABLED"]
    with pytest.raises(ValueError, match="409"):
        await TrustedCertificate(client, certificate_pem=plant.pem, name="twice", status="ENABLED").create()
    with pytest.raises(KeyError):
        await certificates.get_certificate_authority()
    await certificates.delete(plant.fingerprint)
    with pytest.raises(KeyError):
        await certificates.get(plant.fingerprint)


async def test_pyc8y_confirms_as_management(client: CumulocityClient, url: str) -> None:
    other = root_authority("Other CA")
    await TrustedCertificate(client, certificate_pem=other.pem, name="other", status="ENABLED").create()
    async with CumulocityClient(url, "management", BasicAuth("management/admin", ADMIN_PASSWORD)) as management:
        assert (await management.trusted_certificates.confirm_pop(TENANT, other.fingerprint)).pop_valid
        assert TENANT in [one.id for one in await management.tenants.get_all(limit=None)]
    await client.trusted_certificates.delete(other.fingerprint)


async def test_pyc8y_revokes_and_downloads_the_list(client: CumulocityClient) -> None:
    await client.trusted_certificates.revoke("abcd", ("beef", "2023-01-11T16:12:36.288Z"))
    assert (await client.trusted_certificates.get_revoked()).startswith(b"\x30")


async def test_pyc8y_makes_users_and_gives_them_groups(client: CumulocityClient) -> None:
    dora = await AsyncUser(client, username="dora", password="a long password").create()
    readers = await client.user_groups.get_by_name("readers")
    await dora.assign_global_role(readers.id)
    assert [one.name for one in await dora.retrieve_global_roles()] == ["readers"]
    assert [one.username for one in await client.users.get_all(groups="readers", limit=None)] == ["dora"]
    await dora.unassign_global_role(readers.id)
    await dora.delete()
    assert "dora" not in [one.username for one in await client.users.get_all(limit=None)]


async def test_pyc8y_works_with_the_inventory(client: CumulocityClient) -> None:
    pump = await AsyncDevice(client, type="async-pump", name="Pump 8").create()
    pump.name = "Pump eight"
    await pump.update()
    serial = AsyncExternalId(external_id="async-pump", external_type="c8y_Serial", managed_object_id=pump.id)
    await client.identity.create(serial)
    assert await client.identity.get_id("async-pump", "c8y_Serial") == pump.id
    assert (await client.inventory.get(pump.id)).name == "Pump eight"
    assert await client.inventory.get_count(type="async-pump") == 1
    await client.inventory.delete(pump.id)


async def test_pyc8y_registers_in_bulk_and_asks_for_a_single_device(client: CumulocityClient) -> None:
    file = BytesIO(TABLE % b"async-bulk")
    result = await client.post_file("/devicecontrol/bulkNewDeviceRequests", file=file, content_type="text/csv")
    assert result["numberOfSuccessful"] == 1
    await client.device_inventory.request("async-waiting")
    with pytest.raises(KeyError):  # 404: it has not asked yet
        await client.device_inventory.accept("async-waiting")


# ---- @c8y/client


def javascript(url: str, task: str, *more: str | Path, password: str = ADMIN_PASSWORD) -> Any:
    """What the program prints for one task."""
    if not (SOURCES / "javascript/node_modules/@c8y/client").exists():
        pytest.skip("@c8y/client is not installed: npm could not fetch it (make setup-test)")
    program = SOURCES / "javascript/platform.js"
    return json.loads(run("node", program, url, TENANT, "admin", password, task, *more).succeeded().output)


def test_javascript_signs_in(url: str) -> None:
    signed_in = javascript(url, "login")
    assert (signed_in["tenant"], signed_in["user"], signed_in["roles"] > 10) == (TENANT, "admin", True)


def test_javascript_trusts_the_ca_of_the_node(node: Node) -> None:
    program = (SOURCES / "javascript/platform.js", node.https_url, TENANT, "admin", ADMIN_PASSWORD, "login")
    if not (SOURCES / "javascript/node_modules/@c8y/client").exists():
        pytest.skip("@c8y/client is not installed: npm could not fetch it (make setup-test)")
    outcome = run("node", *program, environment={"NODE_EXTRA_CA_CERTS": str(node.server_ca)})
    assert json.loads(outcome.succeeded().output)["user"] == "admin"


def test_javascript_hears_why_it_is_refused(url: str) -> None:
    refused = javascript(url, "refused", password="wrong")
    assert (refused["status"], "Bad credentials" in refused["message"]) == (401, True)


def test_javascript_sets_and_reads_options(url: str) -> None:
    assert javascript(url, "options") == {"value": "4", "shared": "true"}


def test_javascript_uploads_a_ca_and_proves_that_it_holds_its_key(url: str, tmp_path: Path) -> None:
    issued = root_authority("JavaScript CA")
    (tmp_path / "ca.pem").write_text(issued.pem)
    code = javascript(url, "upload", tmp_path / "ca.pem")["proofOfPossessionUnsignedVerificationCode"]
    proof = javascript(url, "prove", issued.fingerprint, signature_of(code.encode(), issued.key))  # type: ignore[arg-type]  # an EC key
    assert (proof["proven"], issued.fingerprint in proof["listed"]) == (True, True)


def test_javascript_works_with_the_inventory(url: str) -> None:
    assert javascript(url, "inventory") == {"name": "pump 7", "pages": 1}


def test_javascript_makes_users_and_gives_them_groups(url: str) -> None:
    users = javascript(url, "users")
    assert (users["enabled"], users["groups"], "jane" in users["left"]) == (False, ["readers"], False)


def test_javascript_registers_one_device_and_many(url: str, tmp_path: Path) -> None:
    expected = javascript(url, "registration")
    assert (expected["status"], expected["tooEarly"]) == ("WAITING_FOR_CONNECTION", 404)
    assert "js-expected" in expected["listed"]
    (tmp_path / "fleet.csv").write_bytes(TABLE % b"js-bulk")
    assert javascript(url, "bulk", tmp_path / "fleet.csv")["numberOfSuccessful"] == 1
