"""A platform with its pages and its REST, as a node serves them, and people who look at the pages."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx
import pytest

from certinel.bus.messages import TenantChanged
from certinel.domain.identifiers import TenantId
from certinel.domain.role import ADMINS, UserKind
from certinel.domain.tenant import Tenant
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft
from certinel.domain.user_account import UserAccount
from certinel.services import trusted_certificates
from certinel.services.platform import Platform
from certinel.storage import tenants, users
from certinel.storage.engine import Database
from certinel.wiring.http_application import HttpApplication
from support.certificates import Issued
from support.clock import MovableClock
from support.html_forms import HtmlForm, form_to
from support.platforms import ADMIN_PASSWORD, started_platform

TENANT = TenantId("t1000")
OTHER_TENANT = TenantId("t2000")
HOST = "iot.example.org"


@dataclass
class Visitor:
    """Somebody with a browser, without scripts."""

    http: httpx.AsyncClient

    async def sign_in(self, user: str, password: str = ADMIN_PASSWORD) -> httpx.Response:
        page = await self.http.get("/ui/sign-in")
        return await self.send(form_to(page.text, "/ui/sign-in"), user=user, password=password)

    async def get(self, address: str) -> httpx.Response:
        return await self.http.get(address)

    async def page(self, address: str) -> str:
        """The page at an address that must exist."""
        answer = await self.http.get(address)
        assert answer.status_code == httpx.codes.OK, f"{address}: {answer.status_code} {answer.headers.get('location')}"
        return answer.text

    async def send(self, form: HtmlForm, **filled: str) -> httpx.Response:
        """Send a form, some of its fields filled in; is not redirected."""
        return await self.http.post(form.action, data={**form.fields, **filled})

    async def fill(self, address: str, action: str, **filled: str) -> httpx.Response:
        """Open a page, fill in its form and send it."""
        return await self.send(form_to(await self.page(address), action), **filled)


@dataclass
class Site:
    """A running platform and those who visit it."""

    platform: Platform
    clock: MovableClock
    app: HttpApplication
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def visitor(self) -> Visitor:
        """Somebody who has not signed in."""
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}")
        return Visitor(await self._open.enter_async_context(client))

    async def signed_in(self, user: str = f"{TENANT}/admin") -> Visitor:
        visitor = await self.visitor()
        answer = await visitor.sign_in(user)
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        return visitor

    async def with_user(self, name: str, group: str, tenant: TenantId = TENANT) -> Visitor:
        """A new user who has signed in."""
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
        return await self.signed_in(f"{tenant}/{name}")

    async def of_another_tenant(self) -> Visitor:
        """The administrator of another tenant."""
        async with self.platform.database.transaction() as tx:
            await tenants.insert_if_absent(tx, Tenant(id=OTHER_TENANT, created_at=self.clock.now()))
            tx.after_commit(self.platform.bus.publish, TenantChanged(OTHER_TENANT))
        return await self.with_user("admin", ADMINS, OTHER_TENANT)

    async def trusted(
        self, ca: Issued, *, name: str = "plant", tenant: TenantId = TENANT, auto_registration: bool = True
    ) -> TrustedCertificate:
        """Make a tenant trust ``ca``."""
        draft = TrustedCertificateDraft(
            certificate_text=ca.pem, status=TrustStatus.ENABLED, name=name, auto_registration=auto_registration
        )
        async with self.platform.database.transaction() as tx:
            return await trusted_certificates.upload(tx, self.platform, tenant, draft)

    async def close(self) -> None:
        await self._open.aclose()


@pytest.fixture
def engine_name() -> str:
    """Pages are made of services that are tested on both engines."""
    return "sqlite"


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    clock = MovableClock()
    platform = await started_platform(database, clock)
    site = Site(platform, clock, HttpApplication(platform))
    yield site
    await site.close()


@pytest.fixture
async def admin(site: Site) -> Visitor:
    """The administrator of the tenant, signed in."""
    return await site.signed_in()
