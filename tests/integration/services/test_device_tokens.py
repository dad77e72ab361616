"""Device tokens from the connected device to the REST call, and everything that ends them."""

import base64
import json
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from certinel.bus.messages import TenantChanged
from certinel.domain.admission import Admission, ConnectAttempt
from certinel.domain.host_name import HostNames
from certinel.domain.identifiers import MANAGEMENT_TENANT, DeviceId, TenantId
from certinel.domain.role import Role, UserKind
from certinel.domain.tenant import Tenant, TenantStatus
from certinel.domain.tenant_option import TenantOption
from certinel.domain.trusted_certificate import TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft
from certinel.services import admission, tenant_options, trusted_certificates, users
from certinel.services.authentication import by_token
from certinel.services.platform import Platform
from certinel.services.signing_keys import TokenRefusedError
from certinel.services.tokens import TokenHolder
from certinel.services.trusted_certificates import Change
from certinel.storage import device_chains
from certinel.storage import tenants as stored_tenants
from certinel.storage.device_chains import DeviceChain
from support.certificates import Issued, root_authority
from support.clock import START, MovableClock

T1 = TenantId("t1000")
HOST = "iot.example.org"
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
USER = "device_pump-7"
LIFETIME = ("oauth.internal", "device-token.lifespan.seconds")


@dataclass(frozen=True)
class Pump:
    """A device that has connected, and what it connected with."""

    platform: Platform
    root: Issued
    admission: Admission
    attempt: ConnectAttempt

    @property
    def fingerprint(self) -> str:
        return self.admission.trusted.fingerprint

    async def token(self, host: str = HOST) -> str:
        return await admission.hand_out_token(self.platform, self.admission, self.attempt, host)

    async def change(self, change: Change) -> None:
        async with self.platform.database.transaction() as tx:
            await trusted_certificates.update(tx, self.platform, T1, self.fingerprint, change)

    async def set_enabled(self, *, is_enabled: bool) -> None:
        async with self.platform.database.transaction() as tx:
            await users.set_enabled(tx, self.platform, T1, USER, is_enabled=is_enabled)


async def upload(platform: Platform, root: Issued, tenant: TenantId = T1) -> None:
    draft = TrustedCertificateDraft(certificate_text=root.pem, status=TrustStatus.ENABLED, auto_registration=True)
    async with platform.database.transaction() as tx:
        await trusted_certificates.upload(tx, platform, tenant, draft)


@pytest.fixture
async def pump(platform: Platform) -> Pump:
    """A device of the tenant t1000 that registered itself."""
    root = root_authority("Plant CA")
    await upload(platform, root)
    attempt = ConnectAttempt(root.device("pump-7").chain_der, client_id="d:pump-7")
    admitted = admission.judge(platform, attempt)
    assert isinstance(admitted, Admission)
    async with platform.database.transaction() as tx:
        await admission.register(platform, tx, [admitted])
    return Pump(platform, root, admitted, attempt)


async def set_lifetime(platform: Platform, seconds: str) -> None:
    async with platform.database.transaction() as tx:
        await tenant_options.put(tx, platform, TenantOption(T1, *LIFETIME, seconds))


async def refused(platform: Platform, token: str) -> bool:
    try:
        await by_token(platform, token)
    except TokenRefusedError:
        return True
    return False


def lifetime_of(platform: Platform, token: str) -> timedelta:
    claims = platform.tokens.verify(token, platform.clock.now())
    return claims.expires_at - claims.issued_at


async def test_with_its_token_a_device_calls_as_its_device_user(pump: Pump) -> None:
    principal = await by_token(pump.platform, await pump.token())
    assert (principal.tenant, principal.user_name, principal.kind) == (T1, USER, UserKind.DEVICE)
    assert principal.has_any(Role.DEVICE)
    assert not principal.has_any(Role.TENANT_ADMIN)


async def test_the_token_names_the_host_and_the_certificate(pump: Pump) -> None:
    claims = pump.platform.tokens.verify(await pump.token(), START)
    assert claims.host == HOST
    assert claims.leaf_sha256 == pump.admission.path[0].sha256


@pytest.mark.parametrize("host", ["evil.example.net", "IOT.example.org.", "t1000"])
async def test_a_token_that_is_made_out_to_somebody_else_is_refused(pump: Pump, host: str) -> None:
    assert await refused(pump.platform, await pump.token(host))


async def test_a_token_that_names_a_name_of_the_servers_certificate_is_taken(pump: Pump) -> None:
    options = replace(pump.platform.options, host_names=HostNames(["*.plant.example.net"]))
    platform = replace(pump.platform, options=options)
    assert not await refused(platform, await pump.token("Edge.plant.example.net"))
    assert await refused(platform, await pump.token("a.edge.plant.example.net"))


async def test_a_token_lives_for_an_hour_unless_the_tenant_says_otherwise(pump: Pump) -> None:
    assert lifetime_of(pump.platform, await pump.token()) == HOUR
    await set_lifetime(pump.platform, "7200")
    assert lifetime_of(pump.platform, await pump.token()) == 2 * HOUR


async def test_a_token_ends_with_its_lifetime(pump: Pump, clock: MovableClock) -> None:
    token = await pump.token()
    clock.move(HOUR - SECOND)
    assert not await refused(pump.platform, token)
    clock.move(SECOND)
    assert await refused(pump.platform, token)


async def test_the_same_token_is_given_until_half_of_its_lifetime_and_then_another(
    pump: Pump, clock: MovableClock
) -> None:
    token = await pump.token()
    clock.move(HOUR / 2 - SECOND)
    assert await pump.token() == token
    clock.move(SECOND)
    another = await pump.token()
    assert another != token
    assert not await refused(pump.platform, token)
    assert not await refused(pump.platform, another)


async def test_disabling_the_trusted_certificate_ends_the_token_and_enabling_brings_another(pump: Pump) -> None:
    token = await pump.token()
    await pump.change(Change(status=TrustStatus.DISABLED))
    assert await refused(pump.platform, token)
    await pump.change(Change(status=TrustStatus.ENABLED))
    assert await pump.token() != token


async def test_deleting_the_trusted_certificate_ends_the_token(pump: Pump) -> None:
    token = await pump.token()
    async with pump.platform.database.transaction() as tx:
        await trusted_certificates.delete(tx, pump.platform, T1, pump.fingerprint)
    assert await refused(pump.platform, token)


async def test_disabling_the_device_user_ends_the_token_and_enabling_brings_another(pump: Pump) -> None:
    token = await pump.token()
    await pump.set_enabled(is_enabled=False)
    assert await refused(pump.platform, token)
    await pump.set_enabled(is_enabled=True)
    assert await pump.token() != token


async def test_suspending_the_tenant_ends_the_token(pump: Pump) -> None:
    token = await pump.token()
    async with pump.platform.database.transaction() as tx:
        await stored_tenants.save(tx, Tenant(id=T1, status=TenantStatus.SUSPENDED, created_at=START))
        tx.after_commit(pump.platform.bus.publish, TenantChanged(T1))
    assert await refused(pump.platform, token)


async def test_a_token_that_was_refused_is_not_given_again(pump: Pump) -> None:
    """Also when nothing was told to this node: here the chain of the token is spoiled."""
    token = await pump.token()
    async with pump.platform.database.transaction() as tx:
        await device_chains.remember(tx, chain_of(pump, presented=(b"no certificate",)))
    assert await refused(pump.platform, token)
    assert await pump.token() != token


def chain_of(pump: Pump, presented: tuple[bytes, ...]) -> DeviceChain:
    return DeviceChain(
        tenant=T1,
        device=pump.admission.device,
        leaf_sha256=pump.admission.path[0].sha256,
        presented=presented,
        seen_at=START,
    )


async def test_a_token_of_another_tenant_is_no_token_of_this_one(pump: Pump) -> None:
    """A token with another tenant in its claims is not ours, and one that we would sign finds no chain there."""
    header, claims, signature = (await pump.token()).split(".")
    changed = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"ten": "management"}
    forged = base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode()
    assert await refused(pump.platform, f"{header}.{forged}.{signature}")
    holder = TokenHolder(
        tenant=MANAGEMENT_TENANT, device=pump.admission.device, leaf_sha256=pump.admission.path[0].sha256, host=HOST
    )
    assert await refused(pump.platform, pump.platform.tokens.issue(holder, HOUR, START))


async def test_a_device_that_another_tenant_now_owns_keeps_no_token_here(pump: Pump) -> None:
    token = await pump.token()
    await upload(pump.platform, pump.root, MANAGEMENT_TENANT)
    assert not await refused(pump.platform, token)
    assert (await by_token(pump.platform, token)).tenant == T1


async def test_whoever_has_only_the_certificate_gets_nowhere_with_a_token_that_is_not_signed(pump: Pump) -> None:
    _, claims, _ = (await pump.token()).split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    assert await refused(pump.platform, f"{header}.{claims}.")


async def test_presented_chains_of_any_length_are_read_back(platform: Platform) -> None:
    for number, presented in enumerate([(), (b"",), (b"a",), (b"a" * 300, b"", b"b" * 70_000)]):
        chain = DeviceChain(
            tenant=T1,
            device=DeviceId("pump-7"),
            leaf_sha256=bytes([number]) * 32,
            presented=presented,
            seen_at=START,
        )
        async with platform.database.transaction() as tx:
            await device_chains.remember(tx, chain)
        async with platform.database.reading() as tx:
            assert await device_chains.find(tx, T1, chain.leaf_sha256) == presented
            assert await device_chains.find(tx, MANAGEMENT_TENANT, chain.leaf_sha256) is None
