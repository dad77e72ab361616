"""A gateway in this process: on a real database, behind real TLS, with a clock that the test moves."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from certinel.bus.messages import TenantChanged
from certinel.domain.certificate import Certificate
from certinel.domain.identifiers import TenantId
from certinel.domain.tenant import Tenant
from certinel.domain.trusted_certificate import TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft
from certinel.gateway.gateway import Gateway
from certinel.mqtt import ProtocolVersion
from certinel.services import possession, trusted_certificates
from certinel.services.platform import Platform
from certinel.storage import tenants
from support.certificates import AT, Issued, root_authority
from support.clock import MovableClock
from support.wire_device import WireDevice, wire_device

TENANT = TenantId("t1000")
THEIRS = TenantId("t2000")
THEIR_DOMAIN = "their.example.com"


@dataclass
class Stage:
    """A platform, its gateway, and a CA that the tenant trusts."""

    platform: Platform
    gateway: Gateway
    clock: MovableClock
    root: Issued
    folder: Path

    def device(
        self,
        name: str,
        *,
        version: ProtocolVersion = ProtocolVersion.V3_1_1,
        issued: Issued | None = None,
        source: str | None = None,
        server_name: str | None = None,
    ) -> AbstractAsyncContextManager[WireDevice]:
        device, port = issued or self.root.device(name), self.gateway.port
        return wire_device(device, self.folder, port, version=version, source=source, server_name=server_name)

    @property
    def fingerprint(self) -> str:
        """Of the CA in ``root``."""
        return Certificate.parse(self.root.der).fingerprint

    async def change(self, change: trusted_certificates.Change) -> None:
        async with self.platform.database.transaction() as tx:
            await trusted_certificates.update(tx, self.platform, TENANT, self.fingerprint, change)

    async def prove(self, tenant: TenantId) -> None:
        """The management tenant confirms that ``tenant`` possesses the key of ``root``."""
        async with self.platform.database.transaction() as tx:
            await possession.confirm(tx, self.platform, tenant, self.fingerprint)

    async def upload(self, authority: Issued, *, auto_registration: bool = True, tenant: TenantId = TENANT) -> None:
        draft = TrustedCertificateDraft(
            certificate_text=authority.pem,
            status=TrustStatus.ENABLED,
            name="fleet",
            auto_registration=auto_registration,
        )
        async with self.platform.database.transaction() as tx:
            await trusted_certificates.upload(tx, self.platform, tenant, draft)

    async def with_another_tenant(self) -> Issued:
        """Let another tenant, with a domain and a CA of its own, live on the same node."""
        theirs = root_authority("Their CA")
        async with self.platform.database.transaction() as tx:
            await tenants.insert_if_absent(tx, Tenant(id=THEIRS, created_at=AT, domain=THEIR_DOMAIN))
            tx.after_commit(self.platform.bus.publish, TenantChanged(THEIRS))
        await self.upload(theirs, tenant=THEIRS)
        return theirs


StageMaker = Callable[..., Awaitable[Stage]]
