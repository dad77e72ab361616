"""Two tenants on a platform that allows four certificates, and the services by which they come to trust CAs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from certinel.bus.messages import TenantChanged
from certinel.domain.admission import TrustPolicy
from certinel.domain.certificate import Certificate
from certinel.domain.identifiers import DeviceId, TenantId, device_user_name
from certinel.domain.role import ADMINS, UserKind
from certinel.domain.tenant import Tenant, TenantStatus
from certinel.domain.tenant_option import TenantOption
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft
from certinel.domain.user_account import UserAccount
from certinel.services import possession, revocation, tenant_options, trusted_certificates, users
from certinel.services.platform import Platform, PlatformOptions
from certinel.services.trusted_certificates import Change
from certinel.storage import tenants
from certinel.storage import users as stored_users
from certinel.storage.engine import Database
from support.certificates import AT, Issued
from support.clock import MovableClock
from support.platforms import ADMIN_PASSWORD, started_platform

OURS = TenantId("t1000")
THEIRS = TenantId("t2000")


@dataclass
class Scene:
    """A platform on a real database, with the tenants ``OURS`` and ``THEIRS``, each with its administrator."""

    platform: Platform
    clock: MovableClock

    @classmethod
    async def on(cls, database: Database, *, require_proof: bool = False) -> Scene:
        clock = MovableClock(AT)
        policy = TrustPolicy(max_chain_length=4, require_proof=require_proof)
        platform = await started_platform(
            database, clock, PlatformOptions(public_host="iot.example.org", policy=policy)
        )
        administrator = UserAccount(
            tenant=THEIRS,
            name="admin",
            kind=UserKind.PERSON,
            groups=frozenset({ADMINS}),
            created_at=AT,
            password_hash=await platform.passwords.hash(ADMIN_PASSWORD),
        )
        async with platform.database.transaction() as tx:
            await tenants.insert_if_absent(tx, Tenant(id=THEIRS, created_at=AT))
            await stored_users.insert_if_absent(tx, administrator)
            tx.after_commit(platform.bus.publish, TenantChanged(THEIRS))
        return cls(platform, clock)

    async def trust(
        self,
        ca: Issued,
        tenant: TenantId = OURS,
        *,
        name: str = "Plant",
        auto_registration: bool = True,
        in_trust_store: bool = True,
        at: datetime | None = None,
    ) -> TrustedCertificate:
        """Upload a CA, perhaps at an earlier moment."""
        now = self.clock.now()
        self.clock.set(at or now)
        draft = TrustedCertificateDraft(
            certificate_text=ca.pem,
            status=TrustStatus.ENABLED,
            name=name,
            auto_registration=auto_registration,
            in_trust_store=in_trust_store,
        )
        async with self.platform.database.transaction() as tx:
            trusted = await trusted_certificates.upload(tx, self.platform, tenant, draft)
        self.clock.set(now)
        return trusted

    async def prove(self, trusted: TrustedCertificate) -> None:
        async with self.platform.database.transaction() as tx:
            await possession.confirm(tx, self.platform, trusted.tenant, trusted.fingerprint)

    async def disable(self, trusted: TrustedCertificate) -> None:
        async with self.platform.database.transaction() as tx:
            change = Change(status=TrustStatus.DISABLED)
            await trusted_certificates.update(tx, self.platform, trusted.tenant, trusted.fingerprint, change)

    async def delete(self, trusted: TrustedCertificate) -> None:
        async with self.platform.database.transaction() as tx:
            await trusted_certificates.delete(tx, self.platform, trusted.tenant, trusted.fingerprint)

    async def revoke(self, certificate: Issued) -> None:
        """Put a certificate on our list, and let the list count."""
        await self.switch("crl.offline.check.enabled")
        revoked = Certificate.parse(certificate.der)
        async with self.platform.database.transaction() as tx:
            await revocation.revoke_certificate(tx, self.platform, OURS, revoked, AT)

    async def switch(self, key: str) -> None:
        """Switch one of our options on."""
        async with self.platform.database.transaction() as tx:
            await tenant_options.put(tx, self.platform, TenantOption(OURS, "configuration", key, "true"))

    async def register(self, device: str, *, is_enabled: bool = True) -> None:
        """Make the user of a device."""
        at, bus = self.clock.now(), self.platform.bus
        async with self.platform.database.transaction() as tx:
            await users.register_device(tx, bus, OURS, DeviceId(device), at)
            name = device_user_name(DeviceId(device))
            await users.set_enabled(tx, self.platform, OURS, name, is_enabled=is_enabled)

    async def limit_devices(self, tenant: TenantId, most: int) -> None:
        async with self.platform.database.transaction() as tx:
            await tenants.save(tx, Tenant(id=tenant, created_at=AT, max_devices=most))
            tx.after_commit(self.platform.bus.publish, TenantChanged(tenant))

    async def suspend(self, tenant: TenantId) -> None:
        async with self.platform.database.transaction() as tx:
            await tenants.save(tx, Tenant(id=tenant, status=TenantStatus.SUSPENDED, created_at=AT))
            tx.after_commit(self.platform.bus.publish, TenantChanged(tenant))
