"""A platform with two tenants, a device, and one client for every kind of caller; every answer is checked against the
OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from fastapi import FastAPI

from certinel.api.app import create_app
from certinel.api.openapi import document_of
from certinel.bus.messages import DeviceUserChanged, TenantChanged
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.managed_object import SERIAL, ExternalId, ManagedObjectId
from certinel.domain.role import ADMINS, READERS, UserKind
from certinel.domain.tenant import Tenant
from certinel.domain.trusted_certificate import TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft
from certinel.domain.user_account import UserAccount
from certinel.services import tokens, trusted_certificates
from certinel.services.platform import Platform
from certinel.services.tokens import TokenHolder
from certinel.storage import device_chains, external_ids, managed_objects, measurements, tenants, users
from certinel.storage.engine import Database
from certinel.storage.managed_objects import NewManagedObject
from integration.api.conformance import Conformance
from support.certificates import Issued, root_authority
from support.clock import MovableClock
from support.platforms import ADMIN_PASSWORD, started_platform

ON_ONE_ENGINE = pytest.mark.parametrize("engine_name", ["sqlite"])
"""For what is decided before the database is asked."""

TENANT = TenantId("t1000")
OTHER_TENANT = TenantId("t2000")
HOST = "iot.example.org"
BASE_URL = f"https://{HOST}"
DEVICE_IN_CHAIN = DeviceId("pump-7")


@dataclass
class Site:
    """A running platform and everybody who calls it."""

    platform: Platform
    clock: MovableClock
    app: FastAPI
    conformance: Conformance

    def client(self, *, authorization: str | None = None, base_url: str = BASE_URL) -> httpx.AsyncClient:
        """A caller with this Authorization header."""

        async def check(response: httpx.Response) -> None:
            await response.aread()
            self.conformance.check(response)

        headers = {} if authorization is None else {"authorization": authorization}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app),
            base_url=base_url,
            headers=headers,
            event_hooks={"response": [check]},
        )

    def person(self, user: str, password: str = ADMIN_PASSWORD, *, base_url: str = BASE_URL) -> httpx.AsyncClient:
        """A caller with Basic credentials."""
        return self.client(authorization=httpx.BasicAuth(user, password)._auth_header, base_url=base_url)

    @property
    def nobody(self) -> httpx.AsyncClient:
        return self.client()

    @property
    def admin(self) -> httpx.AsyncClient:
        return self.person(f"{TENANT}/admin")

    @property
    def operator(self) -> httpx.AsyncClient:
        return self.person("management/admin")

    async def add_person(self, tenant: TenantId, name: str, group: str) -> httpx.AsyncClient:
        """A new user with the password of all users here."""
        account = UserAccount(
            tenant=tenant,
            name=name,
            kind=UserKind.PERSON,
            groups=frozenset({group}),
            created_at=self.clock.now(),
            password_hash=await self.platform.passwords.hash(ADMIN_PASSWORD),
        )
        async with self.platform.database.transaction() as tx:
            await users.insert_if_absent(tx, account)
        return self.person(f"{tenant}/{name}")

    async def reader(self) -> httpx.AsyncClient:
        """Somebody who may read everything in the tenant and change nothing."""
        return await self.add_person(TENANT, "reader", READERS)

    async def bootstrap(self) -> httpx.AsyncClient:
        """The user whose password new devices of every tenant share."""
        answer = await self.operator.put(
            "/user/management/users/devicebootstrap/password", json={"newPassword": ADMIN_PASSWORD}
        )
        assert answer.is_success, answer.text
        return self.person("management/devicebootstrap")

    async def stranger(self) -> httpx.AsyncClient:
        """The administrator of another tenant."""
        async with self.platform.database.transaction() as tx:
            await tenants.insert_if_absent(tx, Tenant(id=OTHER_TENANT, created_at=self.clock.now()))
            tx.after_commit(self.platform.bus.publish, TenantChanged(OTHER_TENANT))
        return await self.add_person(OTHER_TENANT, "admin", ADMINS)

    async def trusted(self, ca: Issued, *, name: str = "plant") -> str:
        """Upload ``ca`` without the API and return its fingerprint."""
        draft = TrustedCertificateDraft(
            certificate_text=ca.pem, status=TrustStatus.ENABLED, name=name, auto_registration=True
        )
        async with self.platform.database.transaction() as tx:
            return (await trusted_certificates.upload(tx, self.platform, TENANT, draft)).fingerprint

    async def connected_device(self, leaf: Issued, name: DeviceId = DEVICE_IN_CHAIN) -> "Device":
        """What is there after a device has connected, sent something and fetched its token."""
        at = self.clock.now()
        account = UserAccount.of_device(TENANT, name, at)
        digest = leaf.certificate.fingerprint(hashes.SHA256())
        new = NewManagedObject(
            tenant=TENANT,
            name=f"MQTT Device {name}",
            type="c8y_MQTTDevice",
            owner=account.name,
            created_at=at,
            fragments={"c8y_IsDevice": {}, "com_cumulocity_model_Agent": {}},
        )
        async with self.platform.database.transaction() as tx:
            await users.insert_if_absent(tx, account)
            chain = device_chains.DeviceChain(
                tenant=TENANT, device=name, leaf_sha256=digest, presented=leaf.chain_der, seen_at=at
            )
            await device_chains.remember(tx, chain)
            (number,) = await managed_objects.create(tx, [new])
            await external_ids.bind(tx, TENANT, ExternalId(SERIAL, name, number))
            fragments = {"c8y_Temperature": {"T": {"value": 21.5, "unit": "C"}}}
            measurements.add(tx, TENANT, number, "c8y_Temperature", at, at, fragments)
            tx.after_commit(self.platform.bus.publish, DeviceUserChanged(TENANT, account.name))
        holder = TokenHolder(tenant=TENANT, device=name, leaf_sha256=digest, host=HOST)
        async with self.platform.database.reading() as tx:
            token = await tokens.issue_device_token(tx, self.platform.tokens, holder, at)
        return Device(number, account.name, token, self.client(authorization=f"Bearer {token}"))

    async def add_object(
        self, owner: str, external_id: str, fragments: Mapping[str, object] = MappingProxyType({})
    ) -> ManagedObjectId:
        """A managed object with an external id."""
        new = NewManagedObject(
            tenant=TENANT, name=None, type=None, owner=owner, created_at=self.clock.now(), fragments=fragments
        )
        async with self.platform.database.transaction() as tx:
            (number,) = await managed_objects.create(tx, [new])
            await external_ids.bind(tx, TENANT, ExternalId(SERIAL, external_id, number))
        return number


@dataclass
class Device:
    """A device that has connected."""

    number: ManagedObjectId
    user_name: str
    token: str
    client: httpx.AsyncClient


@pytest.fixture(scope="session")
def plant() -> Issued:
    return root_authority("Plant CA")


@pytest.fixture(scope="session")
def pump(plant: Issued) -> Issued:
    return plant.device(DEVICE_IN_CHAIN)


@pytest.fixture(scope="session")
def documents() -> list[dict[str, Any]]:
    """The document of the first application: it takes a while to make, and is the same for all of them."""
    return []


@pytest.fixture
async def site(database: Database, documents: list[dict[str, Any]]) -> Site:
    clock = MovableClock()
    platform = await started_platform(database, clock)
    app = create_app(platform)
    if not documents:
        documents.append(document_of(app))
    app.openapi_schema = documents[0]
    return Site(platform, clock, app, Conformance(document_of(app)))


@pytest.fixture
async def device(site: Site, plant: Issued, pump: Issued) -> Device:
    await site.trusted(plant)
    return await site.connected_device(pump)
