"""Every kind of change after which a device may not go on: what is done, and what the next connect is refused with.

The stage requires a proof of possession, and its tenant has given it.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from io import BytesIO
from types import MappingProxyType

from certinel.bus.messages import DeviceUserChanged, TenantChanged
from certinel.domain.admission import TrustPolicy
from certinel.domain.certificate import Certificate
from certinel.domain.errors import Code
from certinel.domain.revocation import OFFLINE_CHECK, ONLINE_CHECK
from certinel.domain.tenant import Tenant, TenantStatus
from certinel.domain.tenant_option import TenantOption
from certinel.domain.trusted_certificate import TrustStatus
from certinel.services import authority_lists, possession, revocation, tenant_options, trusted_certificates, users
from certinel.services import tenants as tenant_services
from certinel.services.platform import PlatformOptions
from certinel.services.trusted_certificates import Change
from certinel.storage import tenants
from certinel.storage import users as stored_users
from support.certificates import AT, VALID, Issued
from support.revocation_lists import revocation_list
from support.stage import TENANT, THEIRS, Stage, StageMaker

DEVICE = "pump"
DEVICE_USER = f"device_{DEVICE}"
LASTS = timedelta(minutes=20)
"""How long the device's certificate is still good; a token lives longer."""

TrustChange = Callable[[Stage, Issued], Awaitable[None]]


async def stage_with_proof(make_stage: StageMaker) -> Stage:
    stage = await make_stage(platform_options=PlatformOptions(policy=TrustPolicy(require_proof=True)))
    await stage.prove(TENANT)
    return stage


def device_of(stage: Stage) -> Issued:
    return stage.root.device(DEVICE, valid=(VALID[0], stage.clock.now() + LASTS))


async def disabled(stage: Stage, _: Issued) -> None:
    await stage.change(Change(status=TrustStatus.DISABLED))


async def deleted(stage: Stage, _: Issued) -> None:
    async with stage.platform.database.transaction() as tx:
        await trusted_certificates.delete(tx, stage.platform, TENANT, stage.fingerprint)


async def device_revoked(stage: Stage, device: Issued) -> None:
    async with stage.platform.database.transaction() as tx:
        await tenant_options.put(tx, stage.platform, TenantOption(TENANT, *OFFLINE_CHECK, "true"))
        await revocation.revoke_certificate(tx, stage.platform, TENANT, Certificate.parse(device.der), AT)


async def authority_revoked(stage: Stage, _: Issued) -> None:
    async with stage.platform.database.transaction() as tx:
        await tenant_options.put(tx, stage.platform, TenantOption(TENANT, *OFFLINE_CHECK, "true"))
        await revocation.revoke_certificate(tx, stage.platform, TENANT, Certificate.parse(stage.root.der), AT)


async def on_the_list_of_its_ca(stage: Stage, device: Issued) -> None:
    sent = revocation_list(stage.root, [device.certificate.serial_number])
    await authority_lists.upload(stage.platform, TENANT, BytesIO(sent))


async def online_check_without_a_list(stage: Stage, _: Issued) -> None:
    async with stage.platform.database.transaction() as tx:
        await tenant_options.put(tx, stage.platform, TenantOption(TENANT, *ONLINE_CHECK, "true"))


async def proof_withdrawn(stage: Stage, _: Issued) -> None:
    async with stage.platform.database.transaction() as tx:
        await possession.withdraw(tx, stage.platform, TENANT, stage.fingerprint)


async def proven_by_another_tenant_too(stage: Stage, _: Issued) -> None:
    await stage.with_another_tenant()
    await stage.upload(stage.root, tenant=THEIRS)
    await stage.prove(THEIRS)


async def device_removed_without_auto_registration(stage: Stage, _: Issued) -> None:
    await stage.change(Change(auto_registration=False))
    async with stage.platform.database.transaction() as tx:
        assert await stored_users.remove(tx, TENANT, DEVICE_USER)
        tx.after_commit(stage.platform.bus.publish, DeviceUserChanged(TENANT, DEVICE_USER))


async def device_user_disabled(stage: Stage, _: Issued) -> None:
    async with stage.platform.database.transaction() as tx:
        await users.set_enabled(tx, stage.platform, TENANT, DEVICE_USER, is_enabled=False)


async def tenant_suspended(stage: Stage, _: Issued) -> None:
    async with stage.platform.database.transaction() as tx:
        await tenants.save(tx, Tenant(id=TENANT, status=TenantStatus.SUSPENDED, created_at=AT))
        tx.after_commit(stage.platform.bus.publish, TenantChanged(TENANT))


async def tenant_deleted(stage: Stage, _: Issued) -> None:
    async with stage.platform.database.transaction() as tx:
        await tenant_services.delete(tx, stage.platform, TENANT)


async def certificate_ran_out(stage: Stage, _: Issued) -> None:
    stage.clock.move(LASTS + timedelta(seconds=1))


CHANGES: Mapping[TrustChange, Code] = MappingProxyType(
    {
        disabled: Code.TRUST_DISABLED,
        deleted: Code.TRUST_DELETED,
        device_revoked: Code.DEVICE_REVOKED,
        authority_revoked: Code.AUTHORITY_REVOKED,
        on_the_list_of_its_ca: Code.DEVICE_REVOKED,
        online_check_without_a_list: Code.LIST_STALE,
        proof_withdrawn: Code.NEEDS_PROOF,
        proven_by_another_tenant_too: Code.AMBIGUOUS_TENANT,
        device_removed_without_auto_registration: Code.REGISTRATION_REQUIRED,
        device_user_disabled: Code.DEVICE_DISABLED,
        tenant_suspended: Code.TENANT_SUSPENDED,
        tenant_deleted: Code.UNKNOWN_ISSUER,
        certificate_ran_out: Code.EXPIRED,
    }
)
